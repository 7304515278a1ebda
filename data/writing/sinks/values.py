"""What values of any column become where a format is plainer than Polars, and whether columns agree."""

from __future__ import annotations

from collections.abc import Collection

import polars as pl

from ...errors import InputError, quoted

Schema = dict[str, pl.DataType]

DIGITS = 6
"""Significant digits of scores in text and databases; float32 holds so many exactly."""


def is_predicted(name: str) -> bool:
    """Whether a column is one that prediction adds: ``label``, ``confidence``, ``p_<class>``."""
    return name in ("label", "confidence") or name.startswith("p_")


def round_scores(chunk: pl.DataFrame) -> pl.DataFrame:
    """Round the float32 scores to `DIGITS` significant digits, as Float64 whose shortest decimals are those."""
    scores = [name for name, kind in chunk.schema.items() if kind == pl.Float32 and is_predicted(name)]
    return chunk.with_columns(pl.col(scores).cast(pl.Float64).round_sig_figs(DIGITS))


def without_nul(texts: pl.Series) -> pl.Series:
    """Remove NUL characters; what has none, or is no text, comes back as it was."""
    nameless = texts.alias("")
    if texts.dtype != pl.String or not nameless.str.contains("\0", literal=True).any():
        return texts
    return nameless.str.replace_all("\0", "", literal=True).alias(texts.name)


def arrange(chunk: pl.DataFrame, names: Collection[str], *, place: str, hint: str) -> pl.DataFrame:
    """Put the columns of `chunk` into the order of `names`.

    Raises
    ------
    InputError
        If the columns differ; the message names those that are missing on either side.
    """
    lacking = [name for name in names if name not in chunk.columns]
    extra = [name for name in chunk.columns if name not in names]
    if lacking or extra:
        parts = [f"only there: {quoted(lacking)}"] if lacking else []
        parts += [f"only in the new rows: {quoted(extra)}"] if extra else []
        raise InputError(f"The columns of {place} differ from those of the new rows ({'; '.join(parts)}).", hint=hint)
    # Not select(), and no cast() of a frame below, which would take a name such as '^p_.*$' for a pattern.
    return pl.DataFrame([chunk.get_column(name) for name in names])


def fit(chunk: pl.DataFrame, schema: Schema, *, place: str, hint: str) -> pl.DataFrame:
    """Bring the columns to the types in `schema`, where no value changes by it.

    Raises
    ------
    InputError
        If a value could change; the message names the columns and both types.
    """
    wrong = [
        f"'{name}' is {kind}, there {schema[name]}"
        for name, kind in chunk.schema.items()
        if not _becomes(kind, schema[name])
    ]
    if wrong:
        raise InputError(f"Columns of {place} have other types in the new rows: {'; '.join(wrong)}.", hint=hint)
    return pl.DataFrame([column.cast(schema[column.name]) for column in chunk])


def _becomes(kind: pl.DataType, wanted: pl.DataType) -> bool:
    """Whether `wanted` holds every value of `kind`."""
    if kind == wanted or kind == pl.Null:
        return True
    try:
        both = pl.concat([pl.DataFrame(schema={"x": item}) for item in (wanted, kind)], how="vertical_relaxed")
    except pl.exceptions.PolarsError:
        return False
    return both.schema["x"] == wanted and not kind.is_nested()
