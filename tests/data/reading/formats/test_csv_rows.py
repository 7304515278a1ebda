"""CSV is read whole: nothing lost, nothing cut, every bad line named."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from labeler.data.reading.formats.csv_layout import CsvLayout
from labeler.data.reading.formats.csv_rows import _read_fast, _read_leniently
from labeler.data.types.raw_table import RawTable, concat_tables

# Characters that matter to a CSV parser, and a few that should not.
TRICKY = st.text(st.sampled_from('",;\n\r\t |aбӘ😀\u2028\x1f\ufeff'), max_size=8)


def parsed(data: bytes, delimiter: str | None) -> RawTable:
    """Parse a CSV that is one chunk."""
    return concat_tables(list(CsvLayout(delimiter).parse([data])))


def rows(table: RawTable) -> list[tuple[str | None, ...]]:
    return table.frame.rows()


@given(st.lists(st.tuples(TRICKY, TRICKY, TRICKY), min_size=1, max_size=8), st.sampled_from([",", ";", "\t", "|"]))
def test_any_well_formed_csv_round_trips(values: list[tuple[str, str, str]], delimiter: str) -> None:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, delimiter=delimiter, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerow(["a", "b", "c"])
    writer.writerows(values)
    table = parsed(buffer.getvalue().encode(), delimiter)
    assert rows(table) == [tuple(value or None for value in row) for row in values]
    assert not len(table.rejected)


@given(st.lists(st.tuples(TRICKY, TRICKY), min_size=1, max_size=6), st.booleans())
def test_lines_are_those_of_the_file(values: list[tuple[str, str]], crlf: bool) -> None:
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator="\r\n" if crlf else "\n", quoting=csv.QUOTE_ALL).writerows([("a", "b"), *values])
    table = parsed(buffer.getvalue().encode(), ",")
    expected, line = [], 2
    for row in values:
        expected.append(line)
        line += 1 + "".join(row).count("\n")
    assert table.lines.to_list() == expected


@given(st.text(st.sampled_from('",\n\raб '), max_size=40))
@settings(max_examples=300)
@example('"a"\r,b\nc,d')
@example('"a""b",c\n"x\ny",z')
@example("\ufeff,b\nc,d")
@example("a\r,")
def test_the_fast_path_agrees_with_the_lenient_one(body: str) -> None:
    data = f"a,b\n{body}".rstrip("\r\n").encode()
    if len(data) <= 4:
        return
    fast = _read_fast(data, 4, ",", ["a", "b"])
    if fast is not None:
        slow = _read_leniently(data, 4, ",", ["a", "b"])
        assert rows(fast) == rows(slow)
        assert fast.lines.to_list() == slow.lines.to_list()
        assert fast.rejected.select("line", "reason").rows() == slow.rejected.select("line", "reason").rows()


@given(st.text(st.sampled_from('",\n\raб '), max_size=40))
@settings(max_examples=200)
def test_no_character_of_a_broken_file_disappears(body: str) -> None:
    table = parsed(f"a,b\n{body}\nlast,row\n".encode(), ",")
    kept = "".join(value or "" for row in rows(table) for value in row) + "".join(table.rejected["excerpt"])
    for letter in "aб":
        assert kept.count(letter) == f"{body}last,row".count(letter)


def test_ragged_rows_are_rejected_with_their_line_and_the_rest_is_kept() -> None:
    data = 'id,text\n1,"two\nlines"\n2,да, но дорого\n3,ok\n4\n\n5,end\n\n\n'
    table = parsed(data.encode(), ",")
    assert rows(table) == [("1", "two\nlines"), ("3", "ok"), ("5", "end")]
    assert table.lines.to_list() == [2, 5, 8]
    assert table.rejected.rows() == [
        (4, "3 fields where the header has 2", "2,да, но дорого"),
        (6, "1 field where the header has 2", "4"),
        (7, "blank line", ""),
    ]


def test_stray_quotes_are_part_of_the_text() -> None:
    data = 'id,text\n1,экран 5" хороший\n2,"Great" product\n3,"unclosed\n4,"a ""b"" c"\n'
    assert rows(parsed(data.encode(), ",")) == [
        ("1", 'экран 5" хороший'),
        ("2", '"Great" product'),
        ("3", '"unclosed'),
        ("4", 'a "b" c'),
    ]


def test_one_unclosed_quote_does_not_swallow_the_file() -> None:
    data = 'id,text\n1,"oops\n' + "".join(f"{i},ok\n" for i in range(2, 1000))
    table = parsed(data.encode(), ",")
    assert len(table.frame) == 999
    assert table.lines[-1] == 1000


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_all_line_ends(end: str) -> None:
    table = parsed(end.join(["id,text", "1,a", '2,"b"', "3,c"]).encode(), ",")
    assert rows(table) == [("1", "a"), ("2", "b"), ("3", "c")]
    assert table.lines.to_list() == [2, 3, 4]


def test_one_column_keeps_its_commas() -> None:
    table = parsed('text\nда, да\n"в, кавычках"\n\nнет\n'.encode(), None)
    assert rows(table) == [("да, да",), ("в, кавычках",), ("нет",)]
    assert table.rejected.rows() == [(4, "blank line", "")]


def test_values_stay_as_written() -> None:
    table = parsed(b"id,n,d\n007,1.50,2024-01-01\n1e5,NA,null\n", ",")
    assert rows(table) == [("007", "1.50", "2024-01-01"), ("1e5", "NA", "null")]


def test_nameless_and_repeated_columns_get_names() -> None:
    table = parsed(b",text,text,\n0,a,b,c\n", ",")
    assert table.frame.columns == ["column_1", "text", "text_2", "column_4"]


def test_a_name_made_for_one_column_does_not_hit_another() -> None:
    assert parsed(b"a_2,a,a\n1,2,3\n", ",").frame.columns == ["a_2", "a", "a_3"]
