"""`PartitionedDataset`: all the rows in parts, and never half of them as if they were all."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import fsspec
import polars as pl
import pytest
from fsspec.implementations.local import LocalFileSystem
from fsspec.implementations.memory import MemoryFile, MemoryFileSystem

from labeler.data.errors import ConfigError, RunError
from labeler.data.writing.partitioned import open_dataset


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "labels.parquet"
    pl.DataFrame({"id": [str(i) for i in range(10)], "label": ["a", None] * 5, "votes": ["x=a"] * 10}).write_parquet(
        path
    )
    return path


@pytest.fixture(params=["{}/out/labels", "file://{}/out/labels", "memory://bucket/labels"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    yield request.param.format(tmp_path)
    memory = MemoryFileSystem()
    if memory.exists("/bucket"):
        memory.rm("/bucket", recursive=True)


def contents(url: str) -> dict[str, bytes]:
    dataset = open_dataset(url)
    found: dict[str, bytes] = dataset.files.cat(f"{dataset.path}/*")
    return {name.rpartition("/")[2]: data for name, data in sorted(found.items())}


@pytest.mark.parametrize(("shard_rows", "parts"), [(3, 4), (5, 2), (10, 1), (100, 1)])
def test_parts_together_are_the_table(place: str, table: Path, shard_rows: int, parts: int) -> None:
    assert open_dataset(place).write(table, shard_rows=shard_rows) == parts
    found = contents(place)
    assert list(found) == ["_SUCCESS", *(f"part-{number:05d}.parquet" for number in range(parts))]
    frames = [pl.read_parquet(data) for name, data in found.items() if name != "_SUCCESS"]
    assert pl.concat(frames).equals(pl.read_parquet(table))
    assert {len(frame) for frame in frames[:-1]} <= {shard_rows}


def test_a_table_without_rows_keeps_its_schema(place: str, table: Path) -> None:
    empty = pl.read_parquet(table).clear()
    empty.write_parquet(table)
    assert open_dataset(place).write(table) == 1
    assert pl.read_parquet(contents(place)["part-00000.parquet"]).schema == empty.schema


def test_fewer_rows_leave_no_older_part(place: str, table: Path) -> None:
    open_dataset(place).write(table, shard_rows=2)
    open_dataset(place).write(table, shard_rows=5)
    assert list(contents(place)) == ["_SUCCESS", "part-00000.parquet", "part-00001.parquet"]


def test_parts_of_another_program_stay(place: str, table: Path) -> None:
    dataset = open_dataset(place)
    dataset.write(table)
    dataset.files.pipe_file(f"{dataset.path}/part-00007.parquet", table.read_bytes())
    with pytest.raises(RunError, match=r"holds 'part-00007\.parquet', which is no part"):
        open_dataset(place)


class Bucket(MemoryFileSystem):  # type: ignore[misc]  # fsspec is not typed
    """As object storage: one bucket, no folders, and none may be made."""

    protocol = "bucket"
    root_marker = ""
    store: ClassVar[dict[str, Any]] = {}
    pseudo_dirs: ClassVar[list[str]] = [""]

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return path.removeprefix("bucket://").strip("/")

    def makedirs(self, path: str, exist_ok: bool = False) -> None:
        raise AssertionError("a bucket was made")

    def pipe_file(self, path: str, value: bytes, **kwargs: Any) -> None:
        if not path.startswith("shop/"):
            raise FileNotFoundError("The specified bucket does not exist")
        self.store[path] = MemoryFile(self, path, value)


def test_object_storage_has_no_folders(table: Path) -> None:
    fsspec.register_implementation("bucket", Bucket, clobber=True)
    assert open_dataset("bucket://shop/labels").write(table, shard_rows=5) == 2
    assert list(contents("bucket://shop/labels")) == ["_SUCCESS", "part-00000.parquet", "part-00001.parquet"]
    with pytest.raises(RunError, match="The specified bucket does not exist"):
        open_dataset("bucket://shpo/labels").write(table)


@pytest.mark.parametrize("fails_at", range(5))
def test_what_was_interrupted_does_not_look_complete(
    place: str, table: Path, fails_at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = open_dataset(place)
    whole.write(table, shard_rows=2)
    left = fails_at

    def failing(path: str, value: bytes) -> None:
        nonlocal left
        if not left:
            raise OSError(28, "No space left on device")
        left -= 1
        whole.files.__class__.pipe_file(whole.files, path, value)

    with monkeypatch.context() as patch:
        patch.setattr(whole.files, "pipe_file", failing)
        with pytest.raises(RunError, match="No space left on device") as caught:
            whole.write(table, shard_rows=2)
    assert place in str(caught.value)
    assert "_SUCCESS" not in contents(place)
    whole.write(table, shard_rows=2)
    assert "_SUCCESS" in contents(place)


@pytest.mark.parametrize("name", ["notes.txt", "part-0.parquet", "part-00000.parquet.bak", "_SUCCESS.old"])
def test_what_is_there_of_others_is_never_touched(place: str, table: Path, name: str) -> None:
    dataset = open_dataset(place)
    dataset.write(table)
    dataset.files.pipe_file(f"{dataset.path}/{name}", b"mine")
    with pytest.raises(RunError, match=f"holds '{name}'"):
        open_dataset(place)


def test_a_file_is_no_place(table: Path) -> None:
    with pytest.raises(RunError, match="is a file"):
        open_dataset(str(table))


@pytest.mark.parametrize(("url", "package"), [("s3://b/labels", "s3fs"), ("gs://b/labels", "gcsfs")])
def test_a_missing_package_is_named(url: str, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ConfigError, match="cannot be written") as caught:
        open_dataset(url)
    assert caught.value.hint == f"pip install {package}"


def test_an_unknown_kind_of_url_is_said() -> None:
    with pytest.raises(RunError, match="nonsense://labels cannot be written"):
        open_dataset("nonsense://labels")


def test_a_place_that_may_not_be_reached_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **kwargs: Any) -> None:
        raise PermissionError("Access Denied")

    monkeypatch.setattr(LocalFileSystem, "exists", refuse)
    with pytest.raises(RunError, match=r"cannot be written \(PermissionError: Access Denied\)"):
        open_dataset(str(tmp_path / "x"))
