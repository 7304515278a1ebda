"""Files written chunk by chunk are those that are written at once, and appear as a whole or not at all."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labeler.data.writing.atomic import remove_leftovers, write_csv, write_jsonl
from labeler.data.writing.chunked_files import ChunkedParquet, writing_csv, writing_jsonl

FRAME = pl.DataFrame(
    {"id": list("abcdefg"), "text": ["x", "=1", None, "👍", "\n", "", "y"], "n": [1, 2, None, 4, 5, 6, 7]}
)
IN_FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labeler.data.writing.atomic._flush", lambda path: None)


@pytest.mark.parametrize("part_rows", [1, 3, 100])
@pytest.mark.parametrize("size", [1, 2, 7])
def test_parts_become_one_file(tmp_path: Path, part_rows: int, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labeler.data.writing.chunked_files.CHUNK_ROWS", part_rows)
    path = tmp_path / "a[1].parquet"
    with ChunkedParquet(path) as parts:
        for start in range(0, 7, size):
            parts.write(FRAME.slice(start, size))
        assert parts.rows == 7
        assert not path.exists()
        parts.save(metadata={"key": "k"})
    assert pl.read_parquet(path, glob=False).equals(FRAME)
    assert pl.read_parquet_metadata(path)["key"] == "k"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("part_rows", [1, 100])
def test_without_save_nothing_changes(tmp_path: Path, part_rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labeler.data.writing.chunked_files.CHUNK_ROWS", part_rows)
    (tmp_path / "a.parquet").write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt), ChunkedParquet(tmp_path / "a.parquet") as parts:
        parts.write(FRAME)
        parts.write(FRAME)
        raise KeyboardInterrupt
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"old"]


def test_what_a_killed_process_put_aside_is_cleared_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labeler.data.writing.chunked_files.CHUNK_ROWS", 1)
    parts = ChunkedParquet(tmp_path / "a.parquet")
    parts.write(FRAME)
    assert remove_leftovers(tmp_path) == 1
    assert not list(tmp_path.iterdir())


def test_no_rows_still_make_a_file(tmp_path: Path) -> None:
    with ChunkedParquet(tmp_path / "a.parquet") as parts:
        parts.write(FRAME.clear())
        parts.save()
    assert pl.read_parquet(tmp_path / "a.parquet").schema == FRAME.schema


@IN_FOLDER
@given(size=st.integers(1, 8))
def test_csv_and_jsonl_do_not_depend_on_the_chunks(tmp_path: Path, size: int) -> None:
    with writing_csv(tmp_path / "parts.csv") as csv, writing_jsonl(tmp_path / "parts.jsonl") as jsonl:
        for start in range(0, 7, size):
            csv(FRAME.slice(start, size))
            jsonl(FRAME.slice(start, size))
    write_csv(tmp_path / "whole.csv", FRAME)
    write_jsonl(tmp_path / "whole.jsonl", FRAME)
    for kind in ("csv", "jsonl"):
        assert (tmp_path / f"parts.{kind}").read_bytes() == (tmp_path / f"whole.{kind}").read_bytes()


def test_a_jsonl_file_without_rows_goes(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("{}")
    with writing_jsonl(tmp_path / "a.jsonl") as jsonl:
        jsonl(FRAME.clear())
    assert not list(tmp_path.iterdir())
