"""What the parsers hand over: the columns of a file, the line of each row, and the rows that did not parse."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

EXCERPT = 200
"""Characters of a rejected row that are kept."""

_SCHEMA = {"line": pl.Int64, "reason": pl.String, "excerpt": pl.String}


class Rejections:
    """Collects rejected rows one by one.

    `frame` gives columns line (1-based line of the file; row number in Parquet), reason and excerpt (the first
    `EXCERPT` characters of the raw row).
    """

    def __init__(self) -> None:
        self._lines: list[int] = []
        self._reasons: list[str] = []
        self._excerpts: list[str] = []

    def add(self, line: int, reason: str, raw: str = "") -> None:
        """Remember one rejected row."""
        self._lines.append(line)
        self._reasons.append(reason)
        self._excerpts.append(raw[:EXCERPT].rstrip("\r\n"))

    def __len__(self) -> int:
        """Count them."""
        return len(self._lines)

    def frame(self) -> pl.DataFrame:
        """Return all of them as a table."""
        return pl.DataFrame([self._lines, self._reasons, self._excerpts], schema=_SCHEMA)


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
