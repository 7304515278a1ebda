"""One thread predicts for all requests: what comes while it is busy makes the next batch."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import polars as pl

_Request = tuple[list[str], "asyncio.Future[pl.DataFrame]"]
_BATCH = 512  # texts: hundreds share a batch, and none waits long for those before it


class QueueFullError(Exception):
    """So many texts wait already that more would wait too long."""


class Batcher:
    """Predicts the texts of several requests together; an idle one starts at once.

    Parameters
    ----------
    predict : callable
        Takes n texts and returns a DataFrame of n rows; called in one thread.
    max_waiting : int
        Texts that may wait.
    """

    def __init__(self, predict: Callable[[list[str]], pl.DataFrame], *, max_waiting: int) -> None:
        self._predict = predict
        self._max_waiting = max_waiting
        self._waiting: deque[_Request] = deque()
        self._texts = 0
        self._arrived = asyncio.Event()

    async def predict(self, texts: list[str]) -> pl.DataFrame:
        """Return the rows of some texts when their batch is done.

        Raises
        ------
        QueueFullError
            If too many wait.
        """
        if self._texts + len(texts) > self._max_waiting:
            raise QueueFullError
        future: asyncio.Future[pl.DataFrame] = asyncio.get_running_loop().create_future()
        self._waiting.append((texts, future))
        self._texts += len(texts)
        self._arrived.set()
        return await future

    async def run(self) -> None:
        """Predict batch after batch, until it is cancelled."""
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(1, "predict") as thread:
            while True:
                await self._arrived.wait()
                batch = self._next_batch()
                texts = [text for texts, _ in batch for text in texts]
                predicted = loop.run_in_executor(thread, self._predict, texts)
                await asyncio.wait([predicted])
                error, start = predicted.exception(), 0
                for texts, future in batch:
                    if error is not None and not future.cancelled():
                        future.set_exception(error)
                    elif not future.cancelled():
                        future.set_result(predicted.result().slice(start, len(texts)))
                    start += len(texts)

    def _next_batch(self) -> list[_Request]:
        """Take the oldest requests; one that is larger than a batch goes alone."""
        batch: list[_Request] = []
        size = 0
        while self._waiting and (not batch or size + len(self._waiting[0][0]) <= _BATCH):
            batch.append(self._waiting.popleft())
            size += len(batch[-1][0])
        self._texts -= size
        if not self._waiting:
            self._arrived.clear()
        return batch
