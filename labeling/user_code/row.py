"""One review as labeling functions get it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, KeysView
from types import SimpleNamespace
from typing import Any

import polars as pl

from ...data.types.corpus import Corpus


class Row(SimpleNamespace):
    """A row's columns as attributes (``x.text``) and, as in pandas, as items (``x["text"]``, ``x.get("rating")``)."""

    def __getitem__(self, name: str) -> Any:
        return vars(self)[name]

    def __setitem__(self, name: str, value: Any) -> None:
        setattr(self, name, value)

    def __contains__(self, name: object) -> bool:
        return name in vars(self)

    def keys(self) -> KeysView[str]:
        """Return the names of the columns."""
        return vars(self).keys()

    def get(self, name: str, default: Any = None) -> Any:
        """Return a column's value, or the default if there is no such column."""
        return vars(self).get(name, default)


def rows_of(corpus: Corpus, numeric: Iterable[str] = ()) -> Iterator[Row]:
    """Yield the rows of a corpus.

    Parameters
    ----------
    corpus : Corpus
    numeric : iterable of str
        Columns of text to give as numbers. A missing number is NaN, as in pandas, so that comparisons are false; other
        missing values are None.
    """
    others = [] if corpus.columns is None else corpus.columns.drop("id", "text", strict=False).get_columns()
    columns = [corpus.ids, corpus.texts, *others]
    chosen = set(numeric)
    values = [_numbers(column) if column.name in chosen else _plain(column) for column in columns]
    names = [column.name for column in columns]
    for row in zip(*values, strict=True):
        yield Row(**dict(zip(names, row, strict=True)))


def _plain(column: pl.Series) -> list[Any]:
    values = column.to_list()
    return [float("nan") if value is None else value for value in values] if column.dtype.is_numeric() else values


def _numbers(column: pl.Series) -> list[Any]:
    return [_number(value) for value in column] if column.dtype == pl.String else _plain(column)


def _number(text: str | None) -> float:
    written = (text or "").strip().replace(",", ".")
    try:
        return int(written)
    except ValueError:
        return float(written or "nan")
