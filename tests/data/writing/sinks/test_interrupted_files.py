"""Files of predictions after kills, full disks and other processes: whole, and each row once."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from labeler.data.errors import RunError
from labeler.data.writing import atomic
from labeler.data.writing.atomic import TEMPORARY_SUFFIX
from labeler.data.writing.sinks.journal import journal_folder
from labeler.data.writing.sinks.open_sink import open_sink
from labeler.data.writing.sinks.sink import Written

from .conftest import interrupt, read, store_file
from .predictions import predicted

pytestmark = pytest.mark.usefixtures("no_waiting_for_the_disk")


def test_rows_of_another_model_are_dropped_aloud(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    interrupt(path, predicted(["a", "b"]), key="old model")
    written, said = store_file(path, predicted(["a"]), key="new model")
    assert written.rows_new == 1
    assert said == [
        "a.csv: the rows of an interrupted run are dropped, because they come from another model or settings"
    ]
    assert read(path)["id"].to_list() == ["a"]


def test_an_interrupted_forced_run_is_continued_by_a_forced_one_only(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    store_file(path, predicted(["a", "b"]))
    interrupt(path, predicted(["a"]), force=True)
    assert store_file(path, predicted(["a", "b"]), force=True)[0] == Written(1, 1, str(path))
    interrupt(path, predicted(["a"]), force=True)
    written, said = store_file(path, predicted(["a", "b", "c"]))
    assert written == Written(1, 2, str(path))
    assert "dropped" in said[0]
    assert read(path)["id"].to_list() == ["a", "b", "c"]


def test_parts_with_other_columns_or_damage_are_dropped_aloud(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    interrupt(path, predicted(["a", "b"]), predicted(["c"]))
    first, second = sorted(journal_folder(path).glob("part-*"))
    predicted(["c"], more=["x"]).write_parquet(second)
    written, said = store_file(path, predicted(["a", "b", "c"]))
    assert written == Written(1, 2, str(path))
    assert said[0] == "a.csv: 1 rows of an interrupted run are dropped, their columns differ"
    interrupt(path, predicted(["d"]))
    next(journal_folder(path).glob("part-*")).write_bytes(b"damage")
    assert store_file(path, predicted(["d"]))[0].rows_new == 1
    assert sorted(read(path)["id"]) == ["a", "b", "c", "d"]
    assert first.exists() is False


def test_killed_between_replacing_the_file_and_removing_the_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.csv"
    with monkeypatch.context() as patch:
        patch.setattr("labeler.data.writing.sinks.journal.Journal.clear", lambda journal: None)
        store_file(path, predicted(["a", "b"]))
    assert list(journal_folder(path).glob("part-*"))
    assert store_file(path, predicted(["a", "b", "c"]))[0] == Written(1, 2, str(path))
    assert read(path)["id"].to_list() == ["a", "b", "c"]
    assert list(tmp_path.iterdir()) == [path]


WRITER = """
import os, sys, signal
from pathlib import Path
sys.path.insert(0, sys.argv[3])
import polars as pl
from predictions import predicted
from labeler.data.writing import atomic
from labeler.data.writing.sinks.open_sink import open_sink

where, path = sys.argv[1], Path(sys.argv[2])
flush, replace, chunks = atomic._flush, Path.replace, 0

def die_in_flush(target):
    beginning = {"part": ".part-00000003", "merge": ".a."}.get(where, "nothing")
    if target.name.startswith(beginning) and target.is_file():
        os.truncate(target, os.path.getsize(target) // 2)
        os.kill(os.getpid(), signal.SIGKILL)
    flush(target)

atomic._flush = die_in_flush
with open_sink(path, key="k") as sink:
    for start in range(0, 50, 10):
        if where == "between" and start == 30:
            os.kill(os.getpid(), signal.SIGKILL)
        chunk = predicted([f"r{number}" for number in range(start, start + 10)])
        sink.write(chunk.filter(~sink.known(chunk["id"])))
    if where == "wait":
        print("ready", flush=True)
        sys.stdin.read()
    sink.finish()
"""


def writer(where: str, path: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, where, str(path), str(Path(__file__).parent)]
    environment = {**os.environ, "POLARS_MAX_THREADS": "1"}
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, env=environment, text=True)


@pytest.mark.parametrize(
    ("where", "rows", "name"),
    [("part", 20, "a.csv"), ("between", 30, "a.parquet"), ("merge", 50, "a.jsonl.gz"), ("merge", 50, "a.csv")],
)
def test_kill_9_and_running_again_gives_each_row_once(tmp_path: Path, where: str, rows: int, name: str) -> None:
    chunks = [predicted([f"r{number}" for number in range(start, start + 10)]) for start in range(0, 50, 10)]
    (tmp_path / "whole").mkdir()
    store_file(tmp_path / "whole" / name, *chunks)
    path = tmp_path / name
    with writer(where, path) as process:
        _, errors = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL, errors
    assert not path.exists()
    written, _ = store_file(path, *chunks)
    assert written == Written(50 - rows, rows, str(path))
    assert path.read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert sorted(item.name for item in tmp_path.iterdir()) == [name, "whole"]


def test_two_processes_cannot_write_one_file(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    with writer("wait", path) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        with pytest.raises(RunError, match=r"a.csv is being written by another process") as caught:
            store_file(path, predicted(["a"]))
        assert "--output" in caught.value.hint
        process.communicate("", timeout=60)
    assert process.returncode == 0
    assert len(read(path)) == 50
    with open_sink(path, key="k"), pytest.raises(RunError, match="is being written"):
        store_file(path, predicted(["a"]))


def test_a_full_disk_leaves_the_old_file_and_the_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.csv"
    store_file(path, predicted(["a"]))
    before = path.read_bytes()
    flush = atomic._flush

    def full(target: Path) -> None:
        if target.name.startswith(".a.csv") and target.is_file():
            raise OSError(errno.ENOSPC, "No space left on device")
        flush(target)

    with monkeypatch.context() as patch:
        patch.setattr(atomic, "_flush", full)
        with pytest.raises(RunError, match=r"The disk is full: .*a.csv could not be written"):
            store_file(path, predicted(["a", "b"]))
    assert path.read_bytes() == before
    assert store_file(path, predicted(["a", "b"]))[0] == Written(0, 2, str(path))
    assert read(path)["id"].to_list() == ["a", "b"]


@pytest.mark.parametrize("name", ["a.csv", "a.parquet"])
def test_a_disk_that_fills_up_while_rows_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def full(self: pl.DataFrame, *args: object, **options: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    store_file(tmp_path / name, predicted(["a"]))
    before = (tmp_path / name).read_bytes()
    monkeypatch.setattr(pl.DataFrame, "write_parquet", full)
    with pytest.raises(RunError, match="The disk is full"):
        store_file(tmp_path / name, predicted(["b"]))
    assert (tmp_path / name).read_bytes() == before
    assert [item.name for item in tmp_path.iterdir()] == [name]


@pytest.fixture
def as_ordinary_user() -> Iterator[Path]:
    """Make a folder and, for root, become somebody whom permissions stop."""
    root = os.geteuid() == 0
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o777)
        if root:
            os.seteuid(65534)
        try:
            (folder := Path(name) / "mine").mkdir()
            yield folder
        finally:
            if root:
                os.seteuid(0)
            folder.chmod(0o700)


def test_a_read_only_folder(as_ordinary_user: Path) -> None:
    path = as_ordinary_user / "a.csv"
    store_file(path, predicted(["a"]))
    before = path.read_bytes()
    as_ordinary_user.chmod(0o555)
    with pytest.raises(RunError, match=r"cannot be written to .Permission denied") as caught:
        store_file(path, predicted(["b"]))
    assert "--output" in caught.value.hint
    assert path.read_bytes() == before


def test_only_its_own_leftovers_are_removed(tmp_path: Path) -> None:
    own, other = f".a.csv.{'0' * 8}{TEMPORARY_SUFFIX}", f".a.csv.gz.{'0' * 8}{TEMPORARY_SUFFIX}"
    (tmp_path / own).touch()
    (tmp_path / other).touch()
    store_file(tmp_path / "a.csv", predicted(["a"]))
    assert sorted(item.name for item in tmp_path.iterdir()) == [other, "a.csv"]
