"""A client of a chat server that tries again, and in simpler formats, until a request is answered or nothing helps."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

from ...data.errors import ModelError
from .api_errors import ApiError, RequestFormat, classify_error
from .endpoint import Endpoint

_CONNECT_SECONDS = 5.0
_MAX_WAIT = 120.0  # that the client waits between two tries, should the server ask for it
_MAX_FAILURES = 10  # in a row: then it is the server and not the texts


@dataclass(frozen=True)
class Reply:
    """A message of the model and what it cost; tokens are None where the server does not count them."""

    content: str | None
    prompt_tokens: int | None
    completion_tokens: int | None


class RequestFailedError(Exception):
    """A request was given up; others may pass."""


class ChatClient(AbstractAsyncContextManager["ChatClient"]):
    """Sends requests to one endpoint, several at a time.

    Parameters
    ----------
    endpoint : Endpoint

    Attributes
    ----------
    sent : int
        Requests sent so far, every try counted.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        from openai import AsyncOpenAI, DefaultAsyncHttpxClient, Timeout

        self.endpoint = endpoint
        self.sent = 0
        self._client = AsyncOpenAI(
            api_key=endpoint.key or "none",  # the client insists on one, many local servers do not
            base_url=endpoint.base_url,
            timeout=Timeout(endpoint.timeout, connect=min(_CONNECT_SECONDS, endpoint.timeout)),
            max_retries=endpoint.retries,
            http_client=DefaultAsyncHttpxClient(event_hooks={"request": [self._count]}),
        )
        self._format = RequestFormat()
        self._accepted: RequestFormat | None = None  # the last in which a request was answered
        self._failures = 0  # since the last answer
        self._end: ModelError | None = None  # why no request can pass

    async def __aexit__(self, *error: object) -> None:
        """Close the connections."""
        await self._client.close()

    async def complete(self, messages: Sequence[dict[str, str]], schema: dict[str, Any]) -> Reply:
        """Send a request.

        Parameters
        ----------
        messages : sequence of dict
            With ``role`` and ``content``.
        schema : dict
            JSON schema the answer is held to where the server can.

        Raises
        ------
        RequestFailedError
            If it failed on every try, or will fail on every try; the message is the reason.
        ModelError
            If no request can pass: a wrong key, model or URL, no money, or a server that has gone away.
        """
        while self._end is None:
            used = self._format
            outcome = await self._send(messages, schema, used)
            if isinstance(outcome, Reply):
                self._accepted, self._failures = used, 0
                return outcome
            if outcome.effect == "degrade" and self._degrade(used, outcome.detail):
                continue
            self._failures += 1
            if outcome.effect != "fatal" and self._failures < _MAX_FAILURES:
                raise RequestFailedError(outcome.reason)
            self._end = self._explained(outcome)
        raise self._end

    async def _send(
        self, messages: Sequence[dict[str, str]], schema: dict[str, Any], used: RequestFormat
    ) -> Reply | ApiError:
        from openai import OpenAIError

        # The client's own timeout begins anew with every byte.
        seconds = (self.endpoint.timeout + _MAX_WAIT) * (self.endpoint.retries + 1)
        try:
            async with asyncio.timeout(seconds):
                answer = await self._client.chat.completions.create(
                    model=self.endpoint.model, **self._options(messages, schema, used)
                )
            usage = answer.usage
            return Reply(
                answer.choices[0].message.content,
                usage.prompt_tokens if usage else None,
                usage.completion_tokens if usage else None,
            )
        except (OpenAIError, TimeoutError, ValueError, AttributeError, TypeError, IndexError) as error:
            return classify_error(error)  # the last four: a reply that is not what the protocol says

    def _options(
        self, messages: Sequence[dict[str, str]], schema: dict[str, Any], used: RequestFormat
    ) -> dict[str, Any]:
        options: dict[str, Any] = {"messages": messages}
        if used.temperature:
            options["temperature"] = 0
        if used.limit:
            options[used.limit] = self.endpoint.answer_tokens
        if used.answer == "schema":
            described = {"name": "classes", "strict": True, "schema": schema}
            options["response_format"] = {"type": "json_schema", "json_schema": described}
        elif used.answer == "object":
            options["response_format"] = {"type": "json_object"}
        return options

    def _degrade(self, used: RequestFormat, detail: str) -> bool:
        """Leave out a parameter; return whether requests are now sent with fewer of them than this one was."""
        if self._format is not used:  # another request failed alike and was first
            return True
        simpler = used.degrade(detail, accepted=self._accepted is used)
        self._format = simpler or used
        return simpler is not None

    async def _count(self, request: object) -> None:
        self.sent += 1

    def _explained(self, error: ApiError) -> ModelError:
        key = self.endpoint.key
        detail = " ".join((error.detail.replace(key, "***") if key else error.detail).split())[:300]
        return ModelError(
            f"{self.endpoint.host} does not answer for the model '{self.endpoint.model}': {error.reason}"
            f"{': ' if detail else ''}{detail}.",
            hint="Check base_url, model and the key, or wait; all answers so far are kept: running it again continues.",
        )
