"""Values of any type as what JSON has, and columns of any type as strings."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import polars as pl


def plain(value: Any) -> Any:
    """Reduce to what JSON has: dict, list, str, int, float, bool, None. Paths and others become strings."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in (sorted(value) if isinstance(value, set | frozenset) else value)]
    if hasattr(value, "tolist"):  # NumPy scalars and arrays, Polars has to_list
        return plain(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, str | int) else str(value)


def as_text(column: pl.Series) -> pl.Series:
    """Write any column as strings: nested values as JSON, bytes as base64, durations as ISO 8601; null stays null."""
    if column.dtype.is_nested():
        texts = [None if item is None else json.dumps(plain(item), ensure_ascii=False) for item in column.to_list()]
        return pl.Series(column.name, texts, pl.String)
    nameless = column.alias("")  # methods of Series take a name such as '^p_.*$' for a pattern
    if column.dtype == pl.Binary:
        return nameless.bin.encode("base64").alias(column.name)
    if column.dtype == pl.Duration:
        return nameless.dt.to_string("iso").alias(column.name)
    return column.cast(pl.String)
