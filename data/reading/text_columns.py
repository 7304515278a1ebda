"""The texts of a table: one column, several joined, or a key inside nested values."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from ..errors import InputError, nearest_hint
from ..text.content import has_content
from .columns import (
    CONS_NAMES,
    PROS_NAMES,
    TEXT_NAMES,
    all_numbers,
    find_only_strings,
    fold_name,
    guess_column,
    is_string,
    require_column,
    require_strings,
)

_GLUE = "\x1f"
_N_SAMPLED = 100
_MAX_DEPTH = 4

# What customers write into a field of pros or cons that they must not leave empty.
_NOTHING = (
    r"(?i)^\s*(?:no|nothing|нету|ничего|отсутствуют|не (?:обнаружен[оы]?|обнаружил[аи]?|найден[оы]?|выявлено|"
    r"заметил[аи]?)|ештеңе)[.!\s)]*$"
)


@dataclass(frozen=True)
class TextColumns:
    """Where texts are.

    Parameters
    ----------
    names : tuple[str, ...]
        Columns, or keys inside columns of nested values, separated by dots: ``review.text``.
    """

    names: tuple[str, ...]

    def __str__(self) -> str:
        """Name them in messages."""
        return " + ".join(self.names)

    def column(self, frame: pl.DataFrame) -> str | None:
        """Return the column that holds nothing but the texts, if there is one."""
        return self.names[0] if len(self.names) == 1 and self.names[0] in frame.columns else None

    def columns(self, names: Collection[str]) -> list[str] | None:
        """Return the columns that hold the texts, perhaps inside nested values; None if one is not among `names`."""
        found = [_holder(names, name) for name in self.names]
        return None if None in found else list(dict.fromkeys(name for name in found if name is not None))

    def of(self, frame: pl.DataFrame) -> pl.Series:
        """Return the texts, null where there is none; NULs become spaces.

        Of several columns those with content are joined in order, each as sentences of its own: ``Good. Not cheap``.
        """
        parts = [_values(frame, name).str.replace_all("\0", " ", literal=True) for name in self.names]
        if len(parts) == 1:
            return parts[0].alias("text")
        filled = [_with_content(part).alias(f"{i}") for i, part in enumerate(parts)]
        joined = pl.concat_str(pl.all(), separator=_GLUE, ignore_nulls=True)
        joined = joined.str.replace_all(rf"([\p{{L}}\p{{N}}]){_GLUE}", "$1. ").str.replace_all(_GLUE, " ", literal=True)
        return pl.DataFrame(filled).select(text=joined).to_series()


def find_text_columns(
    frame: pl.DataFrame, wanted: str | Sequence[str] | None, *, id_column: str | None, source: str
) -> TextColumns:
    """Find the texts: `wanted`; or what `usual_text_columns` finds; or the only column of strings.

    Parameters
    ----------
    frame, id_column, source
        As for `find_only_strings`.
    wanted : str or sequence of str, optional
        The user's choice.

    Raises
    ------
    InputError
        If there is no such column, more than one, or it does not hold strings. The message lists the columns.
    """
    if wanted:
        names = (wanted,) if isinstance(wanted, str) else tuple(wanted)
        for name in names:
            _require(frame, name, source)
        return TextColumns(names)
    if usual := usual_text_columns(frame):
        _require(frame, usual.names[0], source)
        return usual
    if several := _usual_texts(frame):
        raise InputError(
            f"{source} has several columns that may hold the text: {', '.join(several)}.",
            hint="Choose one with --text-column, or repeat it to join several. "
            f"Columns found: {', '.join(frame.columns)}.",
        )
    return TextColumns((find_only_strings(frame, id_column=id_column, source=source),))


def likely_columns(frame: pl.DataFrame, likely: str | Sequence[str] | None) -> tuple[str, ...] | None:
    """Return the columns, or keys inside columns, if the table has all of them."""
    names = (likely,) if isinstance(likely, str) else tuple(likely or ())
    return names if names and TextColumns(names).columns(frame.columns) else None


def usual_text_columns(frame: pl.DataFrame) -> TextColumns | None:
    """Find texts by names alone: pros, cons and a comment; or the only column, or nested key, with a usual name."""
    texts = _usual_texts(frame)
    pros, cons = (
        [name for name in guess_column(frame, names) if is_string(frame, name) and not all_numbers(frame[name])]
        for names in (PROS_NAMES, CONS_NAMES)
    )
    if pros and cons and len(texts) <= 1:
        return TextColumns(tuple(name for name in frame.columns if name in {*pros, *cons, *texts}))
    return TextColumns((texts[0],)) if len(texts) == 1 else None


def _usual_texts(frame: pl.DataFrame) -> list[str]:
    """List the columns with usual names of texts, or else such keys of nested values."""
    nested = [key for key in _nested_keys(frame) if fold_name(key.rpartition(".")[2]) in TEXT_NAMES]
    holders = {key.partition(".")[0] for key in nested}
    return [name for name in guess_column(frame, TEXT_NAMES) if name not in holders] or nested


def _require(frame: pl.DataFrame, name: str, source: str) -> None:
    base = _holder(frame.columns, name)
    if base == name:
        require_strings(frame, name, source)
    elif base is None and not ("." in name and any(_nested_keys(frame))):
        require_column(frame, name, source=source)
    elif base is None or not _values(frame, name).count():
        raise InputError(f"{source} has no key '{name}'.", hint=nearest_hint(name, _nested_keys(frame)))


def _holder(names: Collection[str], name: str) -> str | None:
    """Return the column that a name or the beginning of a dotted name is, None if there is none."""
    while name not in names:
        name, dot, _ = name.rpartition(".")
        if not dot:
            return None
    return name


def _values(frame: pl.DataFrame, name: str) -> pl.Series:
    """Return a column as strings, or what stands under a key inside it."""
    base = _holder(frame.columns, name)
    assert base is not None
    values, keys = frame[base], name[len(base) + 1 :].split(".") if len(name) > len(base) else []
    for depth, key in enumerate(keys):
        if not isinstance(values.dtype, pl.Struct):
            path = "".join(f"[{json.dumps(key, ensure_ascii=False)}]" for key in keys[depth:])
            return values.cast(pl.String).str.json_path_match(f"${path}")
        if key not in values.struct.fields:
            return pl.repeat(None, len(frame), dtype=pl.String, eager=True)
        values = values.struct.field(key)
    return values.cast(pl.String)


def _with_content(part: pl.Series) -> pl.Series:
    """Return the values with content, null elsewhere."""
    part = part.fill_null("")
    empty = ~pl.Series(has_content(part)) | part.str.contains(_NOTHING)
    return part.str.strip_chars().set(empty, None)


def _nested_keys(frame: pl.DataFrame) -> Iterator[str]:
    """Name the keys inside nested values that hold strings, as the first values with content show them."""
    for name, kind in frame.schema.items():
        if isinstance(kind, pl.Struct):
            for value in frame[name].drop_nulls().head(1):
                yield from _keys(value, name, 1)
        elif kind == pl.String:
            found = frame[name].drop_nulls().head(_N_SAMPLED)
            objects = found.filter(found.str.starts_with("{"))
            if len(objects) and len(objects) == len(found):
                try:
                    value = json.loads(objects[0])
                except ValueError:
                    continue
                yield from _keys(value, name, 1)


def _keys(value: Any, path: str, depth: int) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            if isinstance(item, str):
                yield f"{path}.{key}"
            elif depth < _MAX_DEPTH:
                yield from _keys(item, f"{path}.{key}", depth + 1)
