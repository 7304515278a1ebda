"""Escaping strings that a spreadsheet would run as formulas."""

from __future__ import annotations

import polars as pl

from .plain_values import as_text

# Excel also takes the full-width signs of East Asian keyboards.
_FORMULA_START = "^([=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20])"


def escape_formulas(frame: pl.DataFrame) -> pl.DataFrame:
    """Return a table in which a spreadsheet runs no string as a formula ("CSV injection").

    A string that starts with ``= + - @``, a tab, CR or LF gets a leading apostrophe; headers too. Nested columns become
    JSON.
    """
    names = _escape(pl.Series(frame.columns, dtype=pl.String))
    return pl.DataFrame([_escape_column(column).alias(name) for column, name in zip(frame, names, strict=True)])


def unescape_formulas(values: pl.Expr) -> pl.Expr:
    """Take away the apostrophe that `escape_formulas` puts before a formula."""
    return values.str.replace(f"^'{_FORMULA_START[1:]}", "$1")


def _escape_column(column: pl.Series) -> pl.Series:
    is_text = column.dtype.is_nested() or isinstance(column.dtype, pl.String | pl.Categorical | pl.Enum)
    return _escape(as_text(column)) if is_text else column


def _escape(values: pl.Series) -> pl.Series:
    return values.str.replace(_FORMULA_START, "'$1")
