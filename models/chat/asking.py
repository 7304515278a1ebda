"""Asking a model about many texts: several a request, several requests at a time, every answer stored at once."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from ...data.progress import Advance, progress, status
from .answer_cache import AnswerCache, CachedAnswer, answer_key, open_answers
from .client import ChatClient, Reply, RequestFailedError
from .endpoint import Endpoint
from .prompt import Prompt
from .replies import Answer, read_reply

_ROUNDS = 3  # a text that fails is asked about again among fewer, then alone
_FRAME_TOKENS = 32  # what chat templates put around the messages
OVER_BUDGET = "token budget"
"""Why a text was not asked about: the next request might have cost more tokens than were left."""


@dataclass(frozen=True)
class Usage:
    """What asking cost.

    Parameters
    ----------
    requests : int
        Sent now, every try counted.
    prompt_tokens, completion_tokens : int
        Of the requests answered now.
    from_cache : int
        Texts whose answers were there before.
    cached_tokens : int
        What these had cost.
    """

    requests: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    from_cache: int = 0
    cached_tokens: int = 0


@dataclass(frozen=True)
class Asked:
    """The answers, one per text in order, and what they cost."""

    answers: tuple[Answer, ...]
    usage: Usage


def ask_about(
    texts: Sequence[str],
    endpoint: Endpoint,
    prompt: Prompt,
    batch: int,
    concurrency: int,
    budget_tokens: int | None = None,
) -> Asked:
    """Ask about texts in order, taking stored answers first.

    Parameters
    ----------
    texts : sequence of str
        The most important first: a token budget may leave out the last.
    endpoint : Endpoint
    prompt : Prompt
    batch : int
        Texts in a request.
    concurrency : int
        Requests at a time.
    budget_tokens : int, optional
        Most tokens the answers may cost, stored ones included.

    Raises
    ------
    ModelError
        If the server cannot be asked, or answers cannot be stored. Those so far are stored.
    """
    sent = [prompt.sent(text) for text in texts]
    about = {"model": endpoint.model, "base_url": endpoint.base_url, "prompt": prompt.digest}
    keys = [answer_key(text, **about) for text in sent]
    with open_answers() as cache:
        known = cache.get(keys)
        waiting = {key: text for key, text in zip(keys, sent, strict=True) if key not in known}
        before = f", {len(known):,} answered before" if known else ""
        if not waiting:
            status(f"{endpoint.host}: nothing to send{before}")
        else:
            status(f"{endpoint.host}: sending {len(waiting):,} reviews to {endpoint.model}{before}")
        cached_tokens = sum(answer.prompt_tokens + answer.completion_tokens for answer in known.values())
        session = _Session(endpoint, prompt, cache, waiting, TokenBudget(budget_tokens, cached_tokens))
        if waiting:
            with progress(endpoint.model, total=len(waiting)) as advance:
                _finish(session.run(batch, concurrency, advance))
    found = {key: Answer(answer.label) for key, answer in known.items()} | session.found
    usage = replace(session.usage, from_cache=len(known), cached_tokens=math.ceil(cached_tokens))
    return Asked(tuple(found[key] for key in keys), usage)


class TokenBudget:
    """Tokens that may be spent. A request reserves the most it can cost and settles what it did.

    Parameters
    ----------
    limit : int, optional
        None sets no limit.
    spent : float
        Tokens spent before.
    """

    def __init__(self, limit: int | None, spent: float = 0.0) -> None:
        self._limit = math.inf if limit is None else limit
        self._spent = spent
        self._reserved = 0.0
        self._change = asyncio.Condition()

    async def reserve(self, most: float) -> bool:
        """Wait until `most` tokens are free; False if they will not be."""

        def fits() -> bool:
            return self._spent + self._reserved + most <= self._limit

        async with self._change:
            await self._change.wait_for(lambda: fits() or not self._reserved)
            if not fits():
                return False
            self._reserved += most
            return True

    async def settle(self, most: float, spent: float) -> None:
        """Replace a reservation by what was spent."""
        async with self._change:
            self._reserved -= most
            self._spent += spent
            self._change.notify_all()


class _Session:
    """The state of one round of asking; all of it belongs to one event loop."""

    def __init__(
        self, endpoint: Endpoint, prompt: Prompt, cache: AnswerCache, texts: Mapping[bytes, str], budget: TokenBudget
    ) -> None:
        self.found: dict[bytes, Answer] = {}
        self.usage = Usage()
        self._endpoint, self._prompt, self._cache, self._texts, self._budget = endpoint, prompt, cache, texts, budget
        self._queue: deque[tuple[list[bytes], int]] = deque()

    async def run(self, batch: int, concurrency: int, advance: Advance) -> None:
        """Fill `found`."""
        self._queue.extend((part, 0) for part in _parts(list(self._texts), batch))
        async with ChatClient(self._endpoint) as client:
            workers = (self._work(client, batch, advance) for _ in range(concurrency))
            # Requests under way when one is fatal are paid for: they come in before the error is raised.
            ended = await asyncio.gather(*workers, return_exceptions=True)
            self.usage = replace(self.usage, requests=client.sent)
            for error in filter(None, ended):
                raise error

    async def _work(self, client: ChatClient, batch: int, advance: Advance) -> None:
        while self._queue:
            keys, asked_before = self._queue.popleft()
            try:
                answers = dict(zip(keys, await self._ask(client, keys), strict=True))
            except Exception:
                self._queue.clear()
                raise
            failed = [key for key, answer in answers.items() if answer.failure not in ("", OVER_BUDGET)]
            if asked_before + 1 < _ROUNDS and failed:
                size = max(1, batch // 4) if asked_before == 0 else 1
                self._queue.extendleft((part, asked_before + 1) for part in _parts(failed, size))
                answers = {key: answer for key, answer in answers.items() if key not in failed}
            self.found |= answers
            advance(len(answers))

    async def _ask(self, client: ChatClient, keys: Sequence[bytes]) -> list[Answer]:
        """Send one request and store what it says."""
        messages = self._prompt.messages([self._texts[key] for key in keys])
        # No tokenizer makes more tokens than bytes.
        sendable = sum(len(message["content"].encode()) for message in messages) + _FRAME_TOKENS
        most = sendable + self._endpoint.answer_tokens
        if not await self._budget.reserve(most):
            return [Answer(failure=OVER_BUDGET)] * len(keys)
        spent: float = 0
        try:
            reply = await client.complete(messages, self._prompt.schema(len(keys)))
            spent = most if reply.prompt_tokens is None else reply.prompt_tokens + (reply.completion_tokens or 0)
        except RequestFailedError as error:
            return [Answer(failure=str(error))] * len(keys)
        finally:
            await self._budget.settle(most, spent)
        answers = read_reply(reply.content, len(keys), self._prompt.names)
        self._store(keys, answers, reply)
        return answers

    def _store(self, keys: Sequence[bytes], answers: Sequence[Answer], reply: Reply) -> None:
        prompt, completion = reply.prompt_tokens or 0, reply.completion_tokens or 0
        total = self.usage.prompt_tokens + prompt, self.usage.completion_tokens + completion
        self.usage = replace(self.usage, prompt_tokens=total[0], completion_tokens=total[1])
        good = {key: answer.label for key, answer in zip(keys, answers, strict=True) if not answer.failure}
        share = 1 / max(len(good), 1)
        self._cache.put({key: CachedAnswer(label, prompt * share, completion * share) for key, label in good.items()})


def _parts(keys: Sequence[bytes], size: int) -> list[list[bytes]]:
    return [list(keys[start : start + size]) for start in range(0, len(keys), size)]


def _finish(work: Coroutine[Any, Any, None]) -> None:
    """Run to the end, also where an event loop is running already, as in a notebook."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        asyncio.run(work)
        return
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, work).result()
