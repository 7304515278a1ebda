"""Progress is silent unless somebody listens."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from labeler.data.progress import Advance, progress, reporting


@contextmanager
def _recording(heard: list[object], description: str, total: int | None) -> Iterator[Advance]:
    heard.append((description, total))
    yield heard.append


def test_without_a_reporter_nothing_happens(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("work", total=3) as advance:
        advance(3)
    assert capsys.readouterr() == ("", "")


def test_a_reporter_hears_the_description_and_every_step() -> None:
    heard: list[object] = []
    with reporting(lambda description, total: _recording(heard, description, total)), progress("work", total=3) as step:
        step(1)
        step(2)
    assert heard == [("work", 3), 1, 2]


def test_the_reporter_is_gone_after_its_block_even_after_an_error() -> None:
    heard: list[object] = []
    with pytest.raises(RuntimeError, match="stop"), reporting(lambda *args: _recording(heard, *args)):
        raise RuntimeError("stop")
    with progress("work", total=1) as advance:
        advance(1)
    assert heard == []
