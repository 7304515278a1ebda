"""The user's reviews as one clean table in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from ..errors import InputError
from .files.format_detection import DETECT, ReadOptions
from .frames import TableSource
from .reviews import open_stream

_ALL = 1 << 62


@dataclass(frozen=True, eq=False)
class Table:
    """Reviews that can be labelled, and rows that cannot.

    Parameters
    ----------
    frame : DataFrame
        ``id`` (String, unique) and ``text`` (String, never blank) first, then all other input columns, unchanged.
        A column that was called ``id`` or ``text`` but is neither is now ``id_input`` or ``text_input``.
    rejected : DataFrame
        ``line`` (1-based line of the file; row number in Parquet), ``reason``, ``excerpt`` of the raw row.
    text_column : str
        Input name of the text column, or of several joined with `` + ``.
    id_column : str or None
        Input name of the id column; None where ids were made from the texts.
    source : str
        The path as given, or ``<stdin>``.
    digest : str
        ``blake2b:...`` of the input's bytes.
    notes : tuple[str, ...]
        Things to tell the user: a legacy encoding, a renamed column, an id column that was no id.
    """

    frame: pl.DataFrame
    rejected: pl.DataFrame
    text_column: str
    id_column: str | None
    source: str
    digest: str
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        """Count the usable rows."""
        return len(self.frame)


def read_table(
    source: TableSource,
    *,
    text_column: str | Sequence[str] | None = None,
    id_column: str | None = None,
    limit: int | None = None,
    options: ReadOptions = DETECT,
) -> Table:
    """Read all reviews of an input that `open_stream` can read.

    Parameters
    ----------
    source, text_column, id_column, options
        As for `open_stream`.
    limit : int, optional
        Keep only the first `limit` usable rows.

    Returns
    -------
    Table
        At least one row; rows and rejected rows in input order.

    Raises
    ------
    InputError
        If the input cannot be read, the columns are unclear, or no row is usable.
    """
    if limit is not None and limit < 1:
        raise InputError(f"A limit of {limit} leaves no rows.", hint="Give a limit of at least 1.")
    with open_stream(
        source, text_column=text_column, id_column=id_column, chunk_rows=_ALL, spool=True, options=options
    ) as stream:
        chunks = list(stream)
        frame = pl.concat([chunk.frame for chunk in chunks])
        rejected = stream.located(pl.concat([chunk.rejected for chunk in chunks]))
        digest = stream.digest()
    renamed = (f"The input's own column '{old}' is now '{new}'." for old, new in stream.renames.items())
    notes = tuple(dict.fromkeys((*stream.notes, *renamed)))
    if limit is not None and limit < len(frame):
        lines = pl.concat([chunk.lines for chunk in chunks])
        frame, rejected = frame.head(limit), rejected.filter(pl.col("line") < lines[limit - 1])
    return Table(frame, rejected, stream.text_column, stream.id_column, stream.source, digest, notes)
