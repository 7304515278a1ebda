"""Tables in memory, read as the CSV of the same rows would be: data frames, datasets and lists of texts."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeAlias

import polars as pl

from ..digests import json_digest
from ..errors import InputError
from ..text.plain_values import as_text
from ..types.corpus import as_strings, digest_series
from .formats.csv_headers import unique_names

TableSource: TypeAlias = Any
"""A file, a folder, a pattern, a URL or ``-``; or whatever `as_frame` takes."""

_LONE_SURROGATES = re.compile("[\ud800-\udfff]")


def as_frame(source: TableSource) -> tuple[str, pl.DataFrame] | None:
    """Return what a table in memory is called in messages, and its rows; None for a path, a URL or ``-``.

    Numbers, dates and booleans become the text that a CSV would hold, NaN and empty strings null; nested values stay.
    A named index of a pandas frame is a column. Rows are numbered from 1.

    Parameters
    ----------
    source : object
        A Polars or pandas ``DataFrame`` or ``Series``, a Hugging Face ``Dataset``, anything that offers an Arrow stream
        (such as a ``pyarrow.Table``), or a list of str, which makes a column ``text``.

    Raises
    ------
    InputError
        If it is something else.
    """
    if isinstance(source, str | Path):
        return None
    if isinstance(source, list | tuple):
        return "a list of texts", pl.DataFrame([text_series(source)])
    if hasattr(source, "to_frame") and not hasattr(source, "columns"):
        source = source.to_frame()
    if isinstance(source, pl.DataFrame):
        columns = dict(zip(source.columns, source.get_columns(), strict=True))
    elif hasattr(source, "iloc"):
        columns = _pandas_columns(source)
    elif hasattr(source, "to_polars"):
        columns = dict(source.to_polars().to_dict())
    elif hasattr(source, "__arrow_c_stream__"):
        columns = dict(pl.DataFrame(source).to_dict())
    else:
        raise InputError(
            f"A table cannot be read from {_named(source)}.",
            hint="Give a path, a DataFrame of Polars or pandas, a datasets.Dataset, or a list of texts.",
        )
    names = unique_names(list(map(str, columns)))
    values = zip(names, columns.values(), strict=True)
    return _named(source), pl.DataFrame([_as_csv(column).alias(name) for name, column in values])


def frame_digest(frame: pl.DataFrame) -> str:
    """Return ``blake2b:`` and a hex digest of names and values."""
    return f"blake2b:{json_digest([[column.name, digest_series(as_strings(column))] for column in frame])}"


def _named(source: object) -> str:
    kind = type(source).__name__
    return f"{'an' if kind[0] in 'AEIOUaeio' else 'a'} {kind}"


def _pandas_columns(frame: Any) -> dict[Any, pl.Series]:
    index = frame.index.names
    if not any(name is None or name in frame.columns for name in index):
        frame = frame.reset_index()
    names = unique_names(list(map(str, frame.columns)))
    columns = (frame.iloc[:, place].astype(object) for place in range(len(names)))
    return {
        name: _series(column.where(column.notna(), None).tolist()) for name, column in zip(names, columns, strict=True)
    }


def text_series(values: Iterable[object]) -> pl.Series:
    """Return texts as a column; None and NaN are null.

    Raises
    ------
    InputError
        If one is something else than a string.
    """
    texts = [None if value is None or value != value else value for value in values]  # NaN is not itself
    if wrong := [value for value in texts if value is not None and not isinstance(value, str)]:
        raise InputError(
            f"A list of texts holds {_named(wrong[0])}: {str(wrong[0])[:80]!r}.",
            hint="Give a list of str, or a DataFrame with a column of texts.",
        )
    return _series(texts).cast(pl.String).alias("text")


def _series(values: list[Any]) -> pl.Series:
    try:
        return pl.Series(values, strict=False)
    except UnicodeEncodeError:  # halves of surrogate pairs
        return pl.Series([_LONE_SURROGATES.sub("\ufffd", x) if isinstance(x, str) else x for x in values], strict=False)


def _as_csv(column: pl.Series) -> pl.Series:
    """Write values as text; nested ones stay."""
    if column.dtype.is_nested():
        return column
    if column.dtype == pl.Object:
        column = pl.Series([None if value is None else str(value) for value in column], dtype=pl.String)
    elif column.dtype.is_float():
        column = column.fill_nan(None)
    texts = as_text(column)
    return texts.set(texts == "", None)
