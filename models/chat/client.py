"""One client of a chat server: it sends a request until it is answered or hopeless."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from ...data.errors import ModelError
from .api_errors import Dialect, Trouble, diagnose
from .endpoint import Endpoint

_CONNECT_SECONDS = 5.0
_FAILURES_IN_A_ROW = 10  # then it is the server and not the texts
_MAX_BACKOFF = 60.0


@dataclass(frozen=True)
class Reply:
    """A message of the model and what it cost; tokens are None where the server does not count them."""

    content: str | None
    prompt_tokens: int | None
    completion_tokens: int | None


class RequestFailedError(Exception):
    """A request was given up; others may pass."""


class ChatClient:
    """Sends requests to one endpoint, several at a time; an asynchronous context manager.

    Parameters
    ----------
    endpoint : Endpoint

    Attributes
    ----------
    sent : int
        Requests sent so far, every try counted.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        from openai import AsyncOpenAI, Timeout

        self.endpoint = endpoint
        self.sent = 0
        self._client = AsyncOpenAI(
            api_key=endpoint.key or "none",  # the client insists on one, many local servers do not
            base_url=endpoint.base_url,
            timeout=Timeout(endpoint.timeout, connect=min(_CONNECT_SECONDS, endpoint.timeout)),
            max_retries=0,
        )
        self._dialect = Dialect()
        self._proven: Dialect | None = None  # the last one in which a request was answered
        self._failures = 0  # since the last answer
        self._end: ModelError | None = None  # why no request can pass

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
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
        tries = 0
        while True:
            if self._end:
                raise self._end
            dialect = self._dialect
            outcome = await self._try(messages, schema, dialect)
            if isinstance(outcome, Reply):
                self._proven, self._failures = dialect, 0
                return outcome
            if outcome.remedy == "plainer" and self._speak_plainer(dialect, outcome):
                continue
            if outcome.remedy == "none" or (outcome.reason == "unreachable" and self._proven is None):
                raise self._hopeless(outcome)
            tries += 1
            if outcome.remedy != "again" or tries > self.endpoint.retries:
                raise self._given_up(outcome)
            await asyncio.sleep(self._delay(tries, outcome))

    async def _try(
        self, messages: Sequence[dict[str, str]], schema: dict[str, Any], dialect: Dialect
    ) -> Reply | Trouble:
        from openai import OpenAIError

        self.sent += 1
        try:
            async with asyncio.timeout(self.endpoint.timeout):  # the client's own begins anew with every byte
                answer = await self._client.chat.completions.create(
                    model=self.endpoint.model, **self._options(messages, schema, dialect)
                )
            usage = answer.usage
            return Reply(
                answer.choices[0].message.content,
                usage.prompt_tokens if usage else None,
                usage.completion_tokens if usage else None,
            )
        except (OpenAIError, TimeoutError, ValueError, AttributeError, TypeError, IndexError) as error:
            return diagnose(error)  # the last four: a reply that is not what the protocol says

    def _options(self, messages: Sequence[dict[str, str]], schema: dict[str, Any], dialect: Dialect) -> dict[str, Any]:
        options: dict[str, Any] = {"messages": messages}
        if dialect.temperature:
            options["temperature"] = 0
        if dialect.limit:
            options[dialect.limit] = self.endpoint.answer_tokens
        if dialect.format == "schema":
            described = {"name": "classes", "strict": True, "schema": schema}
            options["response_format"] = {"type": "json_schema", "json_schema": described}
        elif dialect.format == "object":
            options["response_format"] = {"type": "json_object"}
        return options

    def _speak_plainer(self, dialect: Dialect, trouble: Trouble) -> bool:
        """Whether trying again makes sense, since requests are now sent with fewer parameters than this one was."""
        if self._dialect is not dialect:  # another request met the same and was first
            return True
        plainer = dialect.plainer(trouble.detail, proven=self._proven is dialect)
        self._dialect = plainer or dialect
        return plainer is not None

    def _delay(self, tries: int, trouble: Trouble) -> float:
        if trouble.wait is not None:
            return trouble.wait
        backoff = min(self.endpoint.backoff * 2.0 ** (tries - 1), _MAX_BACKOFF)
        return backoff * random.uniform(0.5, 1.5)  # requests that failed together shall not return together

    def _given_up(self, trouble: Trouble) -> Exception:
        self._failures += 1
        if trouble.reason == "unreachable" or self._failures >= _FAILURES_IN_A_ROW:
            return self._hopeless(trouble)
        return RequestFailedError(trouble.reason)

    def _hopeless(self, trouble: Trouble) -> ModelError:
        key = self.endpoint.key
        said = (trouble.detail.replace(key, "***") if key else trouble.detail).strip()
        self._end = ModelError(
            f"{self.endpoint.host} does not answer for the model '{self.endpoint.model}': {trouble.reason}"
            f"{': ' if said else ''}{' '.join(said.split())[:300]}.",
            hint="Check base_url, model and the key, or wait; all answers so far are kept: running it again continues.",
        )
        return self._end
