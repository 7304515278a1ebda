"""`open_stream` on a folder, a pattern and a URL: several files are one table."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from labeler.data.errors import ConfigError, InputError
from labeler.data.reading.reviews import open_stream


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    inner = tmp_path / "in"
    inner.mkdir()
    (inner / "b.csv").write_text("id,text\n1,first\n2,\n3,new\n")
    (inner / "a.csv").write_text("id,text\n1,first\n\n9,x\n")
    (inner / "c.csv").write_text("text,id\nlater,7\n")
    (inner / "_SUCCESS").touch()
    return inner


def read(source: str, rows: int = 20_000) -> tuple[pl.DataFrame, pl.DataFrame, tuple[str, ...], str]:
    with open_stream(source, chunk_rows=rows) as stream:
        chunks = list(stream)
        rejected = stream.located(pl.concat([chunk.rejected for chunk in chunks]))
        return pl.concat([chunk.frame for chunk in chunks]), rejected, stream.notes, stream.digest()


@pytest.mark.parametrize("source", ["in", "in/*.csv", "**/?.csv", "file://{}/in", "file://{}/in/*.csv"])
@pytest.mark.parametrize("rows", [1, 2, 100])
def test_files_are_one_table(folder: Path, source: str, rows: int) -> None:
    frame, rejected, _, _ = read(source.format(folder.parent), rows)
    assert frame.rows() == [("1", "first"), ("9", "x"), ("3", "new"), ("7", "later")]
    assert rejected["file"].str.split("/").list.last().to_list() == ["a.csv", "b.csv", "b.csv"]
    assert rejected["line"].to_list() == [3, 2, 3]
    assert rejected["reason"][1].startswith("the same id '1' and text as on line 2 of ")
    assert rejected["reason"][1].endswith("in/a.csv")


def test_a_single_file_of_a_strange_name_is_no_pattern(folder: Path) -> None:
    (folder / "a[1].csv").write_text("id,text\n5,five\n")
    frame, rejected, _, _ = read("in/a[1].csv")
    assert frame["id"].to_list() == ["5"]
    assert rejected.columns == ["line", "reason", "excerpt"]


def test_the_digest_knows_order_and_content(folder: Path) -> None:
    before = read("in")[3]
    assert read("in/*.csv")[3] == before
    (folder / "c.csv").rename(folder / "aa.csv")
    assert read("in")[3] != before


def test_json_lines_need_not_have_all_columns_in_every_file(folder: Path) -> None:
    (folder / "1.jsonl").write_text('{"id": "a", "text": "x"}\n')
    (folder / "2.jsonl").write_text('{"id": "b", "text": "y", "stars": 4}\n{"id": "c", "text": "z", "stars": 1.5}\n')
    frame, _, _, _ = read("in/*.jsonl", 1)
    assert frame["stars"].to_list() == [None, 4.0, 1.5]


def test_files_of_other_encodings_are_noted(folder: Path) -> None:
    (folder / "b.csv").write_bytes("id,text\n3,Өте жақсы\n".encode("utf-16"))
    frame, _, notes, _ = read("in")
    assert "Өте жақсы" in frame["text"].to_list()
    assert [note.partition(" was")[0] for note in notes] == ["in/b.csv"]


def test_columns_of_all_files_are_united_and_said(folder: Path) -> None:
    (folder / "b.csv").write_text("id,text,stars\n3,new,5\n")
    frame, _, notes, _ = read("in", 1)
    assert frame.select("id", "stars").rows() == [("1", None), ("9", None), ("3", "5"), ("7", None)]
    assert notes == tuple(f"in/{name}.csv has no column 'stars', which in/b.csv has." for name in "ac")


def test_types_that_go_together_are_united(folder: Path) -> None:
    pl.DataFrame({"text": ["a"], "n": [1], "s": [1]}).write_parquet("in/1.parquet")
    pl.DataFrame({"text": ["b"], "n": [0.5], "s": ["x"]}).write_parquet("in/2.parquet")
    frame, _, _, _ = read("in/*.parquet")
    assert frame.select("n", "s").rows() == [(1.0, "1"), (0.5, "x")]


def test_types_that_do_not_go_together_name_both_files(folder: Path) -> None:
    pl.DataFrame({"text": ["a"], "tags": [["x"]]}).write_parquet("in/1.parquet")
    pl.DataFrame({"text": ["b"], "tags": ["x"]}).write_parquet("in/2.parquet")
    with pytest.raises(InputError, match=r"'tags' holds List\(String\) in in/1.parquet, but String in in/2.parquet"):
        read("in/*.parquet")


def test_files_of_all_formats_are_one_table(folder: Path) -> None:
    (folder / "d.json").write_text('{"id": 8, "text": "line"}\n{"id": 10, "text": "more"}\n')
    (folder / "e.json").write_text('[{"id": 11, "text": "array"}]')
    pl.DataFrame({"id": [12], "text": ["column"]}).write_parquet("in/f.parquet")
    (folder / "g.csv").touch()
    (folder / "note.txt").write_text("what this is")
    frame, _, _, _ = read("in", 1)
    assert frame["id"].to_list() == ["1", "9", "3", "7", "8", "10", "11", "12"]
    assert read("in/[de].json")[0]["text"].to_list() == ["line", "more", "array"]


def test_unusable_rows_name_their_file(folder: Path) -> None:
    for name in "abc":
        (folder / f"{name}.csv").write_text("id,text\n1,\n")
    with pytest.raises(InputError, match=r"3 x empty text \(first: in/a.csv, line 2\)"):
        read("in")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("empty", "The folder empty holds no table"),
        ("in/*.parquet", r"There is no file in/\*.parquet"),
        ("file:///nowhere/a.csv", "FileNotFoundError"),
        ("memory://nothing/*.csv", "There is nothing at"),
        ("nonsense://a.csv", "Protocol not known"),
    ],
)
def test_nothing_to_read_is_said(folder: Path, source: str, message: str) -> None:
    (folder.parent / "empty").mkdir()
    with pytest.raises(InputError, match=message):
        open_stream(source)


@pytest.mark.parametrize(("url", "package"), [("s3://b/a.csv", "s3fs"), ("gs://b/*.csv", "gcsfs")])
def test_a_missing_package_is_named(url: str, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, package, None)
    with pytest.raises(ConfigError, match="cannot be read") as caught:
        open_stream(url)
    assert caught.value.hint == f"pip install {package}"


def test_remote_files_are_copied_and_the_copies_removed(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    memory = MemoryFileSystem()
    memory.put(f"{folder}/", "/bucket/reviews/", recursive=True)
    try:
        frame, rejected, _, digest = read("memory://bucket/reviews/*.csv")
    finally:
        memory.rm("/bucket", recursive=True)
    assert frame["id"].to_list() == ["1", "9", "3", "7"]
    assert rejected["file"].to_list()[0] == "memory:///bucket/reviews/a.csv"
    assert digest == read("in")[3]
    assert [path.name for path in tmp_path.iterdir()] == ["in"]
