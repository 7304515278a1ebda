"""`read_table`: any text survives, columns are found or asked for, nothing disappears without a reason."""

from __future__ import annotations

import io
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labeler.data.errors import InputError
from labeler.data.reading.ids import KeyTable, content_ids

from ...tables import read_table

TEXTS = st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30), min_size=1)
IN_FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def save_csv(path: Path, frame: pl.DataFrame) -> None:
    frame.write_csv(path)


def save_tsv(path: Path, frame: pl.DataFrame) -> None:
    frame.write_csv(path, separator="\t")


def save_jsonl(path: Path, frame: pl.DataFrame) -> None:
    frame.write_ndjson(path)


def save_json(path: Path, frame: pl.DataFrame) -> None:
    path.write_text(json.dumps(frame.to_dicts()), encoding="utf-8")


def save_parquet(path: Path, frame: pl.DataFrame) -> None:
    frame.write_parquet(path)


SAVERS: dict[str, Callable[[Path, pl.DataFrame], None]] = {
    "a.csv": save_csv, "a.tsv": save_tsv, "a.jsonl": save_jsonl, "a.json": save_json, "a.parquet": save_parquet,
}  # fmt: skip


@pytest.mark.parametrize("name", SAVERS)
@given(texts=TEXTS)
@IN_FOLDER
def test_any_text_survives_every_format(tmp_path: Path, name: str, texts: list[str]) -> None:
    frame = pl.DataFrame({"id": [f"r{i}" for i in range(len(texts) + 1)], "text": ["Керемет", *texts], "extra": "x"})
    SAVERS[name](tmp_path / name, frame)
    table = read_table(tmp_path / name)
    kept = dict(table.frame.select("id", "text").iter_rows())
    assert all(kept[key] == text for key, text in frame.select("id", "text").iter_rows() if key in kept)
    assert len(kept) + len(table.rejected) == len(frame)
    assert set(table.rejected["reason"]) <= {"empty text"}
    assert all(text in kept.values() for text in texts if any(char.isalnum() for char in text))


@given(texts=TEXTS)
def test_content_ids_are_unique_and_do_not_depend_on_other_rows(texts: list[str]) -> None:
    ids = content_ids(pl.Series(texts, dtype=pl.String), KeyTable())
    assert ids.n_unique() == len(texts)
    assert sorted(ids) == sorted(content_ids(pl.Series(texts[::-1], dtype=pl.String), KeyTable()))
    alone = {content_ids(pl.Series([text]), KeyTable())[0] for text in texts}
    assert alone <= set(ids)


def test_id_and_text_come_first_and_the_rest_is_unchanged(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", "stars,Отзыв,ID,label\n5,Керемет,007,x\n1,Нашар,1e5,\n")
    table = read_table(path)
    assert table.frame.columns == ["id", "text", "stars", "label"]
    assert table.frame.rows() == [("007", "Керемет", "5", "x"), ("1e5", "Нашар", "1", None)]
    assert (table.text_column, table.id_column, table.source) == ("Отзыв", "ID", str(path))
    assert table.digest.startswith("blake2b:")
    assert table.digest == read_table(path).digest


def test_parquet_keeps_types_and_names_rows(tmp_path: Path) -> None:
    frame = pl.DataFrame({"id": [7, 8, 9], "stars": [5, 4, 1], "text": ["a", None, "c"], "tags": [["x"], [], None]})
    frame.write_parquet(tmp_path / "a.parquet")
    table = read_table(tmp_path / "a.parquet")
    assert table.frame.schema == {"id": pl.String, "text": pl.String, "stars": pl.Int64, "tags": pl.List(pl.String)}
    assert table.rejected.rows() == [(2, "empty text", "8 | 4")]


@pytest.mark.parametrize("name", ["text", "Review", "COMMENT", "отзыв", "Текст", "пікір", "content", "body", "Message"])
def test_usual_text_names_are_guessed(tmp_path: Path, name: str) -> None:
    assert read_table(write(tmp_path, "a.csv", f"a,{name},b\n1,ok,2\n")).text_column == name


def test_a_single_string_column_is_the_text(tmp_path: Path) -> None:
    assert read_table(write(tmp_path, "a.csv", "opinion_kk\nда, но дорого\n")).frame["text"].to_list() == [
        "да, но дорого"
    ]
    assert read_table(write(tmp_path, "b.csv", "id,opis\n1,ok\n")).text_column == "opis"
    assert read_table(write(tmp_path, "c.jsonl", '{"opis":"ok","stars":5,"id":"1"}')).text_column == "opis"


def test_no_text_column_names_the_columns(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"no column that is known to hold text. Columns found: id, foo, bar"
    ) as caught:
        read_table(write(tmp_path, "a.csv", "id,foo,bar\n1,a,b\n"))
    assert "--text-column" in caught.value.hint
    with pytest.raises(InputError, match="Columns found: id, stars"):
        read_table(write(tmp_path, "b.csv", "id,stars\n1,5\n2,4\n"))


def test_a_missing_header_is_noticed(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no column that is known to hold text"):
        read_table(write(tmp_path, "a.csv", "Очень хороший товар, всем советую брать\nПлохой\n"))


def test_two_possible_text_columns_are_not_guessed_between(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", "text,comment\na,b\n")
    with pytest.raises(InputError, match="several columns that may hold the text: text, comment") as caught:
        read_table(path)
    assert "--text-column" in caught.value.hint
    table = read_table(path, text_column="comment")
    assert table.frame.columns == ["id", "text", "text_input"]
    assert table.frame["text"].to_list() == ["b"]
    assert table.renames == {"text": "text_input"}


def test_a_wrong_column_name_gets_the_nearest(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", "review,stars\na,5\n")
    with pytest.raises(InputError, match="no column 'reviev'") as caught:
        read_table(path, text_column="reviev")
    assert "Did you mean 'review'?" in caught.value.hint
    with pytest.raises(InputError, match="no column 'nr'"):
        read_table(path, id_column="nr")


def test_a_number_column_is_not_text(tmp_path: Path) -> None:
    pl.DataFrame({"text": [1, 2]}).write_parquet(tmp_path / "a.parquet")
    with pytest.raises(InputError, match=r"Column 'text' of .* holds Int64, not text"):
        read_table(tmp_path / "a.parquet")


def test_text_that_is_not_a_string_is_rejected(tmp_path: Path) -> None:
    table = read_table(write(tmp_path, "a.jsonl", '{"text":"a"}\n{"text":5}\n{"text":null}\n{"text":["x"]}\n{"t":1}\n'))
    assert table.frame["text"].to_list() == ["a"]
    assert [row[:2] for row in table.rejected.rows()] == [
        (2, "text is not a string"), (3, "empty text"), (4, "text is not a string"), (5, "empty text"),
    ]  # fmt: skip


def test_only_a_repeated_id_and_text_is_a_repeat(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", 'id,text\n1,"a\nb"\n2,c\n1,d\n1,"a\nb"\n1,d\n3,f\n1,e\n')
    table = read_table(path)
    assert table.frame["text"].to_list() == ["a\nb", "c", "d", "f", "e"]
    ids = table.frame["id"].to_list()
    assert (ids[:2], ids[3]) == (["1", "2"], "3")
    assert all(re.fullmatch("1-[0-9a-f]{8}", name) for name in (ids[2], ids[4]))
    assert table.rejected.rows() == [
        (6, "the same id '1' and text as on line 2", "1 | a\nb"),
        (8, f"the same id '{ids[2]}' and text as on line 5", f"{ids[2]} | d"),
    ]
    assert table.notes[0].startswith("Rows with the id of an earlier row, but another text: 2.")
    path.write_text(path.read_text() + "1,new\n")
    assert read_table(path).frame["id"].to_list()[:5] == ids


def test_an_id_is_free_when_its_first_row_had_no_text(tmp_path: Path) -> None:
    assert read_table(write(tmp_path, "a.csv", "id,text\n1,\n1,b\n")).frame.rows() == [("1", "b")]


def test_empty_ids_are_made_from_the_text(tmp_path: Path) -> None:
    table = read_table(write(tmp_path, "a.csv", "id,text\n1,a\n,b\n  ,b\n"))
    made = content_ids(pl.Series(["b", "b"]), KeyTable()).to_list()
    assert table.frame["id"].to_list() == ["1", *made]
    assert not len(table.rejected)


@pytest.mark.parametrize("products", [1, 4, 40])
def test_a_guessed_id_of_products_is_no_id(tmp_path: Path, products: int) -> None:
    path = write(tmp_path, "a.csv", "id,text\n" + "".join(f"{i % products},review {i}\n" for i in range(46)))
    table = read_table(path)
    assert len(table) == 46
    assert table.id_column is None
    assert table.frame.columns == ["id", "text", "id_input"]
    assert f"{46 - products} of 46 rows have the id of another review" in table.notes[0]
    assert len(read_table(path, id_column="id")) == 46


IDS = ["1,a\n2,b\n", "1.0,a\n2.00,b\n"]


@pytest.mark.parametrize("name", ["text.csv", "floats.csv", "ints.parquet", "floats.parquet", "mixed.jsonl"])
def test_numbers_are_one_id_however_they_are_written(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name.endswith("csv"):
        path.write_text("id,text\n" + IDS[name.startswith("floats")])
    elif name.endswith("jsonl"):
        path.write_text('{"id": 1.0, "text": "a"}\n{"id": "2", "text": "b"}\n')
    else:
        ids = [1, 2] if name.startswith("ints") else [1.0, 2.0]
        pl.DataFrame({"id": ids, "text": ["a", "b"]}).write_parquet(path)
    assert read_table(path).frame["id"].to_list() == ["1", "2"]


def test_limit_takes_the_first_usable_rows(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", "id,text\n1,a\n2,\n3,c\n4,\n5,e\n")
    table = read_table(path, limit=2)
    assert table.frame["id"].to_list() == ["1", "3"]
    assert table.rejected["line"].to_list() == [3]
    with pytest.raises(InputError, match="limit of 0"):
        read_table(path, limit=0)


def test_nuls_become_spaces_and_the_row_stays(tmp_path: Path) -> None:
    assert read_table(write(tmp_path, "a.csv", b"id,text\n1,a\0b\n")).frame["text"].to_list() == ["a b"]
    assert read_table(write(tmp_path, "a.jsonl", '{"text":"a\\u0000b"}')).frame["text"].to_list() == ["a b"]
    pl.DataFrame({"text": ["a\0b", "\0"]}).write_parquet(tmp_path / "a.parquet")
    table = read_table(tmp_path / "a.parquet")
    assert table.frame["text"].to_list() == ["a b"]
    assert table.rejected["line"].to_list() == [2]


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16", "utf-16-le", "cp1251"])
@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_legacy_encodings(tmp_path: Path, codec: str, name: str) -> None:
    content = {"a.csv": "id;текст\r\n1;Отличный товар\r\n", "a.jsonl": '{"id":"1","текст":"Отличный товар"}'}[name]
    table = read_table(write(tmp_path, name, content.encode(codec)))
    assert table.frame.rows() == [("1", "Отличный товар")]
    assert bool(table.notes) == (codec != "utf-8-sig")


def test_a_review_of_a_megabyte_is_kept_quickly(tmp_path: Path) -> None:
    long = 'Жақсы "" тауар,\n' * 60_000
    path = write(tmp_path, "a.csv", f'id,text\n1,"{long}"\n2,"x" y\n')
    table = read_table(path)
    assert table.frame["text"].to_list() == [long.replace('""', '"'), '"x" y']


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.csv", "id,text\n" + "\n" * 1_000_000, "blank line"),
        ("b.csv", "id,text\n" + ",\n" * 1_000_000, "empty text"),
    ],
    ids=["blank", "empty"],
)
def test_a_million_empty_rows_end_in_one_message(tmp_path: Path, name: str, content: str, reason: str) -> None:
    path = write(tmp_path, name, content)
    with pytest.raises(InputError, match=rf"1,000,000 rows and none is usable: 1,000,000 x {reason} .first: line"):
        read_table(path)


def test_missing_file_names_the_nearest(tmp_path: Path) -> None:
    write(tmp_path, "reviews.csv", "text\na\n")
    with pytest.raises(InputError, match=r"There is no file .*review.csv") as caught:
        read_table(tmp_path / "review.csv")
    assert "reviews.csv" in caught.value.hint
    with pytest.raises(InputError, match="There is no file") as caught:
        read_table(tmp_path / "nowhere" / "a.csv")
    assert "does not exist either" in caught.value.hint


def test_a_folder_is_read_as_one_table(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", "text\na\n")
    write(tmp_path, "b.csv", "text\nb\n")
    assert read_table(tmp_path).frame["text"].to_list() == ["a", "b"]


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.jsonl", "a.json", "a.parquet"])
@pytest.mark.parametrize("content", [b"", b"\n \r\n", b"\xef\xbb\xbf", b"\xff\xfe"])
def test_an_empty_file(tmp_path: Path, name: str, content: bytes) -> None:
    with pytest.raises(InputError, match=r"is empty|is not a readable Parquet file"):
        read_table(write(tmp_path, name, content))


@pytest.mark.parametrize("content", ["id,text", "id,text\n", "\nid,text\r\n", "\ufeffid,text\n"])
def test_a_header_only(tmp_path: Path, content: str) -> None:
    with pytest.raises(InputError, match=r"has no rows, only a header \(columns: id, text\)"):
        read_table(write(tmp_path, "a.csv", content))


def test_an_empty_parquet_table(tmp_path: Path) -> None:
    pl.DataFrame({"text": []}, schema={"text": pl.String}).write_parquet(tmp_path / "a.parquet")
    with pytest.raises(InputError, match="has no rows"):
        read_table(tmp_path / "a.parquet")


@pytest.mark.parametrize("name", ["a.docx", "a", "a.csv.bz2"])
def test_an_unknown_format(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="unknown file ending") as caught:
        read_table(write(tmp_path, name, "text\na\n"))
    assert ".parquet" in caught.value.hint


def test_broken_json_everywhere(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"2 rows and none is usable: .*not valid JSON"):
        read_table(write(tmp_path, "a.jsonl", "{\n}\n"))


@given(at=st.floats(0, 1, exclude_max=True), junk=st.binary(min_size=1, max_size=8), cut=st.booleans())
@IN_FOLDER
def test_a_corrupt_parquet_never_crashes(tmp_path: Path, at: float, junk: bytes, cut: bool) -> None:
    good = io.BytesIO()
    pl.DataFrame({"text": ["Керемет", "Нашар"] * 50, "stars": range(100)}).write_parquet(good)
    data = good.getvalue()
    position = int(at * len(data))
    bad = data[:position] + (b"" if cut else junk + data[position + len(junk) :])
    try:
        read_table(write(tmp_path, "a.parquet", bad))
    except InputError as error:
        assert "a.parquet" in str(error)


def test_a_file_that_fails_while_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Path, mode: str) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    path = write(tmp_path, "a.csv", "text\na\n")
    monkeypatch.setattr(Path, "open", fail)
    with pytest.raises(InputError, match=r"a.csv cannot be read \(Permission denied\)"):
        read_table(path)


def parquet_bytes() -> bytes:
    buffer = io.BytesIO()
    pl.DataFrame({"id": ["1"], "text": ["Жақсы"]}).write_parquet(buffer)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        "id;text\n1;Жақсы\n".encode(),
        "\ufeff id\ttext\n1\tЖақсы\n".encode(),
        '{"id":"1","text":"Жақсы"}\n'.encode(),
        '\n[{"id":"1","text":"Жақсы"}]'.encode(),
        '{"id":"1","text":"Жақсы"}\n'.encode("utf-16"),
        parquet_bytes(),
    ],
)
def test_standard_input_is_sniffed(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    table = read_table("-")
    assert table.frame.rows() == [("1", "Жақсы")]
    assert table.source == "<stdin>"


def test_closed_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(InputError, match="Standard input cannot be read"):
        read_table("-")
