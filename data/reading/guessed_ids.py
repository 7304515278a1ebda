"""Whether a column that is called like ids identifies reviews, or products and authors of several."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import polars as pl

from ..types.raw_table import RawTable
from .ids import KeyTable, normal_ids
from .text_columns import TextColumns
from .usable_rows import drop_unusable_texts

# A guessed id column with so many reused values is a product's; fewer are slips in a column of ids.
_MIN_REUSED, _MIN_SHARE = 5, 0.1


def check_guess(
    column: str, text: TextColumns, read: Callable[[], Iterable[RawTable]]
) -> tuple[str | None, tuple[str, ...]]:
    """Refuse a guessed id column whose values often come again with another text: a product's or an author's id.

    Parameters
    ----------
    column : str
        The column.
    text : TextColumns
    read : callable
        Reads all rows.

    Returns
    -------
    tuple
        The column or None, and notes for the user.
    """
    rows, ids = _count_distinct(read(), text, column)
    reused = 0 if ids == rows else _count_distinct(read(), text, column, with_texts=True)[1] - ids
    if reused < _MIN_REUSED or reused < _MIN_SHARE * rows:
        return column, ()
    return None, (
        f"Column '{column}' does not identify reviews: {reused:,} of {rows:,} rows have the id of another review. "
        "Ids are made from the texts.",
    )


def _count_distinct(
    tables: Iterable[RawTable], text: TextColumns, column: str, *, with_texts: bool = False
) -> tuple[int, int]:
    """Count the usable rows with an id, and the different ids, or pairs of id and text, among them."""
    seen = KeyTable()
    rows = 0
    for table in tables:
        usable, texts = drop_unusable_texts(table, text)
        found = pl.DataFrame([normal_ids(usable.frame[column]).alias("id"), texts]).drop_nulls("id")
        seen.add((found.hash_rows() if with_texts else found["id"].hash()).to_numpy())
        rows += len(found)
    return rows, len(seen)
