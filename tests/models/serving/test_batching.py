"""Requests that come together are predicted together, and each gets its own rows."""

from __future__ import annotations

import asyncio
import threading

import polars as pl

from labeler.models.serving.batching import Batcher, QueueFullError


class Echo:
    """Returns what it gets; the first batch waits until it is let go."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.go_on = threading.Event()

    def __call__(self, texts: list[str]) -> pl.DataFrame:
        self.batches.append(texts)
        self.go_on.wait(30)
        if "bad" in texts:
            raise ValueError("bad")
        return pl.DataFrame({"text": texts})


async def answers(echo: Echo, *requests: list[str], most: int = 10_000) -> list[list[str] | Exception]:
    """Send one request, and the others while the first is computed."""
    batcher = Batcher(echo, max_waiting=most)
    run = asyncio.create_task(batcher.run())
    sent = [asyncio.create_task(batcher.predict(texts)) for texts in requests[:1]]
    while not echo.batches:
        await asyncio.sleep(0)
    sent += [asyncio.create_task(batcher.predict(texts)) for texts in requests[1:]]
    await asyncio.sleep(0)
    echo.go_on.set()
    found = await asyncio.gather(*sent, return_exceptions=True)
    run.cancel()
    return [each["text"].to_list() if isinstance(each, pl.DataFrame) else each for each in found]  # type: ignore[misc]


def test_what_comes_meanwhile_is_one_batch_and_everybody_gets_their_own() -> None:
    echo, requests = Echo(), [["a"], ["b", "c"], ["d"], ["e", "f", "g"]]
    assert asyncio.run(answers(echo, *requests)) == requests
    assert echo.batches == [["a"], ["b", "c", "d", "e", "f", "g"]]


def test_a_batch_is_not_filled_beyond_measure_but_a_large_request_is_not_cut() -> None:
    echo, requests = Echo(), [["a"], ["b"] * 300, ["c"] * 300, ["d"] * 900, ["e"]]
    assert asyncio.run(answers(echo, *requests)) == requests
    assert [len(batch) for batch in echo.batches] == [1, 300, 300, 900, 1]


def test_more_than_may_wait_is_refused_and_the_rest_answered() -> None:
    found = asyncio.run(answers(Echo(), ["a"], ["b"] * 3, ["c"] * 2, ["d"], most=4))
    assert found[:2] == [["a"], ["b"] * 3]
    assert isinstance(found[2], QueueFullError)
    assert found[3] == ["d"]


def test_a_failure_is_that_of_its_batch_only() -> None:
    found = asyncio.run(answers(Echo(), ["bad"], ["a"]))
    assert isinstance(found[0], ValueError)
    assert found[1] == ["a"]


def test_who_has_gone_is_not_waited_for() -> None:
    async def leave() -> list[str]:
        echo = Echo()
        batcher = Batcher(echo, max_waiting=10)
        run = asyncio.create_task(batcher.run())
        gone, stays = (asyncio.create_task(batcher.predict([text])) for text in "ab")
        while not echo.batches:
            await asyncio.sleep(0)
        gone.cancel()
        echo.go_on.set()
        found = (await stays)["text"].to_list()
        run.cancel()
        return found

    assert asyncio.run(leave()) == ["b"]
