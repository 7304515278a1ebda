"""Files appear whole or not at all."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from labeler.data.errors import RunError
from labeler.data.writing import atomic
from labeler.data.writing.atomic import (
    TEMPORARY_SUFFIX,
    atomic_path,
    read_unchanged,
    remove_leftovers,
    write_csv,
    write_json,
    write_jsonl,
    write_parquet,
    write_text,
)

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
IN_FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


@given(value=JSON)
@IN_FOLDER
def test_json_round_trips(tmp_path: Path, value: object) -> None:
    write_json(tmp_path / "a.json", value)
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8")) == value
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


@given(texts=st.lists(TEXT | st.none(), max_size=5))
@IN_FOLDER
def test_parquet_and_jsonl_round_trip(tmp_path: Path, texts: list[str | None]) -> None:
    frame = pl.DataFrame({"text": texts, "n": range(len(texts))}, schema={"text": pl.String, "n": pl.Int64})
    write_parquet(tmp_path / "a.parquet", frame, metadata={"key": "ключ"})
    assert_frame_equal(pl.read_parquet(tmp_path / "a.parquet"), frame)
    assert pl.read_parquet_metadata(tmp_path / "a.parquet")["key"] == "ключ"
    write_jsonl(tmp_path / "a.jsonl", frame)
    lines = (tmp_path / "a.jsonl").read_bytes().split(b"\n")[:-1]
    assert [json.loads(line)["text"] for line in lines] == texts


def test_json_takes_numpy_paths_and_nan(tmp_path: Path) -> None:
    value = {"a": np.float32(0.5), "b": np.arange(2), "c": Path("x"), "d": float("nan"), "e": {"z", "y"}, 5: (1,)}
    write_json(tmp_path / "a.json", value)
    assert json.loads((tmp_path / "a.json").read_bytes()) == {
        "a": 0.5, "b": [0, 1], "c": "x", "d": None, "e": ["y", "z"], "5": [1],
    }  # fmt: skip


@given(text=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=10))
@IN_FOLDER
def test_csv_is_for_spreadsheets(tmp_path: Path, text: str) -> None:
    write_csv(tmp_path / "a.csv", pl.DataFrame({"id": "1", "text": text}))
    assert (tmp_path / "a.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    value = pl.read_csv(tmp_path / "a.csv", infer_schema=False, empty_string_is_null=False)["text"][0]
    assert value in (text, f"'{text}")
    assert value[:1] not in set("=+-@\t\r")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_formulas_are_escaped_in_strings_only(tmp_path: Path, start: str) -> None:
    columns = {"text": [f"{start}1+1", "a=b", None], f"{start}name": [-1.5, 2.0, None], "l": [["=x"], [], None]}
    frame = pl.DataFrame(columns)
    write_csv(tmp_path / "a.csv", frame)
    back = pl.read_csv(tmp_path / "a.csv", infer_schema=False)
    assert back.columns[1] == f"'{start}name"
    assert back.rows() == [(f"'{start}1+1", "-1.5", '["=x"]'), ("a=b", "2.0", "[]"), (None, None, None)]


@pytest.mark.parametrize("error", [ValueError("boom"), KeyboardInterrupt()])
def test_after_an_exception_the_old_file_stays_and_nothing_else(tmp_path: Path, error: BaseException) -> None:
    target = tmp_path / "a.txt"
    write_text(target, "old")
    with pytest.raises(type(error)), atomic_path(target) as path:
        path.write_text("half", encoding="utf-8")
        raise error
    assert target.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_folders_are_replaced_whole(tmp_path: Path) -> None:
    for content in ("old", "new"):
        with atomic_path(tmp_path / "model") as path:
            (path / "deep").mkdir(parents=True)
            (path / "deep" / content).write_text(content, encoding="utf-8")
    assert [item.name for item in tmp_path.rglob("*")] == ["model", "deep", "new"]


def replace_folder(target: Path, content: str) -> None:
    with atomic_path(target) as path:
        path.mkdir()
        for name in ("config", "head", "weights"):
            (path / name).write_text(content, encoding="utf-8")


def test_a_reader_of_a_folder_sees_one_version_of_it_while_it_is_replaced(tmp_path: Path) -> None:
    target, done = tmp_path / "model", threading.Event()
    replace_folder(target, "0")

    def write() -> None:
        for number in range(1, 80):
            replace_folder(target, str(number))
            time.sleep(0.01)
        done.set()

    def read() -> set[str]:
        found = set()
        for name in ("config", "head", "weights"):
            found.add((target / name).read_text(encoding="utf-8"))
            time.sleep(0.002)
        return found

    writer = threading.Thread(target=write)
    writer.start()
    seen = set()
    while not done.is_set():
        with suppress(RunError):  # a reader that never finds it at rest says so
            versions = read_unchanged(target, read)
            assert len(versions) == 1
            seen |= versions
    writer.join()
    assert read_unchanged(target, read) == {"79"}
    assert len(seen) > 1
    assert list(tmp_path.iterdir()) == [target]


def test_what_is_wrong_with_a_folder_at_rest_is_passed_on(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_unchanged(tmp_path / "none", (tmp_path / "none" / "config").read_bytes)
    with pytest.raises(ZeroDivisionError):
        read_unchanged(tmp_path, lambda: 1 // 0)


def test_a_folder_that_is_replaced_at_every_reading_is_refused(tmp_path: Path) -> None:
    replace_folder(tmp_path / "model", "0")
    with pytest.raises(RunError, match="was replaced while it was read"):
        read_unchanged(tmp_path / "model", lambda: replace_folder(tmp_path / "model", "1"))


def test_the_old_folder_comes_back_if_the_new_one_cannot_be_moved_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, rename = tmp_path / "model", Path.rename
    replace_folder(target, "old")

    def refuse(self: Path, to: Path) -> Path:
        if to == target and (self / "config").read_text(encoding="utf-8") == "new":
            raise PermissionError(13, "in use")
        return rename(self, to)

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(RunError, match="in use"):
        replace_folder(target, "new")
    assert (target / "config").read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    target = tmp_path / "a.txt"
    write_text(target, "old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RunError, match=r"The disk is full: .*a.txt could not be written") as caught:
        write_text(target, "new")
    assert "Free some space" in caught.value.hint
    assert target.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="not on this platform: /dev/full")
@pytest.mark.parametrize("method", ["write_parquet", "write_csv"])
def test_a_full_disk_as_polars_reports_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    real = getattr(pl.DataFrame, method)
    monkeypatch.setattr(pl.DataFrame, method, lambda self, _path, **options: real(self, "/dev/full", **options))
    frame = pl.DataFrame({"text": ["x" * 1000] * 10_000})
    with pytest.raises(RunError, match="The disk is full"):
        getattr(atomic, method)(tmp_path / "a", frame)
    assert not list(tmp_path.iterdir())


def test_a_file_in_the_way_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(RunError, match=r"Writing failed .*could not be written"):
        write_text(tmp_path / "file" / "a.txt", "x")
    with pytest.raises(RunError, match=r"Writing failed .*could not be written"):
        write_parquet(tmp_path / "nowhere" / "a.parquet", pl.DataFrame({"a": [1]}))


def test_very_long_names_are_written(tmp_path: Path) -> None:
    name = "ж" * 120 + ".txt"
    write_text(tmp_path / name, "x")
    assert (tmp_path / name).read_text(encoding="utf-8") == "x"


KILLED = """
import sys, time
from labeler.data.writing.atomic import atomic_path
with atomic_path(sys.argv[1]) as path:
    path.write_text("half")
    print("writing", flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_killed_in_the_middle_of_a_write(tmp_path: Path, how: signal.Signals) -> None:
    target = tmp_path / "sub" / "a.txt"
    target.parent.mkdir()
    write_text(target, "old")
    command = [sys.executable, "-c", KILLED, str(target)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        time.sleep(0.05)
        process.send_signal(how)
        process.wait(10)
    assert target.read_text(encoding="utf-8") == "old"
    left = [path for path in tmp_path.rglob("*") if path.name.endswith(TEMPORARY_SUFFIX)]
    assert len(left) == (how == signal.SIGKILL)
    assert remove_leftovers(tmp_path) == len(left)
    assert list(target.parent.iterdir()) == [target]
