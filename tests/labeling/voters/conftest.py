"""What voters' tests share: a sentence encoder that needs no model, and a chat server that fails as it is told."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from labeler.models.loading.resolve import ModelRef


class LetterEncoder:
    """Embeds a text as the counts of the letters a, b, c and of everything else, plus a constant."""

    def encode(
        self, texts: Sequence[str], *, progress: Callable[[int], None] = lambda steps: None
    ) -> npt.NDArray[np.float32]:
        """Return an array of shape (n, 5)."""
        progress(len(texts))
        rows = [[*(text.count(letter) for letter in "abc"), sum(c not in "abc" for c in text), 1.0] for text in texts]
        return np.array(rows, dtype=np.float32).reshape(-1, 5)


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> ModelRef:
    """Return a model whose encoder is a `LetterEncoder`; nothing is loaded."""
    monkeypatch.setattr("labeler.labeling.text.similarity.load_encoder", lambda ref: LetterEncoder())
    monkeypatch.setattr("labeler.labeling.voters.zero_shot.zero_shot_capability", lambda ref: "similarity")
    return ModelRef("letters", Path("none"), "0" * 64, "folder")


class ChatServer:
    """An OpenAI-compatible server on this machine that fails as it is told to.

    `plan` maps the number of a request and its texts to a fault; `label` is what it answers about a text.
    """

    def __init__(self) -> None:
        self.requests: list[list[str]] = []
        self.bodies: list[dict[str, Any]] = []
        self.authorizations: list[str] = []
        self.plan: Callable[[int, list[str]], str] = lambda number, texts: "fine"
        self.label: Callable[[str], Any] = lambda text: "positive" if "+" in text else "negative"
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_ChatHandler,), {"chat": self}))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    @property
    def asked(self) -> list[str]:
        return [text for texts in self.requests for text in texts]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def take(self, body: dict[str, Any], authorization: str) -> tuple[str, dict[str, str]]:
        data = json.loads(body["messages"][-1]["content"].split("\n")[1])
        with self._lock:
            number = len(self.requests)
            self.requests.append(list(data.values()))
            self.bodies.append(body)
            self.authorizations.append(authorization)
        return self.plan(number, list(data.values())), data


class _ChatHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    chat: ChatServer

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        fault, data = self.chat.take(body, self.headers.get("Authorization", ""))
        labels = {number: self.chat.label(text) for number, text in data.items()}
        half = dict(list(labels.items())[: len(labels) // 2])
        contents = {
            "broken JSON": json.dumps(labels)[:-3],
            "half": json.dumps(half),
            "wrong labels": json.dumps(dict.fromkeys(labels, "wonderful")),
            "others": json.dumps({str(int(number) + 1): label for number, label in labels.items()}),
            "twice": f"{json.dumps(labels)[:-1]}, {json.dumps(labels)[1:]}",
            "echo": next(iter(data.values())),
            "fenced": f"```json\n{json.dumps(labels)}\n```",
            "empty": None,
        }
        if fault == "slow":
            time.sleep(1.5)
        if fault.isdigit():
            said = {"error": {"message": f"status {fault}; you sent {self.chat.authorizations[-1]}", "code": None}}
            if fault == "400":
                said["error"]["message"] = "response_format is not supported"
            self.reply(int(fault), json.dumps(said), {"Retry-After": "0.05"} if fault == "429" else {})
            return
        usage = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
        message = {"role": "assistant", "content": contents.get(fault, json.dumps(labels))}
        choice = {"index": 0, "finish_reason": "stop", "message": message}
        about = {"id": "1", "object": "chat.completion", "created": 1, "model": "m"}
        text = json.dumps({**about, "choices": [choice], "usage": usage})
        self.reply(200, text[: len(text) // 2] if fault == "broken reply" else text, {}, cut=fault == "disconnect")

    def reply(self, status: int, text: str, headers: dict[str, str], *, cut: bool = False) -> None:
        raw = text.encode()
        with suppress(OSError):  # the client may have given up
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", "Content-Length": str(len(raw)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(raw[: len(raw) // 2] if cut else raw)
        self.close_connection = self.close_connection or cut


@pytest.fixture
def chat_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ChatServer]:
    """Run a chat server, with an empty cache of answers and no key in the environment."""
    monkeypatch.setenv("LABELER_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    # Loading certificates takes most of a test's time, and nothing here is encrypted.
    monkeypatch.setattr("ssl.SSLContext.load_verify_locations", lambda *args, **kwargs: None)
    monkeypatch.setattr("openai._base_client.INITIAL_RETRY_DELAY", 0.001)
    server = ChatServer()
    yield server
    server.close()
