"""The user's reviews, chunk by chunk, without ever holding all of a table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import polars as pl

from ..errors import InputError, quoted
from ..text.damage import damage_notes
from ..types.raw_table import RawTable
from .columns import free_name
from .file_series import open_input
from .files.format_detection import DETECT, ReadOptions
from .files.problems import header_only
from .frames import TableSource
from .guessed_ids import check_guess
from .ids import EarlierIds
from .rows import InputRows, rechunk
from .text_columns import TextColumns
from .usable_rows import Chunk, drop_unusable_texts, find_columns, nothing_usable, renamed_columns, take_rows, tally

__all__ = ["Chunk", "TableStream", "open_stream"]

_LOOKED_AT = 20_000  # rows by which the columns are chosen, whatever the size of the chunks


@dataclass(eq=False)
class TableStream:
    """A table that is being read; a context manager, and an iterable of `Chunk`.

    All chunks have the same columns of the same types.

    Parameters
    ----------
    text : TextColumns
        Where the texts are.
    id_column : str or None
        Input name of the id column; None where ids are made from the texts.
    renames : dict of str to str
        New names of columns of `Chunk.frame` whose own name is that of the texts or the ids.
    """

    text: TextColumns
    id_column: str | None
    renames: dict[str, str]
    _rows: InputRows
    _chunk_rows: int
    _notes: tuple[str, ...]
    _close: Callable[[], None]
    _reused: int = 0

    @property
    def source(self) -> str:
        """Path as given, ``<stdin>``, or what a table in memory is called."""
        return self._rows.name

    @property
    def text_column(self) -> str:
        """Input name of the text column, or of several joined with `` + ``."""
        return str(self.text)

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes for the user; reading may add some."""
        reused = (
            f"Rows with the id of an earlier row, but another text: {self._reused:,}. "
            "A hash of the text was added to their ids.",
        )
        return (*self._rows.notes, *self._notes, *(reused if self._reused else ()))

    def located(self, rejected: pl.DataFrame) -> pl.DataFrame:
        """Return rejected rows as they are listed for the user: those of several files with file and line in it."""
        return self._rows.files.located(rejected)

    def digest(self) -> str:
        """Read the input once more for the digest of its bytes."""
        return self._rows.digest()

    def __iter__(self) -> Iterator[Chunk]:
        """Yield the chunks.

        Raises
        ------
        InputError
            If the file cannot be read to its end, or, at the end, if no row was usable.
        """
        earlier = EarlierIds()
        tallies: list[pl.DataFrame] = []
        found = False
        for raw in rechunk(self._rows.read(), self._chunk_rows):
            usable, texts = drop_unusable_texts(raw, self.text)
            chunk = take_rows(usable, texts, self.text, self.id_column, earlier, self._rows.files)
            self._reused = earlier.reused
            if not found:
                tallies.append(tally(chunk.rejected))
            found = found or len(chunk) > 0
            if len(raw):
                yield chunk
        if not found:
            raise nothing_usable(self.source, tallies, self._rows.files)

    def head(self, rows: int | None) -> Iterator[Chunk]:
        """Yield the first usable rows, or all for None, and the rejected ones above the last of them.

        Raises
        ------
        InputError
            If there is no such row.
        """
        if rows is not None and rows < 1:
            raise InputError(f"A limit of {rows} leaves no rows.", hint="Give a limit of at least 1.")
        left = rows
        for chunk in self:
            if left is not None and left <= len(chunk):
                yield chunk.head(left)
                return
            yield chunk
            left = None if left is None else left - len(chunk)

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
    options: ReadOptions = DETECT,
) -> TableStream:
    """Open a table for reading chunk by chunk: CSV, TSV, JSON, JSON Lines, Parquet, Excel, or a review per line.

    The content decides the format, whatever the name. Values of text files stay as written ("007" is not 7). Ids come
    from `id_column`, or from a column with a usual name; rows without one get an id made from their text. Of rows
    that share id and text the first is kept; where only the id is shared see `unique_ids`.

    What is decided by looking at all rows of a file (the encoding, the types of JSON columns, whether a guessed id
    column is one) is decided by reading it once or twice more. Held in memory are a chunk and, for each row, a hash of
    its id, its line and a hash of its text: 16 bytes.

    What is piped or packed is copied to a temporary file first.

    The files of a folder, a pattern (``reviews/*.parquet``) or a URL are one table, in the order of their names, with
    the columns of all of them. Lines are then counted through; `TableStream.located` knows the file.

    A JSON array and a workbook are held as a whole; of a Parquet file the compressed bytes of one row group.

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
        rows = stack.enter_context(open_input(source, rows=chunk_rows, options=options))

        def whole() -> Iterator[RawTable]:
            return rechunk(rows.read(), chunk_rows)

        first = next(rechunk(rows.read(), _LOOKED_AT))
        columns = first.frame.columns
        if not len(first):
            raise header_only(rows.name, first)
        if not columns:
            raise nothing_usable(rows.name, [tally(table.rejected) for table in whole()], rows.files)
        text, id_name = find_columns(first.frame, text_column, id_column, source=rows.name, likely=likely_text)
        notes = [*_text_notes(text), *damage_notes(drop_unusable_texts(first, text)[1], rows.name)]
        if id_name is not None and id_column is None:
            id_name, doubts = check_guess(id_name, text, whole)
            notes += doubts
        if id_name is None and "id" in columns:
            notes.append(f"The input's own column 'id' is now '{free_name('id', set(columns))}'.")
        renames = renamed_columns(columns, text.column(first.frame), id_name)
        return TableStream(text, id_name, renames, rows, chunk_rows, tuple(notes), stack.pop_all().close)


def _text_notes(text: TextColumns) -> tuple[str, ...]:
    if len(text.names) > 1:
        return (f"Texts are joined from the columns {quoted(text.names)}.",)
    return (f"Texts are the values of '{text}'.",) if "." in text.names[0] else ()
