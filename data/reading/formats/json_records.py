"""JSON Lines and JSON arrays to columns, object by object, so that one broken line costs one row."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from ...errors import InputError
from ...types.raw_table import NOT_UTF8, RawTable, Rejections
from .json_document import find_records
from .txt_lines import whole_lines

_DECODER = json.JSONDecoder()
_GAP = re.compile(r"[\s,]*")
_LONE_SURROGATES = re.compile("[\ud800-\udfff]")

Kinds = dict[str, set[object]]
"""What the values of each column are: Python types besides None, `_LONG` and `_HUGE`; columns as first seen."""

_LONG, _HUGE = "not exact as a float", "more than 64 bits"


@dataclass(frozen=True, eq=False)
class Records:
    """JSON objects before they are columns.

    Parameters
    ----------
    values : list of dict
        The objects.
    lines : list of int
        The line each starts on.
    bad : Rejections
        What is not a JSON object.
    """

    values: list[dict[str, Any]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    bad: Rejections = field(default_factory=Rejections)

    def add(self, line: int, value: dict[str, Any]) -> None:
        """Take in an object."""
        self.values.append(value)
        self.lines.append(line)


def parse_jsonl(text: Iterable[bytes], kinds: Kinds) -> Iterator[RawTable]:
    """Parse UTF-8 JSON Lines; lines that are not JSON objects are rejected, blank lines at the end ignored.

    Columns keep their JSON type when all values share one; otherwise values that are not strings are written as
    JSON text and noted in `RawTable.not_strings`.

    Parameters
    ----------
    text : iterable of bytes
        The file.
    kinds : Kinds
        What at least all of its objects hold.
    """
    return (to_table(records, kinds) for records in read_objects(text))


def read_objects(text: Iterable[bytes]) -> Iterator[Records]:
    """Parse JSON Lines, some lines at a time."""
    line = blank = 0
    for block in whole_lines(text):
        records = Records()
        for raw in block[:-1].split(b"\n"):
            line += 1
            if not raw or raw.isspace():  # whether it is at the end is not known before something follows it
                blank += 1
                continue
            for before in range(line - blank, line):
                records.bad.add(before, "blank line")
            blank = 0
            _parse_line(records, line, raw)
        yield records


def _parse_line(records: Records, line: int, raw: bytes) -> None:
    try:
        value = _loads(raw)
    except UnicodeDecodeError:
        reason = NOT_UTF8
    except (ValueError, RecursionError) as error:
        reason = f"not valid JSON: {_short(error)}"
    else:
        if isinstance(value, dict):
            records.add(line, value)
            return
        reason = "not a JSON object"
    records.bad.add(line, reason, raw[:1000].decode("utf-8", "ignore"))


def parse_json_array(data: bytes, source: str, start: int = 0) -> RawTable:
    """Parse a UTF-8 JSON array of objects; `start` is where its bracket stands, or spaces before it, in characters.

    Raises
    ------
    InputError
        If the JSON is broken: inside an array there is no safe place to go on from.
    """
    records = Records()
    try:
        text = data.decode("utf-8")
        if not start:  # else it is known to be valid
            json.loads(text)
        position = text.index("[", start) + 1
        line = text.count("\n", 0, position) + 1
        while text[item := _GAP.match(text, position).end()] != "]":  # type: ignore[union-attr]  # it always matches
            line += text.count("\n", position, item)
            value, position = _DECODER.raw_decode(text, item)
            if isinstance(value, dict):
                records.add(line, _clean(value))
            else:
                records.bad.add(line, "not a JSON object", text[item:position])
            line += text.count("\n", item, position)
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{source} is not valid JSON: {error}.",
            hint="Repair it, or write one JSON object per line (.jsonl): then a broken line costs only itself.",
        ) from None
    return to_table(records, kinds_of([records]))


def parse_json_document(data: bytes, source: str) -> tuple[RawTable, tuple[str, ...]] | None:
    """Parse a UTF-8 JSON object that holds a list of objects.

    Returns
    -------
    tuple or None
        The table, and notes for the user: the keys that lead to the list. None if it is no JSON object: JSON Lines,
        perhaps, of which the first is broken.

    Raises
    ------
    InputError
        If it is an object without such a list, or with several.
    """
    try:
        start, keys = find_records(data.decode("utf-8"), source)
    except (ValueError, RecursionError):
        return None
    return parse_json_array(data, source, start), (f"{source}: the reviews are the list '{keys}'.",)


def _loads(raw: bytes) -> Any:
    text = str(raw, "utf-8").strip(" \t\r\n")
    value, end = _DECODER.raw_decode(text)
    if end < len(text):
        raise json.JSONDecodeError("Extra data", text, end)
    return _clean(value) if "\\u" in text else value


def _clean(value: Any) -> Any:
    r"""Replace halves of surrogate pairs (``"\ud83d"`` alone), which no UTF-8 file can hold, and NULs."""
    if isinstance(value, str):
        return _LONE_SURROGATES.sub("\ufffd", value).replace("\0", " ")
    if isinstance(value, dict):
        return {_clean(key): _clean(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_clean(item) for item in value]
    return value


def kinds_of(tables: Iterable[Records]) -> Kinds:
    """Return what kinds of values each column has."""
    kinds: Kinds = {}
    for records in tables:
        for name in dict.fromkeys(name for record in records.values for name in record):
            kinds.setdefault(name, set()).update(_kinds([record.get(name) for record in records.values]))
    return kinds


def to_table(records: Records, kinds: Kinds) -> RawTable:
    """Make columns of the types that follow from `kinds`, which covers at least the kinds of these records."""
    columns: list[pl.Series] = []
    not_strings: dict[str, pl.Series] = {}
    for name, found in kinds.items():
        values = [record.get(name) for record in records.values]
        column_type = _column_type(found)
        if column_type == pl.String and {type(value) for value in values} - {str, type(None)}:
            not_strings[name] = pl.Series([not isinstance(value, str | None) for value in values], dtype=pl.Boolean)
            values = [_as_text(value) for value in values]
        columns.append(pl.Series(name, values, column_type))
    lines = pl.Series("line", records.lines, pl.Int64)
    rejected = records.bad.frame().sort("line", maintain_order=True)
    return RawTable(pl.DataFrame(columns), lines, rejected, not_strings)


def _kinds(values: list[Any]) -> set[object]:
    kinds: set[object] = {type(value) for value in values if value is not None}
    if int in kinds:
        integers = [value for value in values if type(value) is int]
        low, high = min(integers), max(integers)
        if low < -(2**53) or high > 2**53:
            kinds.add(_LONG)
        if low < -(2**63) or high >= 2**63:
            kinds.add(_HUGE)
    return kinds


def _column_type(kinds: set[object]) -> pl.DataType:
    if kinds == {bool}:
        return pl.Boolean()
    if kinds and kinds <= {int, _LONG}:
        return pl.Int64()
    if float in kinds and kinds <= {float, int}:
        return pl.Float64()
    return pl.String()


def _as_text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _short(error: Exception) -> str:
    return error.msg if isinstance(error, json.JSONDecodeError) else type(error).__name__
