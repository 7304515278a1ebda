"""The column that says when a review was written."""

from __future__ import annotations

import polars as pl

from ..data.columns import fold_name, require_column
from ..data.errors import InputError

_MOSTLY = 0.5  # of the values must be dates
_DATE_NAMES = frozenset(
    "date datetime time timestamp created created_at published_at review_date posted_at "
    "дата дата_отзыва время күні уақыты".split()
)


def find_dates(columns: pl.DataFrame, wanted: str | None) -> pl.Series | None:
    """Read the column of dates: the one that was named, or else one called date, time, created_at or the like.

    Returns
    -------
    Series of Date or None
        Null where a value is no date; None if there is no such column or hardly a value is a date.

    Raises
    ------
    InputError
        If the named column does not exist or holds no dates.
    """
    names = [wanted] if wanted is not None else [n for n in columns.columns if fold_name(n) in _DATE_NAMES]
    for name in names:
        if wanted is not None:
            require_column(columns, name, source="The run")
        dates = _as_dates(columns[name])
        if len(dates) - dates.null_count() >= _MOSTLY * len(dates):
            return dates
    if wanted is not None:
        raise InputError(f"Column '{wanted}' holds no dates.", hint="Dates are read as 2025-03-30 or 30.03.2025.")
    return None


def _as_dates(column: pl.Series) -> pl.Series:
    if column.dtype == pl.Date:
        return column
    if isinstance(column.dtype, pl.Datetime):
        return column.dt.date()
    if column.dtype != pl.String:
        return pl.repeat(None, len(column), dtype=pl.Date, eager=True)
    day = column.str.strip_chars().str.slice(0, 10)
    return day.str.to_date("%Y-%m-%d", strict=False).zip_with(
        day.str.contains(r"^\d{4}-"), day.str.to_date("%d.%m.%Y", strict=False)
    )
