"""JSON Lines and arrays keep their values; a broken line costs only itself."""

from __future__ import annotations

import json

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeler.data.errors import InputError
from labeler.data.reading.formats.json_records import kinds_of, parse_json_array, parse_jsonl, read_objects
from labeler.data.types.raw_table import RawTable, concat_tables


def parsed(data: bytes) -> RawTable:
    """Parse JSON Lines."""
    return concat_tables(list(parse_jsonl([data], kinds_of(read_objects([data])))))


@given(st.lists(st.text(max_size=20), min_size=1, max_size=5), st.booleans(), st.booleans())
def test_any_text_round_trips(texts: list[str], ascii_only: bool, as_array: bool) -> None:
    records = [{"text": text, "n": number} for number, text in enumerate(texts)]
    if as_array:
        table = parse_json_array(json.dumps(records, ensure_ascii=ascii_only, indent=1).encode(), "a.json")
    else:
        table = parsed("\n".join(json.dumps(r, ensure_ascii=ascii_only) for r in records).encode())
    assert table.frame["text"].to_list() == [text.replace("\0", " ") for text in texts]
    assert table.frame["n"].to_list() == list(range(len(texts)))


def test_broken_lines_are_rejected_with_line_and_reason() -> None:
    data = b'{"text":"a"}\n{"text": oops}\n\n["text"]\n{"text":"b"}\n{"text":"cut'
    table = parsed(data)
    assert table.frame["text"].to_list() == ["a", "b"]
    assert table.lines.to_list() == [1, 5]
    assert table.rejected["line"].to_list() == [2, 3, 4, 6]
    assert table.rejected["reason"].to_list() == [
        "not valid JSON: Expecting value",
        "blank line",
        "not a JSON object",
        "not valid JSON: Unterminated string starting at",
    ]
    assert table.rejected["excerpt"][0] == '{"text": oops}'


def test_types_survive_and_mixed_ones_become_text() -> None:
    records = [
        {"i": 1, "f": 1.5, "b": True, "s": "007", "mixed": "x", "big": 2**70, "nested": {"a": [1]}, "num": 1},
        {"i": 2, "f": 2.5, "b": None, "s": None, "mixed": 5, "big": 1, "num": 2.5},
    ]
    table = parsed("\n".join(json.dumps(record) for record in records).encode())
    assert table.frame.schema == {
        "i": pl.Int64, "f": pl.Float64, "b": pl.Boolean, "s": pl.String,
        "mixed": pl.String, "big": pl.String, "nested": pl.String, "num": pl.Float64,
    }  # fmt: skip
    assert table.frame["mixed"].to_list() == ["x", "5"]
    assert table.frame["big"][0] == str(2**70)
    assert table.not_strings["mixed"].to_list() == [False, True]


def test_half_a_surrogate_pair_is_replaced_not_fatal() -> None:
    table = parsed(rb'{"text":"ok \ud83d\ude00 broken \ud83d end \u0000"}')
    assert table.frame["text"].to_list() == ["ok 😀 broken \ufffd end  "]


def test_deep_nesting_is_a_rejected_line() -> None:
    table = parsed(b'{"text":' + b"[" * 100_000 + b'\n{"text":"ok"}')
    assert table.frame["text"].to_list() == ["ok"]
    assert table.rejected["line"].to_list() == [1]


def test_lines_of_array_elements() -> None:
    table = parse_json_array(b'[\n {"text":"a"},\n\n 5,\n {"text":\n"b"}, {"text":"c"}\n]\n', "a.json")
    assert table.lines.to_list() == [2, 5, 6]
    assert table.rejected.rows() == [(4, "not a JSON object", "5")]
    assert not len(parse_json_array(b"[]", "a.json").frame)


@pytest.mark.parametrize(
    "data", [b'[{"a":1}', b'[{"a":1} {"a":2}]', b'[{"a":1},]', b'[{"a":1}] x', b'[,{"a":1}]', b"["]
)
def test_a_broken_array_is_an_error(data: bytes) -> None:
    with pytest.raises(InputError, match=r"a.json is not valid JSON: .*line 1 column"):
        parse_json_array(data, "a.json")
