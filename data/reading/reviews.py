"""The user's reviews chunk by chunk, without ever holding all of a table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from itertools import chain, islice

import numpy as np
import polars as pl

from ..errors import InputError, quoted
from ..text.damage import damage_notes
from ..types.raw_table import RawTable, Rejections
from .columns import free_name
from .file_series import open_input
from .files.format_detection import DETECT, ReadOptions
from .files.open_input import header_only
from .frames import TableSource
from .ids import EarlierIds, KeyTable, normal_ids
from .rows import RowStream, rechunk
from .text_columns import TextColumns
from .usable_rows import (
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
    text : TextColumns
        Where the texts are.
    text_column : str
        Input name of the text column, or of several joined with `` + ``.
    id_column : str or None
        Input name of the id column; None where ids are made from the texts.
    """

    def __init__(
        self,
        rows: RowStream,
        chunks: Iterator[RawTable],
        text: TextColumns,
        id_column: str | None,
        *,
        notes: tuple[str, ...],
        renames: dict[str, str],
        close: Callable[[], None],
    ) -> None:
        self.source = rows.name
        self.text_column = str(text)
        self.id_column = id_column
        self.text = text
        self._reused = 0
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
        """Things to tell the user; reading may add some."""
        reused = (
            f"Rows with the id of an earlier row, but another text: {self._reused:,}. "
            "A hash of the text was added to their ids.",
        )
        return (*self._rows.notes, *self._notes, *(reused if self._reused else ()))

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
            usable = drop_unusable_texts(raw, self.text)
            chunk = take_rows(usable, self.text, self.id_column, earlier, self._rows.files)
            self._reused = earlier.reused
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
    source: TableSource,
    *,
    text_column: str | Sequence[str] | None = None,
    likely_text: str | Sequence[str] | None = None,
    id_column: str | None = None,
    chunk_rows: int = 20_000,
    spool: bool = False,
    options: ReadOptions = DETECT,
) -> TableStream:
    """Open a table for reading chunk by chunk: CSV, TSV, JSON, JSON Lines, Parquet, Excel, or a review per line.

    The content tells the format, whatever the name. Values of text files stay as written ("007" is not 7). Ids come
    from `id_column`, or from a column with a usual name; rows without one get an id made from their text. Of rows
    that share id and text the first is kept; where only the id is shared see `unique_ids`.

    What is decided by looking at all rows of a file (the encoding, the types of JSON columns, whether a guessed id
    column is one) is decided by reading it once or twice more. Held in memory are a chunk and, for each row, a hash of
    its id, its line and a hash of its text: 16 bytes.

    A pipe is read once, as it comes, and decides by its beginning: the encoding and the delimiter by the first
    block, up to 1 MiB; the types of JSON columns too; text and id column by the first chunk. Later rows that do not
    follow the encoding or a type are rejected, and later columns of JSON Lines are left out. When a pipe pauses for
    a second, what has come makes a chunk.

    The files of a folder, a pattern (``reviews/*.parquet``) or a URL are one table, in the order of their names, with
    the columns of all of them. Lines are then counted through; `TableStream.located` knows the file.

    A JSON array, a workbook and a Parquet file that is packed or comes through standard input are held as a whole; of
    another Parquet file the compressed bytes of one row group.

    Parameters
    ----------
    source : str, Path, DataFrame, Dataset or list of str
        A file, a folder, a pattern, a URL that fsspec understands, or ``-`` for standard input; or a table in memory,
        which is read as a CSV of its rows would be (see `as_frame`); its lines are the numbers of its rows.
    text_column : str or sequence of str, optional
        Column of the texts, or several to join; ``review.text`` is a key inside nested values. Guessed from usual names
        when not given.
    likely_text : str or sequence of str, optional
        The same, taken if the input has all of these columns.
    id_column : str, optional
        Column of ids; guessed, too.
    chunk_rows : int
        Rows per chunk at most, rejected ones not counted; fewer where they have megabytes.
    spool : bool
        Copy a pipe to a temporary file first: it then decides by all rows, as a file does.
    options : ReadOptions
        Encoding and delimiter, where they are not to be detected.

    Raises
    ------
    InputError
        If the file cannot be read (see `open_rows`), has no rows, or the columns are unclear.
    ConfigError
        If a package for the URL is missing.
    """
    if chunk_rows < 1:
        raise InputError(f"Chunks of {chunk_rows} rows hold nothing.", hint="Give at least 1.")
    with ExitStack() as stack:
        rows = stack.enter_context(open_input(source, rows=chunk_rows, spool=spool, options=options))
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
        text, id_name = find_columns(
            first.frame, text_column, id_column, source=rows.name, likely=likely_text, more=more
        )
        notes = (*_text_notes(text), *damage_notes(drop_unusable_texts(first, text).texts, rows.name))
        if id_name is not None and id_column is None:
            id_name, doubts = check_guess(id_name, *_count_reused(whole, text, id_name))
            notes = (*notes, *doubts)
        if id_name is None and "id" in first.frame.columns:
            notes = (*notes, f"The input's own column 'id' is now '{free_name('id', set(first.frame.columns))}'.")
        renames = renamed_columns(first.frame.columns, text.column(first.frame), id_name)
        chunks = whole() if rows.rereadable else chain([first], chunks)
        close = stack.pop_all().close
    return TableStream(rows, chunks, text, id_name, notes=notes, renames=renames, close=close)


def _text_notes(text: TextColumns) -> tuple[str, ...]:
    if len(text.names) > 1:
        return (f"Texts are joined from the columns {quoted(text.names)}.",)
    return (f"Texts are the values of '{text}'.",) if "." in text.names[0] else ()


def _count_reused(read: Callable[[], Iterable[RawTable]], text: TextColumns, column: str) -> tuple[int, int]:
    """Count the usable rows with an id, and those of them that have another text than the first row with their id."""
    rows, ids = _count_distinct(read(), text, column)
    if ids == rows:
        return rows, 0
    return rows, _count_distinct(read(), text, column, with_texts=True)[1] - ids


def _count_distinct(
    tables: Iterable[RawTable], text: TextColumns, column: str, *, with_texts: bool = False
) -> tuple[int, int]:
    """Count the usable rows with an id, and the different ids, or pairs of id and text, among them."""
    seen = KeyTable()
    rows = 0
    for table in tables:
        usable = drop_unusable_texts(table, text)
        found = pl.DataFrame([normal_ids(usable.raw.frame[column]).alias("id"), usable.texts]).drop_nulls("id")
        keys = (found.hash_rows() if with_texts else found["id"].hash()).unique().to_numpy()
        seen.put(keys, np.ones(len(keys), np.int64))
        rows += len(found)
    return rows, len(seen)


def _tally_all(tables: Iterable[RawTable]) -> pl.DataFrame:
    counts = tally(Rejections().frame())
    for table in tables:
        counts = _add_up(counts, tally(table.rejected))
    return counts


def _add_up(counts: pl.DataFrame, more: pl.DataFrame) -> pl.DataFrame:
    both = pl.concat([counts, more])
    return both.group_by("reason").agg(pl.col("rows").sum(), pl.col("line").min())
