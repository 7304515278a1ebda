"""`open_stream`: the chunks of any file, one below the other, are what `read_table` reads."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import NamedTuple

import polars as pl
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from labeler.data.errors import InputError
from labeler.data.reading import rows as stream_rows
from labeler.data.reading.files import input_file
from labeler.data.reading.formats import csv_rows
from labeler.data.reading.reviews import open_stream

from ...tables import read_table

IN_FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
SIZES = st.tuples(st.sampled_from([1, 2, 3, 20_000]), st.sampled_from([5, 11, 64, 1 << 20]))
"""Rows of a chunk and bytes that are read at once."""


Columns = tuple[str | None, str | None]
"""Columns of texts and of ids as a user names them."""

GUESSED: Columns = (None, None)


class Outcome(NamedTuple):
    """All that is compared; of the notes not those on renamed columns and those on the first chunk."""

    frame: pl.DataFrame
    rejected: pl.DataFrame
    text_column: str
    id_column: str | None
    notes: list[str]


def whole(path: Path, columns: Columns = GUESSED) -> Outcome | str:
    try:
        table = read_table(path, text_column=columns[0], id_column=columns[1])
    except InputError as error:
        return str(error)
    notes = [note for note in table.notes if "own column" not in note and "of the first" not in note]
    return Outcome(table.frame, table.rejected, table.text_column, table.id_column, notes)


def streamed(path: Path, rows: int = 20_000, block: int = 1 << 20, columns: Columns = GUESSED) -> Outcome | str:
    with pytest.MonkeyPatch.context() as patch:
        for module in (input_file, csv_rows):
            patch.setattr(module, "READ_BYTES", block)
        try:
            with open_stream(path, text_column=columns[0], id_column=columns[1], chunk_rows=rows) as stream:
                chunks = list(stream)
        except InputError as error:
            return str(error)
    assert all(len(chunk) <= rows for chunk in chunks)
    assert all(len(chunk.frame) == len(chunk.original) for chunk in chunks)
    frame = pl.concat([chunk.frame for chunk in chunks])
    rejected = pl.concat([chunk.rejected for chunk in chunks])
    notes = [note for note in stream.notes if "own column" not in note and "of the first" not in note]
    return Outcome(frame, rejected, stream.text_column, stream.id_column, notes)


def assert_same(path: Path, rows: int = 20_000, block: int = 1 << 20, columns: Columns = GUESSED) -> None:
    found, expected = streamed(path, rows, block, columns), whole(path, columns)
    if isinstance(found, str) or isinstance(expected, str):
        assert found == expected
    else:
        assert_frame_equal(found.frame, expected.frame)
        assert_frame_equal(found.rejected, expected.rejected)
        assert found[2:] == expected[2:]


def save(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


AWKWARD = ['"', '""', ",", "\n", "\r\n", "\r", "\n\n", " ", "a", "ә", "1", "😀", "\ufeff", "\0", "id", '"a\nb"', ',"']
BODY = st.lists(st.sampled_from(AWKWARD), max_size=30).map("".join)
ROWS = ["1,a\n", "1,b\r\n", '2,"x\ny"\n', ",c\n", " ,c\n", '3,"d, ""e"""\r\n', "4,\u200b\n", "5\n", "\n"]
ENDINGS = st.sampled_from(["csv", "tsv"])
HEADERS = ["id,text\n", "review\n", "\r\n\nid;text;n\r\n", "a,b\n", '"id\n","text"\n', ""]


@given(ending=ENDINGS, header=st.sampled_from(HEADERS), good=st.lists(st.sampled_from(ROWS)), body=BODY, sizes=SIZES)
@example(ending="csv", header="id,text\n", good=[], body='1,"a\n2,b\n3,c\n4,"x"\n', sizes=(2, 5))
@example(ending="csv", header="id,text\n", good=[], body="1,a\r\r\n\r\n\r\n2,b\r\r\n", sizes=(1, 5))
@example(ending="csv", header="id,text\r", good=[], body="1,a\r2,b\r", sizes=(1, 5))
@example(ending="csv", header='"a,b\n', good=[], body='1,"1\n"\n,\n"a",b\n\n\n', sizes=(3, 5))
@IN_FOLDER
def test_csv(tmp_path: Path, ending: str, header: str, good: list[str], body: str, sizes: tuple[int, int]) -> None:
    content = header + "".join(good) + body
    assert_same(save(tmp_path, f"a.{ending}", content.replace(",", "\t") if ending == "tsv" else content), *sizes)


VALUES = st.sampled_from(
    [None, "a", "b", "", " ", 1, 2, 2**60, 2**70, 1.5, True, [1], {"k": "v"}, "x\0y", "\ud83d", "7"]
)
OBJECTS = st.dictionaries(st.sampled_from(["id", "text", "n", "m", "x y"]), VALUES, max_size=4).map(json.dumps)
JUNK = st.sampled_from(
    ["", " ", "\r", "{", "[1]", "5", '{"text": "a"} \r', "\x0c", '{"id":"q","text":"t"}', "[", "\u2028"]
)


@given(
    ending=st.sampled_from(["jsonl", "json"]),
    lines=st.lists(OBJECTS | JUNK, max_size=12),
    end=st.sampled_from(["", "\n", "\n \n\n"]),
    sizes=SIZES,
)
@IN_FOLDER
def test_json_lines(tmp_path: Path, ending: str, lines: list[str], end: str, sizes: tuple[int, int]) -> None:
    assert_same(save(tmp_path, f"a.{ending}", "\n".join(lines) + end), *sizes, ("text", None))


@given(objects=st.lists(OBJECTS, max_size=8), cut=st.booleans(), sizes=SIZES)
@IN_FOLDER
def test_json_arrays(tmp_path: Path, objects: list[str], cut: bool, sizes: tuple[int, int]) -> None:
    content = " [" + ",\n".join(objects) + "]"
    assert_same(save(tmp_path, "a.json", (content[:-1] if cut else content).encode("utf-16")), *sizes)


@given(
    ids=st.lists(st.sampled_from([None, "1", "2", " ", "x"]) | st.text(max_size=3), min_size=1, max_size=12),
    texts=st.lists(st.sampled_from([None, "", "a", "b", "a\0b", "\n"]), min_size=12, max_size=12),
    group=st.sampled_from([1, 4, 100]),
    rows=st.sampled_from([1, 3, 100]),
    columns=st.sampled_from([GUESSED, (None, "id")]),
)
@IN_FOLDER
def test_parquet(tmp_path: Path, ids: list[str], texts: list[str], group: int, rows: int, columns: Columns) -> None:
    frame = pl.DataFrame({"stars": range(len(ids)), "id": ids, "tags": [["t"]] * len(ids), "text": texts[: len(ids)]})
    frame = frame.with_columns(kind=frame["id"].cast(pl.Categorical))
    frame.write_parquet(tmp_path / "a.parquet", row_group_size=group)
    assert_same(tmp_path / "a.parquet", rows, columns=columns)


def test_row_groups_that_lose_their_rows(tmp_path: Path) -> None:
    frame = pl.DataFrame({"id": ["1", "1", "2", "1"], "text": ["a", "a", "", "a"]})
    frame.write_parquet(tmp_path / "a.parquet", row_group_size=1)
    assert read_table(tmp_path / "a.parquet", id_column="id").frame.rows() == [("1", "a")]
    assert_same(tmp_path / "a.parquet", 3, columns=(None, "id"))


RUSSIAN = "id;текст\n1;Отличный товар, всем советую\n2;Не понравилось\n"
KAZAKH = "id,text\r\n1,Өте жақсы тауар, рахмет\r\n2,Сапасы нашар екен\r\n"


@given(
    text=st.sampled_from([RUSSIAN, KAZAKH, '{"id":1,"text":"Өте жақсы"}\n']),
    codec=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1251", "kz1048", "latin-1"]),
    damage=st.none() | st.tuples(st.floats(0, 1, exclude_max=True), st.sampled_from([b"", b"\xff", b"\x98", b"\n"])),
    sizes=SIZES,
)
@IN_FOLDER
def test_encodings(
    tmp_path: Path, text: str, codec: str, damage: tuple[float, bytes] | None, sizes: tuple[int, int]
) -> None:
    data = text.encode(codec, "replace")
    if damage:
        at = int(damage[0] * len(data))
        data = data[:at] + damage[1] + data[at + len(damage[1]) :] if damage[1] else data[:at]
    assert_same(save(tmp_path, "a.jsonl" if text.startswith("{") else "a.csv", data), *sizes)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("id that turns out to repeat.csv", "id,text\n" + "".join(f"{min(i, 5)},review {i}\n" for i in range(20))),
        ("number that turns out to be text.csv", "opis,id\n" + "5,1\n" * 3 + ",2\n" * 9 + "x,3\n"),
        ("numbers.csv", "opis,id\n" + "5,1\n" * 9),
        ("types that change.jsonl", '{"text":"a","n":1}\n' * 9 + '{"n":"x"}\n{"new":true,"text":"c","n":1.5}\n'),
        ("numbers that become texts.jsonl", '{"text":1}\n' * 9 + '{"text":"b"}\n'),
        ("bytes that are Russian.csv", b"id,text\n" + b"1,good\n" * 9 + "2,Отличный товар\n".encode("cp1251")),
        ("line feed at the end.csv", "id,text\r1,a\r2,b\rc,d\n"),
    ],
)  # fmt: skip
def test_what_only_later_rows_show(tmp_path: Path, name: str, content: str | bytes) -> None:
    assert_same(save(tmp_path, name, content), 2, 5)


def test_the_first_thousand_values_tell_numbers_from_text(tmp_path: Path) -> None:
    path = save(tmp_path, "a.csv", "opis,id\n" + "5,1\n" * 600 + "x,2\n")
    assert_same(path, 600)
    assert_same(path, 250)


def test_reviews_of_a_megabyte(tmp_path: Path) -> None:
    long = 'Жақсы "" тауар,\r\n' * 40_000
    path = save(tmp_path, "a.csv", "id,text\n" + "".join(f'{i},"{long}"\n{i}x,ok\n' for i in range(2)))
    assert_same(path, 3)
    assert_same(path, 20_000, 1 << 15)


def test_huge_rows_make_small_chunks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_rows, "_CHUNK_BYTES", 1 << 12)
    monkeypatch.setattr(input_file, "READ_BYTES", 1 << 10)
    frame = pl.DataFrame({"text": [f"{i}" * 500 for i in range(60)]})
    frame.write_csv(tmp_path / "a.csv")
    frame.write_parquet(tmp_path / "a.parquet", compression="uncompressed")
    for name in ("a.csv", "a.parquet"):
        with open_stream(tmp_path / name, text_column="text") as stream:
            assert max(len(chunk) for chunk in stream) < 30


def test_a_stray_quote_does_not_hold_up_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(tmp_path, "a.csv", 'id,text\n1,"oops\n' + "".join(f"{i},ok\n" for i in range(2, 1000)))
    assert_same(path, 500, 512)
    monkeypatch.setattr(csv_rows, "_MAX_FIELD", 1 << 10)
    monkeypatch.setattr(input_file, "READ_BYTES", 1 << 9)
    with open_stream(path) as stream:
        table = pl.concat([chunk.frame for chunk in stream])
    assert_frame_equal(table, read_table(path).frame)


def test_blank_lines_and_rejected_rows_do_not_pile_up(tmp_path: Path) -> None:
    path = save(tmp_path, "a.csv", "id,text\n1,a\n" + "\n" * 500 + "2,b\n\n\n")
    with open_stream(path, chunk_rows=100) as stream:
        chunks = list(stream)
    assert sum(len(chunk) for chunk in chunks) == 2
    assert sum(len(chunk.rejected) for chunk in chunks) == 500
    assert_same(path, 100, 64)


PROBLEMS = {
    "missing.csv": None,
    "unknown.docx": "text\na\n",
    "reviews.csv.gz": b"\x1f\x8b\x08",
    "empty.csv": "",
    "empty.parquet": "",
    "blank.jsonl": "\n \r\n" * 9,
    "mark.csv": "\ufeff",
    "header.csv": "id,text\n",
    "columns.csv": "id,foo,bar\n1,a,b\n",
    "two.csv": "text,comment\na,b\n",
    "useless.csv": "id,text\n" + "1,\n" * 9 + "2\n\n",
    "useless.jsonl": "{\n" * 9 + "[]\n",
    "nothing.jsonl": "{}\n",
    "broken.json": '[{"text":"a"}',
    "truncated.parquet": b"PAR1 and then nothing",
    "bad byte.csv": b"text\nTr\xe8s bien\n",
}


@pytest.mark.parametrize("name", PROBLEMS)
@pytest.mark.parametrize("columns", [GUESSED, ("nowhere", None), ("text", "nr")])
def test_errors_are_those_of_the_whole_table(tmp_path: Path, name: str, columns: Columns) -> None:
    content = PROBLEMS[name]
    path = tmp_path / name if content is None else save(tmp_path, name, content)
    assert isinstance(whole(path, columns), str)
    assert_same(path, 2, 5, columns)


def test_an_empty_folder_is_not_a_table(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no table"):
        open_stream(tmp_path)
    with pytest.raises(InputError, match="Chunks of 0 rows"):
        open_stream(tmp_path, chunk_rows=0)


def test_a_parquet_file_that_is_damaged_inside(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pl.DataFrame({"text": [f"review {i}" for i in range(1000)]}).write_parquet(path, row_group_size=100)
    data = path.read_bytes()
    path.write_bytes(data[:2000] + bytes(500) + data[2500:])
    with pytest.raises(InputError, match=r"a.parquet is not a readable Parquet file"):
        read_table(path)
    with pytest.raises(InputError, match=r"a.parquet is not a readable Parquet file"), open_stream(path) as stream:
        list(stream)


def test_a_file_that_fails_while_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Failing(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell():
                raise OSError(5, "Input/output error")
            return super().read(size)

    path = save(tmp_path, "a.csv", "text\na\n")
    monkeypatch.setattr(Path, "open", lambda path, mode: Failing(b"text\na\n"))
    with pytest.raises(InputError, match=r"a.csv cannot be read \(Input/output error\)"):
        open_stream(path)
