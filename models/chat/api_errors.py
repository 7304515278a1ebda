"""What went wrong with a request, and what may help."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Literal

_MAX_WAIT = 300.0  # a server that asks for more is out of service for this run
_OUT_OF_MONEY = {"insufficient_quota", "billing_hard_limit_reached"}


@dataclass(frozen=True)
class Trouble:
    """One failed try.

    Parameters
    ----------
    reason : str
        In a few words, for counting.
    remedy : {"again", "plainer", "other", "none"}
        Try again later; send the request with fewer parameters; send other texts, these will not pass; or nothing,
        since every further request would fail alike.
    detail : str
        What the server said.
    wait : float, optional
        Seconds the server asked to wait.
    """

    reason: str
    remedy: Literal["again", "plainer", "other", "none"]
    detail: str = ""
    wait: float | None = None


def diagnose(error: Exception) -> Trouble:
    """Say what an exception of the ``openai`` client means."""
    import openai

    if isinstance(error, openai.APIStatusError):
        return _of_status(error)
    if type(error.__cause__).__name__ in ("ConnectError", "ConnectTimeout"):  # httpx, or whatever the client uses
        return Trouble("unreachable", "again", str(error.__cause__) or "no answer")
    if isinstance(error, TimeoutError | openai.APITimeoutError):
        return Trouble("timeout", "again")
    if isinstance(error, openai.APIConnectionError):
        return Trouble("disconnected", "again", str(error.__cause__ or error))
    return Trouble("broken reply", "again", f"{type(error).__name__}: {error}")


def _of_status(error: object) -> Trouble:
    import openai

    assert isinstance(error, openai.APIStatusError)
    status, detail = error.status_code, error.message
    if status == 429 and (error.code in _OUT_OF_MONEY or error.type in _OUT_OF_MONEY):
        return Trouble("out of quota", "none", detail)
    if status in (401, 402, 403, 404):
        return Trouble(f"refused ({status})", "none", detail)
    if status in (408, 409, 429) or status >= 500:
        wait = retry_after(error.response.headers)
        reason = "rate limit" if status == 429 else f"server error ({status})"
        return Trouble(reason, "none" if wait is not None and wait > _MAX_WAIT else "again", detail, wait)
    return Trouble(f"refused ({status})", "plainer" if status in (400, 422) else "other", detail)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Read the header Retry-After, seconds or a date; None if there is none or it makes no sense."""
    written = headers.get("retry-after", "")
    try:
        seconds = float(written)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(written).astimezone(UTC) - datetime.now(UTC)).total_seconds()
        except (TypeError, ValueError, OverflowError):
            return None
    return max(seconds, 0.0) if math.isfinite(seconds) else None


@dataclass(frozen=True)
class Dialect:
    """The optional parameters of a request, of which servers understand more or less.

    Parameters
    ----------
    format : {"schema", "object", "text"}
        Whether the answer is held to the JSON schema, to JSON, or to nothing.
    limit : {"max_completion_tokens", "max_tokens", ""}
        What the server calls the length of an answer.
    temperature : bool
        Whether temperature 0 may be asked for; models that think aloud refuse it.
    """

    format: Literal["schema", "object", "text"] = "schema"
    limit: Literal["max_completion_tokens", "max_tokens", ""] = "max_completion_tokens"
    temperature: bool = True

    def plainer(self, detail: str, *, proven: bool) -> Dialect | None:
        """Leave out what a server complained about.

        Parameters
        ----------
        detail : str
            The complaint.
        proven : bool
            Whether the server has taken a request of this dialect: then only a parameter that the complaint names is
            left out, as anything else must be about the texts.

        Returns
        -------
        Dialect or None
            None if there is nothing to leave out.
        """
        if self.temperature and "temperature" in detail:
            return replace(self, temperature=False)
        if self.limit == "max_tokens" and "max_tokens" in detail:
            return replace(self, limit="")
        if self.limit == "max_completion_tokens" and self.limit in detail:
            return replace(self, limit="max_tokens")
        if self.format == "text" or (proven and "response_format" not in detail):
            return None
        return replace(self, format="object" if self.format == "schema" else "text")
