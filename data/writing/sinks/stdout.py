"""Predictions on standard output, as they come."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import polars as pl

from .formats import encode
from .sink import Written
from .values import arrange

PLACE = "<stdout>"


class StdoutSink:
    """Standard output, as CSV: nothing is known there, and every chunk appears at once."""

    def __init__(self) -> None:
        self._columns: list[str] = []
        self._new = 0

    def known(self, ids: pl.Series) -> pl.Series:
        """Return that no row is stored; see `Sink.known`."""
        return pl.Series(ids.name, [False] * len(ids), pl.Boolean)

    def holds(self, ids: pl.Series, texts: pl.Series) -> tuple[pl.Series, pl.Series]:
        """Return that no row is stored; see `Sink.holds`."""
        return self.known(ids), self.known(ids)

    def write(self, chunk: pl.DataFrame) -> None:
        """Print a chunk; see `Sink.write`.

        Raises
        ------
        BrokenPipeError
            If the reader, ``head`` for example, has seen enough. There is nothing left to do then but to end.
        """
        header = not self._columns
        self._columns = self._columns or chunk.columns
        chunk = arrange(
            chunk, self._columns, place="the rows so far", hint="All rows of the input need the same columns."
        )
        sys.stdout.buffer.write(encode(chunk, "csv", header=header))
        sys.stdout.buffer.flush()
        self._new += len(chunk)

    def finish(self) -> Written:
        """Count the rows; see `Sink.finish`."""
        return Written(self._new, 0, PLACE)


@contextmanager
def open_stdout() -> Iterator[StdoutSink]:
    """Open standard output for predictions; when its reader goes away, `BrokenPipeError` comes through."""
    try:
        yield StdoutSink()
    except BrokenPipeError:
        silence_stdout()
        raise


def silence_stdout() -> None:
    """Point standard output nowhere, or Python would complain about what it cannot flush when it ends."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
