"""Columns of the user's table that voters read."""

from __future__ import annotations

import polars as pl

from ..data.corpus import Corpus
from ..data.errors import VoterError, nearest_hint


def column_of(corpus: Corpus, name: str) -> pl.Series:
    """Return one extra column of the corpus.

    Raises
    ------
    VoterError
        If there is no such column (the hint names the nearest one), or it holds lists or other compound values.
    """
    columns = corpus.columns if corpus.columns is not None else pl.DataFrame()
    if name not in columns.columns:
        hint = nearest_hint(name, columns.columns) if columns.columns else "The input has no columns beside the text."
        raise VoterError(f"The input has no column '{name}'.", hint=hint)
    if columns[name].dtype.is_nested() or columns[name].dtype in (pl.Binary, pl.Object):
        raise VoterError(f"Column '{name}' holds {columns[name].dtype}, not plain values a voter can read.")
    return columns[name]
