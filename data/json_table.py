"""JSON Lines and JSON arrays to columns, object by object, so that one broken line costs one row."""

from __future__ import annotations

import json
import re
from typing import Any

import polars as pl

from .errors import InputError
from .raw_table import RawTable, Rejections

_LONE_SURROGATES = re.compile("[\ud800-\udfff]")
_INT64 = range(-(2**63), 2**63)


def parse_jsonl(data: bytes) -> RawTable:
    """Parse UTF-8 JSON Lines; lines that are not JSON objects are rejected, blank lines at the end ignored.

    Columns keep their JSON type when all values share one; otherwise values that are not strings are written as
    JSON text and noted in `RawTable.not_strings`.
    """
    records: list[dict[str, Any]] = []
    lines: list[int] = []
    bad = Rejections()
    body = data.rstrip() or data
    for line, raw in enumerate(body.split(b"\n"), start=1):
        if not raw.strip():
            bad.add(line, "blank line")
            continue
        try:
            value = _loads(raw)
        except (ValueError, RecursionError) as error:
            bad.add(line, f"not valid JSON: {_short(error)}", raw[:1000].decode("utf-8", "ignore"))
            continue
        if isinstance(value, dict):
            records.append(value)
            lines.append(line)
        else:
            bad.add(line, "not a JSON object", raw[:1000].decode("utf-8", "ignore"))
    return _to_table(records, lines, bad)


def parse_json_array(data: bytes, source: str) -> RawTable:
    """Parse a UTF-8 JSON array of objects.

    Raises
    ------
    InputError
        If the JSON is broken: inside an array there is no safe place to go on from.
    """
    text = data.decode("utf-8")
    decoder = json.JSONDecoder()
    records: list[dict[str, Any]] = []
    lines: list[int] = []
    bad = Rejections()
    position = text.index("[") + 1
    line = text.count("\n", 0, position) + 1
    try:
        while (start := _skip(text, position, first=not (records or len(bad)))) is not None:
            line += text.count("\n", position, start)
            value, position = decoder.raw_decode(text, start)
            if isinstance(value, dict):
                records.append(_clean(value))
                lines.append(line)
            else:
                bad.add(line, "not a JSON object", text[start:position])
            line += text.count("\n", start, position)
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{source} is not valid JSON: {error}.",
            hint="Repair it, or write one JSON object per line (.jsonl): then a broken line costs only itself.",
        ) from None
    return _to_table(records, lines, bad)


_GAP = re.compile(r"[ \t\r\n]*(,?)[ \t\r\n]*")


def _skip(text: str, position: int, *, first: bool) -> int | None:
    """Position of the next array element, or None at the closing bracket."""
    gap = _GAP.match(text, position)
    after = gap.end() if gap else position
    comma = bool(gap and gap.group(1))
    if not comma and text[after : after + 1] == "]":
        if rest := text[after + 1 :].strip():
            raise json.JSONDecodeError(f"Extra data {rest[:20]!r}", text, after + 1)
        return None
    if comma == first:
        raise json.JSONDecodeError("Expecting ',' or ']'" if not comma else "Unexpected ','", text, after)
    return after


def _loads(raw: bytes) -> Any:
    value = json.loads(str(raw, "utf-8"))
    return _clean(value) if b"\\u" in raw else value


def _clean(value: Any) -> Any:
    r"""Replace halves of surrogate pairs (``"\ud83d"`` alone), which no UTF-8 file can hold, and NULs."""
    if isinstance(value, str):
        return _LONE_SURROGATES.sub("\ufffd", value).replace("\0", " ")
    if isinstance(value, dict):
        return {_clean(key): _clean(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_clean(item) for item in value]
    return value


def _to_table(records: list[dict[str, Any]], lines: list[int], bad: Rejections) -> RawTable:
    names = list(dict.fromkeys(name for record in records for name in record))
    columns: list[pl.Series] = []
    not_strings: dict[str, pl.Series] = {}
    for name in names:
        values = [record.get(name) for record in records]
        kinds = {type(value) for value in values} - {type(None)}
        if kinds <= {str}:
            columns.append(pl.Series(name, values, pl.String))
        elif kinds == {bool}:
            columns.append(pl.Series(name, values, pl.Boolean))
        elif kinds == {int} and all(value is None or value in _INT64 for value in values):
            columns.append(pl.Series(name, values, pl.Int64))
        elif kinds in ({float}, {float, int}) and all(_is_exact_float(value) for value in values):
            columns.append(pl.Series(name, values, pl.Float64))
        else:
            columns.append(pl.Series(name, [_as_text(value) for value in values], pl.String))
            not_strings[name] = pl.Series([not isinstance(value, str | None) for value in values], dtype=pl.Boolean)
    return RawTable(pl.DataFrame(columns), pl.Series("line", lines, pl.Int64), bad.frame(), not_strings)


def _is_exact_float(value: Any) -> bool:
    return not isinstance(value, int) or abs(value) <= 2**53


def _as_text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _short(error: Exception) -> str:
    return error.msg if isinstance(error, json.JSONDecodeError) else type(error).__name__
