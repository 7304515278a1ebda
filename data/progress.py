"""What long work reports: messages through logging, and progress that the command line draws as bars."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar

Advance = Callable[[int], None]
Reporter = Callable[[str, int | None], AbstractContextManager[Advance]]

LOGGER = logging.getLogger("labeler")
"""Gets every status message at level INFO: silent unless the program that uses the library listens."""


@contextmanager
def _silent(description: str, total: int | None) -> Iterator[Advance]:
    yield lambda steps: None


_reporter: ContextVar[Reporter] = ContextVar("reporter", default=_silent)
_prefix: ContextVar[str] = ContextVar("prefix", default="")


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


def status(message: str) -> None:
    """Log one status message, such as what was decided or which file was moved."""
    LOGGER.info("%s%s", _prefix.get(), message)


@contextmanager
def status_of(name: str) -> Iterator[None]:
    """Begin the status messages inside the block with ``name: ``."""
    token = _prefix.set(f"{_prefix.get()}{name}: ")
    try:
        yield
    finally:
        _prefix.reset(token)


@contextmanager
def reporting(reporter: Reporter) -> Iterator[None]:
    """Let `reporter` show all progress inside the block."""
    token = _reporter.set(reporter)
    try:
        yield
    finally:
        _reporter.reset(token)
