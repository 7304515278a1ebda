"""Labels as a partitioned Parquet dataset: in a folder, or in the object storage that a cluster reads."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from ..errors import RunError
from ..reading.files.remote import explaining_remote

SHARD_ROWS = 250_000
"""Rows of a shard: tens of megabytes, one task of a cluster."""

_COMPLETE = "_SUCCESS"
_MARK = "labeler_labels"
_OWN = re.compile(rf"part-\d{{5}}\.parquet|{_COMPLETE}")


@dataclass(frozen=True)
class PartitionedDataset:
    """Files ``part-00000.parquet`` ... of one schema, and ``_SUCCESS`` beside them once all are there.

    Parameters
    ----------
    url : str
        How the user named the place.
    files : fsspec.AbstractFileSystem
        Where it is.
    path : str
        The folder there.
    """

    url: str
    files: Any
    path: str

    def write(self, table: Path, *, shard_rows: int = SHARD_ROWS) -> int:
        """Replace the dataset by the rows of a Parquet file, in their order; one shard is in memory at a time.

        Parameters
        ----------
        table : Path
        shard_rows : int
            Rows of a shard.

        Returns
        -------
        int
            The number of shards, at least one.

        Raises
        ------
        RunError
            If a shard cannot be written: what is there then lacks ``_SUCCESS``.
        """
        rows = pl.scan_parquet(table, glob=False, hive_partitioning=False)
        starts = range(0, max(rows.select(pl.len()).collect().item(), 1), shard_rows)
        with explaining_remote(self.url, "cannot be written", RunError):
            if Path(self.path).is_absolute():  # a bucket has no folders, and one of a wrong name must not be made
                self.files.makedirs(self.path, exist_ok=True)
            old = self._names()
            self._remove(old & {_COMPLETE})
            shards = [f"part-{number:05d}.parquet" for number in range(len(starts))]
            for name, start in zip(shards, starts, strict=True):
                self._put(name, rows.slice(start, shard_rows).collect())
            self._remove(old - {*shards, _COMPLETE})
            self.files.touch(f"{self.path}/{_COMPLETE}")
        return len(shards)

    def _is_ours(self, name: str) -> bool:
        """Whether labeler wrote a file: other programs name their shards so too."""
        if not _OWN.fullmatch(name) or name == _COMPLETE:
            return name == _COMPLETE
        try:
            with self.files.open(f"{self.path}/{name}", "rb") as file:
                return _MARK in pl.read_parquet_metadata(file)
        except pl.exceptions.PolarsError:
            return False

    def _put(self, name: str, frame: pl.DataFrame) -> None:
        content = io.BytesIO()
        frame.write_parquet(content, metadata={_MARK: ""})
        with self.files.transaction:  # a local file appears whole too, as an object does
            self.files.pipe_file(f"{self.path}/{name}", content.getvalue())

    def _remove(self, names: set[str]) -> None:
        for name in sorted(names):
            self.files.rm_file(f"{self.path}/{name}")

    def _names(self) -> set[str]:
        self.files.invalidate_cache()
        if not self.files.exists(self.path):
            return set()
        return {str(name).rstrip("/").rpartition("/")[2] for name in self.files.ls(self.path, detail=False)}


def open_dataset(url: str) -> PartitionedDataset:
    """Find the place for a dataset, before long work is done for it.

    Parameters
    ----------
    url : str
        A folder, or a URL that fsspec understands; it need not exist.

    Raises
    ------
    ConfigError
        If a package for this kind of URL is missing.
    RunError
        If it cannot be reached, or holds anything but such a dataset.
    """
    from fsspec.core import url_to_fs

    with explaining_remote(url, "cannot be written", RunError):
        dataset = PartitionedDataset(url, *url_to_fs(url))
        if dataset.files.isfile(dataset.path):
            raise RunError(f"{url} is a file.", hint="Name a folder for the dataset.")
        foreign = [name for name in sorted(dataset._names()) if not dataset._is_ours(name)]
    if foreign:
        raise RunError(
            f"{url} holds '{foreign[0]}', which is no part of a dataset that labeler wrote.",
            hint="Name an empty place.",
        )
    return dataset
