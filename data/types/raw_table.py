"""What the parsers return: the columns of a file, the line of each row, and the rows that did not parse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import polars as pl

EXCERPT = 200
"""Characters of a rejected row that are kept."""

NOT_UTF8 = "not UTF-8 text"
"""Reason for rejecting a row of a text whose encoding the user specified."""

_SCHEMA = {"line": pl.Int64, "reason": pl.String, "excerpt": pl.String}


class Rejections:
    """Collects rejected rows one by one.

    `frame` gives columns line (1-based line of the file; row number in Parquet), reason and excerpt (the first
    `EXCERPT` characters of the raw row).
    """

    def __init__(self) -> None:
        self._rows: list[tuple[int, str, str]] = []

    def add(self, line: int, reason: str, raw: str = "") -> None:
        """Remember one rejected row."""
        self._rows.append((line, reason, raw[:EXCERPT].rstrip("\r\n")))

    def __len__(self) -> int:
        """Count them."""
        return len(self._rows)

    def frame(self) -> pl.DataFrame:
        """Return all of them as a table."""
        return pl.DataFrame(self._rows, schema=_SCHEMA, orient="row")


@dataclass(frozen=True, eq=False)
class FileLines:
    """Where the lines of several files are that are counted through; empty for a single file.

    Parameters
    ----------
    starts : dict of str to int
        Lines before each file, in their order.
    """

    starts: dict[str, int] = field(default_factory=dict)

    def located(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return rows with a column ``line`` with the line in its own file, and a first column ``file``."""
        if not self.starts:
            return frame
        begun = pl.Series(self.starts.values(), dtype=pl.Int64)
        place = begun.search_sorted(frame["line"], side="left").cast(pl.Int64) - 1
        names = pl.Series("file", self.starts.keys(), dtype=pl.String)
        return frame.with_columns(line=frame["line"] - begun.gather(place)).insert_column(0, names.gather(place))


@dataclass(frozen=True, eq=False)
class RawTable:
    """A parsed file before anything is decided about its columns.

    Parameters
    ----------
    frame : DataFrame
        The input columns under their own names.
    lines : Series of int64
        1-based line (Parquet: row, JSON array: line of the element) of each row of `frame`.
    rejected : DataFrame
        Columns line, reason, excerpt.
    not_strings : Mapping[str, Series of bool]
        For JSON columns of mixed types: the rows whose value was neither a string nor null.
    """

    frame: pl.DataFrame
    lines: pl.Series
    rejected: pl.DataFrame
    not_strings: Mapping[str, pl.Series] = field(default_factory=dict)

    def __len__(self) -> int:
        """Count the rows, rejected ones too."""
        return len(self.frame) + len(self.rejected)

    def not_string(self, column: str) -> pl.Series:
        """Return which rows hold neither a string nor null in a JSON column of mixed types."""
        none = pl.repeat(False, len(self.frame), dtype=pl.Boolean, eager=True)
        return self.not_strings.get(column, none)

    def moved(self, lines: int) -> RawTable:
        """Return the same rows, `lines` further down in the file."""
        return replace(self, lines=self.lines + lines, rejected=self.rejected.with_columns(pl.col("line") + lines))

    def split(self, rows: int) -> tuple[RawTable, RawTable]:
        """Split after the first `rows` rows of `frame`; rejected rows go where they lie."""
        behind = pl.col("line") >= self.lines[rows] if rows < len(self.frame) else pl.lit(value=False)
        return self._slice(slice(rows), ~behind), self._slice(slice(rows, None), behind)

    def _slice(self, rows: slice, rejected: pl.Expr) -> RawTable:
        flags = {name: column[rows] for name, column in self.not_strings.items()}
        return RawTable(self.frame[rows], self.lines[rows], self.rejected.filter(rejected), flags)


def concat_tables(tables: Sequence[RawTable]) -> RawTable:
    """Join tables with the same columns, one below the other."""
    names = {name for table in tables for name in table.not_strings}
    return RawTable(
        pl.concat([table.frame for table in tables]),
        pl.concat([table.lines for table in tables]),
        pl.concat([table.rejected for table in tables]),
        {name: pl.concat([table.not_string(name) for table in tables]) for name in names},
    )


def numbered(frame: pl.DataFrame, *, first: int = 1) -> RawTable:
    """Give the rows of a table without lines their numbers."""
    return RawTable(frame, pl.Series("line", range(first, first + len(frame)), pl.Int64), Rejections().frame())
