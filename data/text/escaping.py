"""Escaping strings that a spreadsheet would run as formulas."""

from __future__ import annotations

from typing import TypeVar

import polars as pl

from .plain_values import as_text

# Excel also takes the full-width signs of East Asian keyboards. What was escaped before is escaped once more.
_FORMULA = "('*[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20])"
_Strings = TypeVar("_Strings", pl.Expr, pl.Series)


def escape_formulas(frame: pl.DataFrame) -> pl.DataFrame:
    """Return a table in which a spreadsheet runs no string as a formula ("CSV injection").

    A string that starts with ``= + - @``, a tab, CR or LF gets a leading apostrophe; headers too. Nested columns become
    JSON.
    """
    names = escape_texts(pl.Series(frame.columns, dtype=pl.String))
    return pl.DataFrame([_escape_column(column).alias(name) for column, name in zip(frame, names, strict=True)])


def escape_texts(texts: pl.Series) -> pl.Series:
    """Escape the strings that are formulas; see `escape_formulas`."""
    return texts.str.replace(f"^{_FORMULA}", "'$1")


def unescape_texts(texts: _Strings) -> _Strings:
    """Take away the apostrophe that `escape_texts` puts before a formula."""
    return texts.str.replace(f"^'{_FORMULA}", "$1")


def _escape_column(column: pl.Series) -> pl.Series:
    is_text = column.dtype.is_nested() or isinstance(column.dtype, pl.String | pl.Categorical | pl.Enum)
    return escape_texts(as_text(column)) if is_text else column
