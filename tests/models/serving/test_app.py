"""What requests are answered, and which are refused and how."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from labeler.models.serving.app import Limits

from .conftest import Plus, Serve

POSITIVE = {"label": "positive", "confidence": 0.9, "p_negative": 0.1, "p_positive": 0.9, "reason": None}
SILENT = {"label": None, "confidence": None, "p_negative": None, "p_positive": None}


def close(found: dict[str, Any], expected: dict[str, Any]) -> bool:
    return list(found) == list(expected) and found == pytest.approx(expected)


def test_texts_get_labels_and_probabilities(serve: Serve) -> None:
    answer = serve().post("/predict", json={"texts": ["good +", "-", " \u200b", "bad"]})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    rows = answer.json()["predictions"]
    assert close(rows[0], POSITIVE)
    assert rows[1:3] == [SILENT | {"reason": "no content"}, SILENT | {"reason": "empty text"}]
    assert rows[3]["label"] == "negative"


def test_a_single_text_gets_a_single_answer(serve: Serve) -> None:
    assert close(serve().post("/predict", json={"text": "good +"}).json(), POSITIVE)


def test_no_text_gets_no_answer_and_any_text_gets_one(serve: Serve) -> None:
    client = serve()
    assert client.post("/predict", json={"texts": []}).json() == {"predictions": []}
    body = b'{"texts": ["\\ud83d half +", "a\\u0000b", "\\u2028", "' + "ұ".encode() * 5000 + b'"]}'
    labels = [row["label"] for row in client.post("/predict", content=body).json()["predictions"]]
    assert labels == ["positive", "negative", None, "negative"]


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"", "The body is not JSON: Expecting value: line 1"),
        (b"\xff\xfe{", "The body is not JSON: "),
        (b"[" * 100_000, "The body is not JSON: "),
        (b'["a"]', "The body is an array. Send"),
        (b'"a"', "The body is a string. Send"),
        (b"{}", "Keys found: none. Send"),
        (b'{"reviews": [], "id": 1}', "Keys found: 'reviews', 'id'. Send"),
        (b'{"text": "a", "texts": []}', "Keys found: 'text', 'texts'. Send"),
        (b'{"texts": "a"}', "'texts' is a string, not an array of strings."),
        (b'{"texts": ["a", 7]}', "texts[1] is a number, not a string."),
        (b'{"texts": [null]}', "texts[0] is null, not a string."),
        (b'{"text": true}', "text is a boolean, not a string."),
    ],
)
def test_what_cannot_be_used_is_explained(serve: Serve, model: Plus, body: bytes, error: str) -> None:
    answer = serve().post("/predict", content=body)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(error)
    assert model.batches == []


@pytest.mark.parametrize("declared", [True, False])
def test_large_requests_are_refused_with_what_was_found_and_allowed(serve: Serve, declared: bool) -> None:
    client = serve(limits=Limits(rows=3, bytes=100))
    many = client.post("/predict", json={"texts": ["a"] * 4})
    assert (many.status_code, many.json()) == (413, {"error": "The body has 4 texts; at most 3 are allowed."})
    body = json.dumps({"text": "a" * 100}).encode()
    long = client.post("/predict", content=body if declared else iter([body[:60], body[60:]]))
    assert (long.status_code, long.json()) == (413, {"error": "The body has 112 bytes; at most 100 are allowed."})
    assert client.post("/predict", json={"texts": ["a"] * 3}).status_code == 200


def test_the_token_is_asked_for_everywhere(serve: Serve) -> None:
    client = serve(token="sésame")
    right: dict[Any, Any] = {"Authorization": "Bearer sésame".encode()}
    wrong = (None, "", "Bearer", "Bearer wrong", "Basic sésame".encode())
    for value in wrong:
        headers: dict[Any, Any] = {} if value is None else {"Authorization": value}
        for refused in (client.get("/health", headers=headers), client.post("/predict", headers=headers)):
            assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
            assert "Bearer TOKEN" in refused.json()["error"]
    assert client.get("/health", headers=right).status_code == 200
    assert client.get("/health", headers=right | {"Host": "reviews.example"}).status_code == 200


def test_without_a_token_only_this_computers_names_are_answered(serve: Serve) -> None:
    client = serve()
    assert client.get("/health", headers={"Host": "rebound.example"}).status_code == 400
    for name in ("localhost:8000", "127.0.0.1:8000", "[::1]:8000", "LOCALHOST"):
        assert client.get("/health", headers={"Host": name}).json() == {"status": "ok", "model": "plus"}


def test_other_paths_and_methods_are_refused_in_json(serve: Serve) -> None:
    client = serve()
    assert client.get("/").json() == {"error": "Not Found"}
    wrong = client.get("/predict")
    assert (wrong.status_code, wrong.json(), wrong.headers["allow"]) == (405, {"error": "Method Not Allowed"}, "POST")


def test_a_model_that_fails_costs_the_request_and_not_the_server(serve: Serve) -> None:
    client = serve()
    failed = client.post("/predict", json={"text": "explode"})
    assert (failed.status_code, list(failed.json())) == (500, ["error"])
    assert client.post("/predict", json={"text": "+"}).status_code == 200


def test_a_full_queue_asks_to_come_back(serve: Serve, model: Plus) -> None:
    client = serve(limits=Limits(rows=2, requests=1))
    model.go_on.clear()
    with ThreadPoolExecutor(8) as pool:

        def send() -> Any:
            return pool.submit(client.post, "/predict", json={"texts": ["+", "-+"]})

        answers = [send()]
        while not model.batches:
            time.sleep(0.01)
        answers += [send() for _ in range(7)]
        while sum(answer.done() for answer in answers) < 6:  # one is computed, one waits
            time.sleep(0.01)
        model.go_on.set()
        found = [answer.result() for answer in answers]
    assert sorted(answer.status_code for answer in found) == [200, 200, *[503] * 6]
    assert {answer.headers.get("retry-after") for answer in found if answer.status_code == 503} == {"1"}
