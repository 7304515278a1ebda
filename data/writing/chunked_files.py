"""Tables written chunk by chunk and never whole in memory; a reader sees the old file or all of the new one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import polars as pl

from ..text.escaping import escape_formulas
from .atomic import atomic_path, explaining_failures, remove_path, temporary_beside, write_parquet

CHUNK_ROWS = 100_000
"""Rows that are written at once."""

_CHUNK_BYTES = 1 << 25


class ChunkedParquet:
    """A Parquet file in the making, and a context manager that clears up after it.

    Chunks are written to a folder beside the file; `save` joins them, and without it nothing changes. A single chunk
    stays in memory until then.

    Parameters
    ----------
    target : Path
        The file.

    Attributes
    ----------
    rows : int
        Rows written so far.
    """

    def __init__(self, target: Path) -> None:
        self.rows = 0
        self._target = target
        self._folder = temporary_beside(target)
        self._held: list[pl.DataFrame] = []
        self._written: list[Path] = []

    def write(self, chunk: pl.DataFrame) -> None:
        """Add rows; all chunks have the same columns of the same types.

        Raises
        ------
        RunError
            If the disk is full or the place cannot be written to.
        """
        self.rows += len(chunk)
        self._held.append(chunk)
        full = sum(map(len, self._held)) >= CHUNK_ROWS
        if full or sum(held.estimated_size() for held in self._held) > _CHUNK_BYTES:
            self._write_held()

    def save(self, *, metadata: Mapping[str, str] | None = None) -> None:
        """Make the file of all rows, of which there is at least one chunk; `metadata` goes into its footer.

        Raises
        ------
        RunError
            As `write`; the old file then stays.
        """
        if not self._written:
            write_parquet(self._target, pl.concat(self._held), metadata=metadata)
            return
        if self._held:
            self._write_held()
        with atomic_path(self._target) as path:
            size = -(-self.rows // len(self._written))  # as the chunks have: they are small where rows are huge
            scan = pl.scan_parquet(self._written, glob=False, hive_partitioning=False)
            scan.sink_parquet(path, row_group_size=size, metadata=dict(metadata) if metadata else None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        remove_path(self._folder)

    def _write_held(self) -> None:
        chunk = self._folder / f"{len(self._written):08d}.parquet"
        with explaining_failures(self._target):
            self._folder.mkdir(exist_ok=True)
            pl.concat(self._held).write_parquet(chunk, compression="lz4")
        self._written.append(chunk)
        self._held.clear()


@contextmanager
def writing_csv(target: Path) -> Iterator[Callable[[pl.DataFrame], None]]:
    """Yield what writes the next rows of a CSV for spreadsheets; see `write_csv`. At least one chunk is needed.

    Raises
    ------
    RunError
        If it cannot be written.
    """
    with atomic_path(target) as path, path.open("wb") as file:
        yield lambda chunk: escape_formulas(chunk).write_csv(
            file, include_bom=file.tell() == 0, include_header=file.tell() == 0
        )


@contextmanager
def writing_jsonl(target: Path) -> Iterator[Callable[[pl.DataFrame], None]]:
    """Yield what writes the next rows of a file of one JSON object per row; without rows the file is removed.

    Raises
    ------
    RunError
        If it cannot be written.
    """
    rows = 0
    with atomic_path(target) as path, path.open("wb") as file:

        def write(chunk: pl.DataFrame) -> None:
            nonlocal rows
            rows += len(chunk)
            chunk.write_ndjson(file)

        yield write
    if not rows:
        target.unlink(missing_ok=True)
