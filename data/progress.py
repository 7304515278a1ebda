"""Progress of long work, shown by whoever runs it: a library call is silent, the command line draws a bar."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar

Advance = Callable[[int], None]
Notice = Callable[[str], None]
Reporter = Callable[[str, int | None], AbstractContextManager[Advance]]


@contextmanager
def _silent(description: str, total: int | None) -> Iterator[Advance]:
    yield lambda steps: None


def _unheard(message: str) -> None:
    pass


_reporter: ContextVar[Reporter] = ContextVar("reporter", default=_silent)
_notice: ContextVar[Notice] = ContextVar("notice", default=_unheard)


def progress(description: str, *, total: int | None = None) -> AbstractContextManager[Advance]:
    """Announce `total` steps of work; call what is yielded with the number of steps done since the last call.

    Parameters
    ----------
    description : str
        What is done, such as ``Training``.
    total : int, optional
        Number of steps; without it only that there is work, and how long it has taken, can be shown.
    """
    return _reporter.get()(description, total)


def notice(message: str) -> None:
    """Tell the user what happened deep inside, such as a file that was moved."""
    _notice.get()(message)


@contextmanager
def reporting(reporter: Reporter) -> Iterator[None]:
    """Let `reporter` show all progress inside the block."""
    token = _reporter.set(reporter)
    try:
        yield
    finally:
        _reporter.reset(token)


@contextmanager
def noticing(listener: Notice) -> Iterator[None]:
    """Let `listener` tell all notices inside the block."""
    token = _notice.set(listener)
    try:
        yield
    finally:
        _notice.reset(token)
