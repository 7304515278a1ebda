"""What failures of a chat server mean."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from labeler.models.chat.api_errors import Dialect, diagnose, retry_after


def test_waiting_times_are_seconds_or_dates() -> None:
    assert retry_after({"retry-after": "1.5"}) == 1.5
    assert retry_after({"retry-after": "-3"}) == 0
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=60))
    assert retry_after({"retry-after": later}) == pytest.approx(60, abs=5)


@pytest.mark.parametrize("value", ["", "soon", "nan", "inf"])
def test_waiting_times_that_make_no_sense_are_none(value: str) -> None:
    assert retry_after({"retry-after": value}) is None


@pytest.mark.parametrize(
    ("status", "body", "headers", "remedy"),
    [
        (500, {}, {}, "again"),
        (503, {}, {"retry-after": "2"}, "again"),
        (429, {}, {}, "again"),
        (429, {}, {"retry-after": "86400"}, "none"),
        (429, {"code": "insufficient_quota"}, {}, "none"),
        (400, {}, {}, "plainer"),
        (422, {}, {}, "plainer"),
        (401, {}, {}, "none"),
        (402, {}, {}, "none"),
        (404, {}, {}, "none"),
        (413, {}, {}, "other"),
    ],
)
def test_a_status_has_a_remedy(status: int, body: dict[str, str], headers: dict[str, str], remedy: str) -> None:
    import httpx2
    import openai

    request = httpx2.Request("POST", "http://localhost")
    response = httpx2.Response(status, headers=headers, request=request)
    assert diagnose(openai.APIStatusError("x", response=response, body=body)).remedy == remedy


def test_a_dialect_loses_what_a_server_complains_about() -> None:
    full = Dialect()
    assert full.plainer("temperature is not supported", proven=False) == Dialect(temperature=False)
    assert full.plainer("max_completion_tokens?", proven=True) == Dialect(limit="max_tokens")
    assert Dialect(limit="max_tokens").plainer("max_tokens?", proven=True) == Dialect(limit="")
    assert full.plainer("bad request", proven=False) == Dialect(format="object")
    assert Dialect(format="object").plainer("response_format", proven=True) == Dialect(format="text")
    assert Dialect(format="text").plainer("response_format", proven=True) is None


def test_a_complaint_about_the_texts_costs_no_parameter() -> None:
    assert Dialect().plainer("the context is too long", proven=True) is None
