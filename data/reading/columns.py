"""Which input column holds the text, the id or the label: as configured, or guessed when it is unambiguous."""

from __future__ import annotations

import re
import tomllib
from importlib import resources

import polars as pl

from ..errors import InputError, nearest_hint

_NAMES = tomllib.loads(resources.files(__package__).joinpath("column_names.toml").read_text(encoding="utf-8"))
TEXT_NAMES, ID_NAMES, LABEL_NAMES, PROS_NAMES, CONS_NAMES, RATING_NAMES, DATE_NAMES = (
    frozenset(_NAMES[kind].split()) for kind in ("text", "id", "label", "pros", "cons", "rating", "date")
)
"""Names under which columns usually come, folded by `fold_name`."""


def is_usual_name(name: str) -> bool:
    """Whether columns of texts, ids or labels are often named so."""
    return fold_name(name) in TEXT_NAMES | ID_NAMES | LABEL_NAMES | PROS_NAMES | CONS_NAMES


def fold_name(name: str) -> str:
    """Fold case, spaces and hyphens: ``Review Text`` and ``review-text`` become ``review_text``."""
    return re.sub(r"[\s\-]+", "_", name.strip().casefold())


def require_column(frame: pl.DataFrame, name: str, *, source: str) -> str:
    """Return `name` if the table has such a column.

    Raises
    ------
    InputError
        If it has none; the hint names the nearest column.
    """
    if name not in frame.columns:
        raise InputError(f"{source} has no column '{name}'.", hint=nearest_hint(name, frame.columns))
    return name


def guess_column(frame: pl.DataFrame, names: frozenset[str]) -> list[str]:
    """List the columns of `frame` whose folded name is in `names`."""
    return [column for column in frame.columns if fold_name(column) in names]


def find_only_strings(frame: pl.DataFrame, *, id_column: str | None, source: str) -> str:
    """Find the only column of strings besides the id, where no usual name decides.

    Parameters
    ----------
    frame : DataFrame
        The table, or its first rows.
    id_column : str or None
        A column that is not the text.
    source : str
        Name used in messages.

    Raises
    ------
    InputError
        If there is none, more than one, or it holds numbers. The message lists the columns.
    """
    strings = [column for column in frame.columns if is_string(frame, column) and column != id_column]
    if len(strings) == 1 and not _looks_like_data(strings[0]) and not all_numbers(frame[strings[0]]):
        return strings[0]
    raise InputError(
        f"{source} has no column that is known to hold text. Columns found: {', '.join(frame.columns)}.",
        hint="Name it with --text-column.",
    )


def is_string(frame: pl.DataFrame, column: str) -> bool:
    """Whether a column holds strings, plain or categorical."""
    return isinstance(frame.schema[column], pl.String | pl.Categorical | pl.Enum)


def free_name(name: str, taken: set[str]) -> str:
    """Return ``name_input``, or the first ``name_input_2``, ... that is not taken."""
    candidate, copy = f"{name}_input", 1
    while candidate in taken:
        copy += 1
        candidate = f"{name}_input_{copy}"
    return candidate


def require_strings(frame: pl.DataFrame, column: str, source: str) -> str:
    """Return `column` if it holds strings.

    Raises
    ------
    InputError
        If it holds something else.
    """
    if not is_string(frame, column) and frame.schema[column] != pl.Null:
        raise InputError(
            f"Column '{column}' of {source} holds {frame.schema[column]}, not text.",
            hint="Name the column of reviews with --text-column.",
        )
    return column


def _looks_like_data(name: str) -> bool:
    """Whether a "column name" is rather the first review of a file without a header."""
    return len(name) > 40 or len(name.split()) > 4


def all_numbers(column: pl.Series) -> bool:
    """Whether the first values of a column, up to 1000, are numbers."""
    sample = column.drop_nulls().head(1000).cast(pl.String).str.strip_chars()
    return len(sample) > 0 and sample.cast(pl.Float64, strict=False).null_count() == 0
