"""What a failed request means, and the request formats that servers understand."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

_OUT_OF_QUOTA = {"insufficient_quota", "billing_hard_limit_reached"}


@dataclass(frozen=True)
class ApiError:
    """A request that failed although the client has tried again where that helps.

    Parameters
    ----------
    reason : str
        In a few words, for counting.
    detail : str
        What the server answered.
    effect : {"failed", "degrade", "fatal"}
        Only this request failed; it may pass in a simpler format; or every further request would fail alike.
    """

    reason: str
    detail: str = ""
    effect: Literal["failed", "degrade", "fatal"] = "failed"


def classify_error(error: Exception) -> ApiError:
    """Return what an exception of the ``openai`` client means."""
    import openai

    if isinstance(error, openai.APIStatusError):
        status, detail = error.status_code, error.message
        if status == 429 and {error.code, error.type} & _OUT_OF_QUOTA:
            return ApiError("out of quota", detail, "fatal")
        if status in (408, 409, 429) or status >= 500:
            return ApiError("rate limit" if status == 429 else f"server error ({status})", detail)
        effects: dict[int, Literal["degrade", "fatal"]] = dict.fromkeys((401, 402, 403, 404), "fatal")
        effects |= dict.fromkeys((400, 422), "degrade")
        return ApiError(f"refused ({status})", detail, effects.get(status, "failed"))
    if type(error.__cause__).__name__ in ("ConnectError", "ConnectTimeout"):  # httpx, or whatever the client uses
        return ApiError("unreachable", str(error.__cause__) or "no answer", "fatal")
    if isinstance(error, TimeoutError | openai.APITimeoutError):
        return ApiError("timeout")
    if isinstance(error, openai.APIConnectionError):
        return ApiError("disconnected", str(error.__cause__ or error))
    return ApiError("broken reply", f"{type(error).__name__}: {error}")


@dataclass(frozen=True)
class RequestFormat:
    """The optional parameters of a request, of which servers understand more or less.

    Parameters
    ----------
    answer : {"schema", "object", "text"}
        Whether the answer is held to the JSON schema, to JSON, or to nothing.
    limit : {"max_completion_tokens", "max_tokens", ""}
        What the server calls the length of an answer.
    temperature : bool
        Whether temperature 0 may be asked for; models that think aloud refuse it.
    """

    answer: Literal["schema", "object", "text"] = "schema"
    limit: Literal["max_completion_tokens", "max_tokens", ""] = "max_completion_tokens"
    temperature: bool = True

    def degrade(self, detail: str, *, accepted: bool) -> RequestFormat | None:
        """Leave out what a server complained about.

        Parameters
        ----------
        detail : str
            The complaint.
        accepted : bool
            Whether the server has answered a request of this format: then only a parameter that the complaint names
            is left out, as anything else must be about the texts.

        Returns
        -------
        RequestFormat or None
            None if there is nothing to leave out.
        """
        if self.temperature and "temperature" in detail:
            return replace(self, temperature=False)
        if self.limit == "max_tokens" and "max_tokens" in detail:
            return replace(self, limit="")
        if self.limit == "max_completion_tokens" and self.limit in detail:
            return replace(self, limit="max_tokens")
        if self.answer == "text" or (accepted and "response_format" not in detail):
            return None
        return replace(self, answer="object" if self.answer == "schema" else "text")
