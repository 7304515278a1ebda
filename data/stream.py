"""The user's reviews chunk by chunk: what `read_table` makes of a table, without ever holding all of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from itertools import chain, islice
from pathlib import Path

import numpy as np
import polars as pl

from .columns import free_name
from .errors import InputError
from .raw_table import RawTable, Rejections
from .source import header_only
from .stream_files import open_input
from .stream_ids import EarlierIds, KeyTable
from .stream_rows import RowStream, rechunk
from .tables import (
    Chunk,
    check_guess,
    drop_unusable_texts,
    find_columns,
    nothing_usable,
    renamed_columns,
    take_rows,
    tally,
)

__all__ = ["Chunk", "TableStream", "open_stream"]


class TableStream:
    """A table that is being read; a context manager, and an iterator over `Chunk` that can be run through once.

    All chunks have the same columns of the same types.

    Attributes
    ----------
    source : str
        Path as given, or ``<stdin>``.
    text_column : str
        Input name of the text column.
    id_column : str or None
        Input name of the id column; None where ids are made from the texts.
    """

    def __init__(
        self,
        rows: RowStream,
        chunks: Iterator[RawTable],
        text_column: str,
        id_column: str | None,
        *,
        notes: tuple[str, ...],
        renames: dict[str, str],
        close: Callable[[], None],
    ) -> None:
        self.source = rows.name
        self.text_column = text_column
        self.id_column = id_column
        self._rows = rows
        self._chunks = chunks
        self._notes = notes
        self._renames = renames
        self._close = close

    @property
    def has_own_ids(self) -> bool:
        """Whether the input has an id column."""
        return self.id_column is not None

    @property
    def notes(self) -> tuple[str, ...]:
        """Things to tell the user; reading a pipe may add some."""
        return (*self._rows.notes, *self._notes)

    @property
    def renames(self) -> dict[str, str]:
        """New names of columns of `Chunk.frame` whose own name is that of the texts or the ids."""
        return self._renames

    def located(self, rejected: pl.DataFrame) -> pl.DataFrame:
        """Return rejected rows as they are listed for the user: those of several files with file and line in it."""
        return self._rows.files.located(rejected)

    def digest(self) -> str:
        """Read the input once more for the digest of its bytes; it must be a file, or a pipe that was spooled."""
        return self._rows.digest()

    def __iter__(self) -> Iterator[Chunk]:
        """Yield the chunks.

        Raises
        ------
        InputError
            If the file cannot be read to its end, or, at the end, if no row was usable.
        """
        earlier = EarlierIds()
        counts = tally(Rejections().frame())
        found = False
        for raw in self._chunks:
            usable = drop_unusable_texts(raw, self.text_column)
            chunk = take_rows(usable, self.text_column, self.id_column, earlier, self._rows.files)
            if not found:
                counts = _add_up(counts, tally(chunk.rejected))
            found = found or len(chunk) > 0
            if len(raw):
                yield chunk
        if not found:
            raise nothing_usable(self.source, counts, self._rows.files)

    def __enter__(self) -> TableStream:
        return self

    def __exit__(self, *exception: object) -> None:
        self._close()


def open_stream(
    source: str | Path,
    *,
    text_column: str | None = None,
    id_column: str | None = None,
    chunk_rows: int = 20_000,
    spool: bool = False,
) -> TableStream:
    """Open a table for reading chunk by chunk: the formats, columns and rows that `read_table` reads.

    The chunks of a file, one below the other, are `read_table`'s table, with the same ids and rejected rows. What
    that decides by looking at all rows (the encoding, the types of JSON columns, whether a guessed id column is one)
    is decided by reading the file once or twice more. Held in memory are a chunk and, for each row, a hash of its id
    and its line: 12 bytes up to line 4 billion. A quoted CSV field over 16 MiB is the one difference (`CsvParser`).

    A pipe is read once, as it comes, and decides by its beginning: the encoding and the delimiter by the first
    block, up to 1 MiB; the types of JSON columns too; text and id column by the first chunk. Later rows that do not
    follow the encoding or a type are rejected, and later columns of JSON Lines are left out. When a pipe pauses for
    a second, what has come makes a chunk.

    The files of a folder, a pattern (``reviews/*.parquet``) or a URL are one table, in the order of their names; they
    have the same columns. Lines are then counted through; `TableStream.located` knows the file.

    A JSON array and a Parquet file that comes through standard input are held as a whole; of another Parquet file
    the compressed bytes of one row group.

    Parameters
    ----------
    source : str or Path
        A file, a folder, a pattern, a URL that fsspec understands, or ``-`` for standard input.
    text_column, id_column : str, optional
        Column names; guessed from usual names when not given.
    chunk_rows : int
        Rows per chunk at most, rejected ones not counted; fewer where they have megabytes.
    spool : bool
        Copy a pipe to a temporary file first: it then decides by all rows, as a file does.

    Raises
    ------
    InputError
        If the file cannot be read (see `read_source`), has no rows, or the columns are unclear or differ between files.
    ConfigError
        If a package for the URL is missing.
    """
    if chunk_rows < 1:
        raise InputError(f"Chunks of {chunk_rows} rows hold nothing.", hint="Give at least 1.")
    with ExitStack() as stack:
        rows = stack.enter_context(open_input(source, rows=chunk_rows, spool=spool))
        chunks = rechunk(rows.read(), chunk_rows)
        first = next(chunks)
        if not len(first):
            raise header_only(rows.name, first)
        if not first.frame.width:
            raise nothing_usable(rows.name, _tally_all(chain([first], chunks)), rows.files)

        def whole() -> Iterator[RawTable]:
            """All rows, if they can be read again, or else the first."""
            return rechunk(rows.read(), chunk_rows) if rows.rereadable else iter([first])

        more = (chunk.frame for chunk in islice(whole(), 1, None))
        text, id_name = find_columns(first.frame, text_column, id_column, source=rows.name, more=more)
        notes: tuple[str, ...] = ()
        if id_name is not None and id_column is None:
            distinct, values = _count_values(whole(), text, id_name)
            id_name, notes = check_guess(id_name, distinct=distinct, values=values)
        if id_name is None and "id" in first.frame.columns:
            notes = (*notes, f"The input's own column 'id' is now '{free_name('id', set(first.frame.columns))}'.")
        renames = renamed_columns(first.frame.columns, text, id_name)
        chunks = whole() if rows.rereadable else chain([first], chunks)
        close = stack.pop_all().close
    return TableStream(rows, chunks, text, id_name, notes=notes, renames=renames, close=close)


def _count_values(tables: Iterable[RawTable], text: str, column: str) -> tuple[int, int]:
    """Count different values, and values, of a column in the usable rows."""
    seen = KeyTable()
    values = 0
    for table in tables:
        found = drop_unusable_texts(table, text).frame[column].drop_nulls()
        keys = found.hash().unique().to_numpy()
        seen.put(keys, np.ones(len(keys), np.int64))
        values += len(found)
    return len(seen), values


def _tally_all(tables: Iterable[RawTable]) -> pl.DataFrame:
    counts = tally(Rejections().frame())
    for table in tables:
        counts = _add_up(counts, tally(table.rejected))
    return counts


def _add_up(counts: pl.DataFrame, more: pl.DataFrame) -> pl.DataFrame:
    both = pl.concat([counts, more])
    return both.group_by("reason").agg(pl.col("rows").sum(), pl.col("line").min())
