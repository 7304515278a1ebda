"""The column with the dates of the reviews."""

from __future__ import annotations

import polars as pl

from ...data.errors import InputError
from ...data.progress import status
from ...data.reading.columns import DATE_NAMES, guess_column, require_column

_MIN_SHARE = 0.5  # of the values must be dates
_THREE_NUMBERS = r"^(?<a>\d{1,4})(?<sign>[./-])(?<b>\d{1,2})[./-](?<c>\d{4}|\d{1,2})(?:\D.*)?$"
_ORDERS = (("c", "b", "a"), ("c", "a", "b"), ("a", "b", "c"))  # which of three numbers are year, month and day
_MIN_FIT = 0.95  # of the values must be dates, where only the values show their order
_SECONDS, _MILLISECONDS = 10, 13  # digits of a Unix time
_HINT = "Write dates as 2025-03-30."


def find_dates(columns: pl.DataFrame, wanted: str | None) -> pl.Series | None:
    """Read the column of dates: the one that was named, or else one called date, time, created_at or the like.

    Read are ISO dates, dates whose year comes last (of two or four digits), both with or without a time after them, and
    Unix times in seconds or milliseconds. With points the day comes before the month; with slashes and hyphens the
    values must show the order.

    Parameters
    ----------
    columns : DataFrame
    wanted : str or None
        A column's name.

    Returns
    -------
    Series of Date or None
        Null where a value is no date; None if there is no such column, hardly a value is a date, or day and month
        cannot be told apart.

    Raises
    ------
    InputError
        If the named column does not exist, holds no dates, or day and month cannot be told apart.
    """
    names = [wanted] if wanted is not None else guess_column(columns, DATE_NAMES)
    for name in names:
        if wanted is not None:
            require_column(columns, name, source="The run")
        try:
            dates = _as_dates(columns[name])
        except InputError as error:
            if wanted is not None:
                raise
            status(f"{error} No months are shown.")
            continue
        if len(dates) - dates.null_count() >= _MIN_SHARE * len(dates):
            return dates
    if wanted is not None:
        raise InputError(f"Column '{wanted}' holds no dates.", hint=_HINT)
    return None


def _as_dates(column: pl.Series) -> pl.Series:
    if column.dtype == pl.Date:
        return column
    if isinstance(column.dtype, pl.Datetime):
        return column.dt.date()
    if column.dtype.is_numeric():
        return _timestamps(column.cast(pl.Int64, strict=False).cast(pl.String))
    if column.dtype != pl.String:
        return pl.repeat(None, len(column), dtype=pl.Date, eager=True)
    values = column.str.strip_chars()
    return _written(values, column.name).zip_with(values.str.contains(r"\D"), _timestamps(values))


def _timestamps(digits: pl.Series) -> pl.Series:
    """Read Unix times, which have as many digits as those of 2001 to 2286."""
    length, numbers = digits.str.len_chars(), digits.cast(pl.Int64, strict=False)
    milliseconds = (numbers * 1000).zip_with(length == _SECONDS, numbers)
    return milliseconds.set(~length.is_in((_SECONDS, _MILLISECONDS)), None).cast(pl.Datetime("ms")).dt.date()


def _written(values: pl.Series, name: str) -> pl.Series:
    """Read three numbers with signs between them.

    Raises
    ------
    InputError
        If the values do not tell the order of day, month and year.
    """
    parts = values.str.extract_groups(_THREE_NUMBERS).struct.unnest()
    year_first = parts["a"].str.len_chars() == 4
    known = _dates(parts, "a", "b", "c").zip_with(year_first, _dates(parts, "c", "b", "a"))
    unclear = (~year_first & (parts["sign"] != ".")).fill_null(value=False)
    if not unclear.any():
        return known
    rows = parts.filter(unclear)
    fits = {order: _dates(rows, *order).count() for order in _ORDERS if _is_likely(rows, *order)}
    best = [order for order, count in fits.items() if count == max(fits.values()) and count >= _MIN_FIT * len(rows)]
    if len(best) != 1:
        example = values.filter(unclear)[0]
        raise InputError(
            f"Column '{name}' holds dates like '{example}', whose day and month cannot be told apart.", hint=_HINT
        )
    return _dates(parts, *best[0]).zip_with(unclear, known)


def _is_likely(parts: pl.DataFrame, year: str, month: str, day: str) -> bool:
    """Whether days vary at least as much as years do."""
    return parts[day].n_unique() >= parts[year].n_unique()


def _dates(parts: pl.DataFrame, year: str, month: str, day: str) -> pl.Series:
    """Put dates together; null where there is no such day."""
    size = parts[year].str.len_chars()
    full = parts[year].zip_with(size != 2, "20" + parts[year])
    numbers = [full.zip_with((size == 2) | (size == 4), full.clear(len(full))), parts[month], parts[day]]
    text = pl.select(pl.concat_str([number.str.zfill(2) for number in numbers], separator="-")).to_series()
    return text.str.to_date("%Y-%m-%d", strict=False)
