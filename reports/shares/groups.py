"""Groups of reviews: by month, or by a column of the input."""

from __future__ import annotations

import polars as pl

from ...data.errors import InputError, quoted
from ...data.reading.columns import require_column
from ..evaluation.dates import find_dates

MONTH = "month"

_MAX_GROUPS = 20


def group_reviews(columns: pl.DataFrame, by: str, date_column: str | None) -> tuple[pl.Series, list[str]]:
    """Return the group of each review, and notes on reviews that are in none.

    Parameters
    ----------
    columns : DataFrame
        Of the input, n rows.
    by : str
        ``month`` (of the dates, where no column is called so), or the name of a column. Of a column with more than 20
        values the most frequent 20 are groups.
    date_column : str, optional
        Column of the dates; by default the one that looks like it.

    Returns
    -------
    Series of String, length n
        Null where a review is in no group.
    list of str

    Raises
    ------
    InputError
        If there is no such column or no date, or a column is nested or has no value twice.
    """
    if by == MONTH and by not in columns.columns:
        return _months(columns, date_column)
    return _most_frequent(columns[require_column(columns, by, source="The run")])


def _months(columns: pl.DataFrame, date_column: str | None) -> tuple[pl.Series, list[str]]:
    dates = find_dates(columns, date_column)
    if dates is None:
        found = f"its columns are {quoted(columns.columns)}" if columns.columns else "it has only texts"
        hint = 'Name it in labeler.toml, such as: [report] date_column = "created".'
        raise InputError(f"The run has no column of dates: {found}.", hint=hint)
    unknown = dates.null_count()
    return dates.dt.strftime("%Y-%m"), [f"{unknown:,} reviews have no date."] if unknown else []


def _most_frequent(column: pl.Series) -> tuple[pl.Series, list[str]]:
    name, hint = column.name, "Name a column of few values."
    if column.dtype.is_nested():
        raise InputError(f"Column '{name}' holds {column.dtype}, which makes no groups.", hint=hint)
    values = column.cast(pl.String).str.strip_chars().alias("value")
    values = values.set(values == "", None)
    counts = values.drop_nulls().value_counts(sort=True, name="rows").sort(["rows", "value"], descending=[True, False])
    if counts["rows"].max() in (None, 1):
        raise InputError(f"Column '{name}' makes no groups: no value occurs twice.", hint=hint)
    unknown = values.null_count()
    notes = [f"{unknown:,} reviews have no {name}."] if unknown else []
    if len(counts) > _MAX_GROUPS:
        notes.append(
            f"Column '{name}' has {len(counts):,} values; shown are the {_MAX_GROUPS} most frequent, "
            f"without {counts['rows'].slice(_MAX_GROUPS).sum():,} reviews."
        )
    kept = values.is_in(counts["value"].head(_MAX_GROUPS).implode())
    return values.set(~kept, None), notes
