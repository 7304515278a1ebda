from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import anyio
import numpy as np
import pytest
from httpx2 import Response
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Message

from labeler.data.types.label_space import LabelSpace
from labeler.data.types.task import Label
from labeler.reports.annotate.agreement import Agreement
from labeler.reports.annotate.app import LARGEST_BODY, LONGEST_NOTE, create_app
from labeler.reports.annotate.store import AnnotationStore, open_store

BASE = "http://127.0.0.1:8765"
CHANGE = {"row": 0, "version": 0, "since": 0, "label": "positive", "note": "", "mark": ""}


def post(client: TestClient, **changes: object) -> Response:
    return client.post("row", json=CHANGE | changes)


def status_of(app: ASGIApp, path: str) -> int:
    """Ask for a path just as it is; a client would tidy it up."""
    statuses: list[int] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b""}

    async def send(message: Message) -> None:
        statuses.extend([message["status"]] if "status" in message else [])

    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "query_string": b"",
        "headers": [(b"host", b"127.0.0.1:8765")],
        "server": ("127.0.0.1", 8765),
    }
    anyio.run(app, scope, receive, send)
    return statuses[0]


def test_the_page_escapes_and_holds_no_inline_code(client: TestClient) -> None:
    html = client.get("").text
    assert "Bad &lt;b&gt;things&lt;/b&gt;" in html
    assert not re.search(r"<script(?![^>]* src=)|<style|\sstyle=|\son\w+=", html)
    assert not re.search(r'(?:src|href)="(?!annotate\.|data:image/svg)', html)


def test_every_file_the_page_names_is_there(client: TestClient) -> None:
    named = re.findall(r'(?:src|href)="(annotate[^"]+)"', client.get("").text)
    named += re.findall(r'from "\./([^"]+)"', client.get("annotate.js").text)
    assert sorted(named) == ["annotate.css", "annotate.js", "review_text.js", "saving.js"]
    assert all(client.get(name).status_code == 200 for name in named)


@pytest.mark.parametrize("path", ["", "state", "annotate.js", "nothing", "../secret", "/wrong/"])
def test_strict_headers_on_every_answer(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    assert headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"


def test_a_change_is_saved_and_told(client: TestClient, sample: Path) -> None:
    answer = post(client, note="why").json()
    assert answer == {
        "rows": [{"row": 0, "label": "positive", "note": "why", "mark": "", "version": 1}],
        "seq": 1,
        "change": 1,
        "row": 0,
    }
    assert ",positive,why," in sample.read_text(encoding="utf-8")
    state = client.get("state").json()
    assert state["rows"][0] | {"text": ""} == answer["rows"][0] | {"id": "r1", "text": ""}


def test_only_the_page_itself_may_end_it(store: AnnotationStore) -> None:
    ended: list[bool] = []
    app = create_app(store, (), "secret", end=lambda: ended.append(True))
    own = {"Origin": BASE, "Sec-Fetch-Site": "same-origin", "X-Labeler": "1"}
    foreign = TestClient(app, base_url=f"{BASE}/secret/", headers=own | {"Sec-Fetch-Site": "cross-site"})
    assert (foreign.post("end", json={}).status_code, foreign.get("end").status_code, ended) == (403, 405, [])
    assert TestClient(app, base_url=f"{BASE}/secret/", headers=own).post("end", json={}).status_code == 200
    assert ended == [True]


def test_undo_survives_a_reload_of_the_page(client: TestClient, sample: Path) -> None:
    before = sample.read_text(encoding="utf-8")
    post(client)
    change = client.get("state").json()["change"]
    answer = client.post("undo", json={"change": change, "since": 0})
    assert answer.json()["row"] == 0
    assert sample.read_text(encoding="utf-8") == before
    assert client.post("undo", json={"change": change, "since": 0}).status_code == 409


def test_a_second_window_gets_the_newer_value(client: TestClient) -> None:
    post(client)
    stale = post(client, label="negative")
    assert stale.status_code == 409
    assert stale.json()["rows"][0]["label"] == "positive"
    assert "another window" in stale.json()["error"]
    assert post(client, label="negative", version=1).status_code == 200
    assert [row["label"] for row in client.get("changes?since=1").json()["rows"]] == ["negative"]


def test_a_conflict_names_the_row_even_if_the_window_knew_of_it(client: TestClient) -> None:
    post(client)
    assert [row["row"] for row in post(client, label="negative", since=1).json()["rows"]] == [0]


@pytest.mark.parametrize(
    "changes",
    [
        {"label": "great"},
        {"label": 1},
        {"row": -1},
        {"row": "0"},
        {"version": 0.5},
        {"mark": "x"},
        {"more": 1},
        {"note": None},
        {"note": "n" * (LONGEST_NOTE + 1)},
    ],
)
def test_a_malformed_change(client: TestClient, sample: Path, changes: dict[str, object]) -> None:
    before = sample.read_bytes()
    assert post(client, **changes).status_code == 400
    assert sample.read_bytes() == before


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'"row"', b'{"row": "\\ud800"}', b"\xff"])
def test_a_body_that_is_no_change(client: TestClient, body: bytes) -> None:
    assert client.post("row", content=body, headers={"Content-Type": "application/json"}).status_code == 400


def test_limits(client: TestClient) -> None:
    json = {"Content-Type": "application/json"}
    assert client.post("row", content=b" " * (LARGEST_BODY + 1), headers=json).status_code == 413
    assert client.post("row", content=b"{}", headers={"Content-Type": "text/plain"}).status_code == 415
    assert post(client, note="ң" * LONGEST_NOTE).status_code == 200
    assert post(client, row=99).status_code == 404
    assert client.get("text?row=99").status_code == 404
    assert client.get("text?row=-1").status_code == 400
    assert client.get("changes?since=x").status_code == 400
    assert client.get("changes").status_code == 400
    assert client.get("row").status_code == 405
    assert client.post("state").status_code == 405


def test_what_cannot_be_saved_is_said(client: TestClient, sample: Path) -> None:
    sample.write_text("text\nmine\n", encoding="utf-8")
    answer = post(client)
    assert answer.status_code == 503
    assert "changed by another program" in answer.json()["error"]


@pytest.mark.parametrize(
    "path", ["/", "/state", "/secre/state", "/secrets/state", "//state", "/Secret/state", "/ключ/", "*"]
)
def test_without_the_token_there_is_nothing(store: AnnotationStore, path: str) -> None:
    assert status_of(create_app(store, (), "secret"), path) == 404


@pytest.mark.parametrize(
    "path",
    [
        "/secret",
        "/secret//state",
        "/secret/state/",
        "/secret/../secret/state",
        "/secret/..%2f..%2fetc/passwd",
        "/secret/%2e%2e/app.py",
        "/secret/app.py",
        "/secret/annotate.html",
        "/secret/annotate.css%00",
        "/secret/annotate.js/../app.py",
        "/%2e/secret/state",
    ],
)
def test_path_tricks(store: AnnotationStore, path: str) -> None:
    assert status_of(create_app(store, (), "secret"), path) == 404


@pytest.mark.parametrize("host", ["evil.example:8765", "127.0.0.1", "127.0.0.1:80", "localhost.evil.example:8765", ""])
def test_a_foreign_host_is_refused(client: TestClient, host: str) -> None:
    assert client.get("state", headers={"Host": host}).status_code == 403


def test_localhost_is_this_computer_too(client: TestClient) -> None:
    assert client.get("state", headers={"Host": "localhost:8765"}).status_code == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": BASE, "X-Labeler": "1"}, 200),
        ({"Sec-Fetch-Site": "same-origin", "X-Labeler": "1"}, 200),
        ({"Origin": BASE, "Sec-Fetch-Site": "same-origin"}, 403),
        ({"X-Labeler": "1"}, 403),
        ({"Origin": "http://evil.example", "X-Labeler": "1"}, 403),
        ({"Origin": "http://evil.example", "Sec-Fetch-Site": "same-origin", "X-Labeler": "1"}, 403),
        ({"Origin": "null", "X-Labeler": "1"}, 403),
        ({"Origin": "http://127.0.0.1:9999", "X-Labeler": "1"}, 403),
        ({"Origin": "http://localhost:8765", "X-Labeler": "1"}, 403),
        ({"Origin": BASE, "Sec-Fetch-Site": "cross-site", "X-Labeler": "1"}, 403),
        ({"Origin": BASE, "Sec-Fetch-Site": "same-site", "X-Labeler": "1"}, 403),
    ],
)
def test_only_the_page_itself_may_change_anything(
    store: AnnotationStore, sample: Path, headers: dict[str, str], status: int
) -> None:
    client = TestClient(create_app(store, (), "secret"), base_url=f"{BASE}/secret/", headers=headers)
    before = sample.read_bytes()
    assert post(client).status_code == status
    assert (sample.read_bytes() != before) == (status == 200)


def test_a_long_review_is_sent_in_two_steps(write: Callable[[str], Path], labels: LabelSpace) -> None:
    with open_store(write("id,text\n1," + "ы" * 1_000_000 + "\n"), labels) as store:
        own = TestClient(create_app(store, (), "secret"), base_url=f"{BASE}/secret/")
        row = own.get("state").json()["rows"][0]
        assert len(row["text"]) < 10_000
        assert row["chars"] == 1_000_000
        assert len(own.get("text?row=0").json()["text"]) == 1_000_000


def test_disputes_are_shown(store: AnnotationStore, labels: LabelSpace) -> None:
    second = Agreement(labels, 3, 1, np.array([[4, 1], [0, 3]]), {1: "positive"}, "<their>.csv")
    classes = [Label.model_validate({"name": name}) for name in labels.names]
    own = TestClient(create_app(store, classes, "secret", second), base_url=f"{BASE}/secret/")
    html = own.get("").text
    assert "&lt;their&gt;.csv" in html
    assert "<b>88 %</b> of 8 reviews" in html
    assert "kappa <b>0.75</b>" in html
    assert [row.get("second") for row in own.get("state").json()["rows"]] == [None, "positive", None]
    undefined = Agreement(labels, 3, 0, np.array([[4, 0], [0, 0]]), {}, "b.csv")
    assert (
        "kappa <b>undefined</b>"
        in TestClient(create_app(store, classes, "secret", undefined), base_url=f"{BASE}/secret/").get("").text
    )
