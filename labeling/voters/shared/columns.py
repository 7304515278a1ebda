"""Columns of the user's table that voters read."""

from __future__ import annotations

from collections.abc import Collection

import polars as pl

from ....data.errors import VoterError, nearest_hint
from ....data.types.corpus import Corpus
from ....data.types.stored_corpus import StoredCorpus

# Not 007, nor numbers so long that they are codes; a comma is decimal before one or two digits.
_NUMBER = r"^\s*(?:[+-]?(?:0|[1-9]\d{0,8})(?:\.\d+|,\d{1,2})?)?\s*$"


def column_of(corpus: Corpus, name: str) -> pl.Series:
    """Return one extra column of the corpus.

    Raises
    ------
    VoterError
        If there is no such column (the hint names the nearest one), or it holds lists or other compound values.
    """
    columns = corpus.columns if corpus.columns is not None else pl.DataFrame()
    if name not in columns.columns:
        raise missing_column(name, columns.columns)
    if columns[name].dtype.is_nested() or columns[name].dtype in (pl.Binary, pl.Object):
        raise VoterError(f"Column '{name}' holds {columns[name].dtype}, not plain values a voter can read.")
    return columns[name]


def missing_column(name: str, known: Collection[str]) -> VoterError:
    """Make the error for a column that is not there."""
    hint = nearest_hint(name, known) if known else "The input has no columns beside the text."
    return VoterError(f"The input has no column '{name}'.", hint=hint)


def numeric_columns(corpus: StoredCorpus) -> tuple[str, ...]:
    """Return the columns of text that hold numbers and nothing else, as all do that come from a CSV."""
    numeric, filled = set(corpus.column_names), set[str]()
    for frame in corpus.frames(*corpus.column_names):
        for column in frame:
            if column.name in numeric and (column.dtype != pl.String or not column.str.contains(_NUMBER).all()):
                numeric.remove(column.name)
            elif column.dtype == pl.String and (column.str.strip_chars().str.len_bytes() > 0).any():
                filled.add(column.name)
    return tuple(name for name in corpus.column_names if name in numeric & filled)
