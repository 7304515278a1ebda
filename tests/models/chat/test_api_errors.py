"""What failures of a chat server mean."""

from __future__ import annotations

import pytest

from labeler.models.chat.api_errors import RequestFormat, classify_error


@pytest.mark.parametrize(
    ("status", "body", "effect"),
    [
        (500, {}, "failed"),
        (503, {}, "failed"),
        (429, {}, "failed"),
        (429, {"code": "insufficient_quota"}, "fatal"),
        (400, {}, "degrade"),
        (422, {}, "degrade"),
        (401, {}, "fatal"),
        (402, {}, "fatal"),
        (404, {}, "fatal"),
        (413, {}, "failed"),
    ],
)
def test_a_status_has_an_effect(status: int, body: dict[str, str], effect: str) -> None:
    import httpx2
    import openai

    response = httpx2.Response(status, request=httpx2.Request("POST", "http://localhost"))
    assert classify_error(openai.APIStatusError("x", response=response, body=body)).effect == effect


def test_a_format_loses_what_a_server_complains_about() -> None:
    full = RequestFormat()
    assert full.degrade("temperature is not supported", accepted=False) == RequestFormat(temperature=False)
    assert full.degrade("max_completion_tokens?", accepted=True) == RequestFormat(limit="max_tokens")
    assert RequestFormat(limit="max_tokens").degrade("max_tokens?", accepted=True) == RequestFormat(limit="")
    assert full.degrade("bad request", accepted=False) == RequestFormat(answer="object")
    assert RequestFormat(answer="object").degrade("response_format", accepted=True) == RequestFormat(answer="text")
    assert RequestFormat(answer="text").degrade("response_format", accepted=True) is None


def test_a_complaint_about_the_texts_costs_no_parameter() -> None:
    assert RequestFormat().degrade("the context is too long", accepted=True) is None
