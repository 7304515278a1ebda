"""Rows of a file that is not finished: chunks in a hidden folder beside it, which outlive a kill."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from ...errors import RunError
from ...progress import status
from ..atomic import remove_leftovers, remove_path, temporary_beside, write_json, write_parquet
from ..lock import file_lock, not_writable

_ORIGIN = "origin.json"
_MAX_NAME = 60


@dataclass(frozen=True)
class Journal:
    """The chunks written so far, one Parquet file each.

    Parameters
    ----------
    folder : Path
        Where they are; locked for this process.
    """

    folder: Path

    @property
    def chunks(self) -> list[Path]:
        """The chunks, in the order they were written."""
        return sorted(self.folder.glob("part-*.parquet"))

    def append(self, chunk: pl.DataFrame) -> None:
        """Store a chunk; it is on disk, whole, when this returns.

        Raises
        ------
        RunError
            If it cannot be written.
        """
        last = next((int(path.stem.removeprefix("part-")) for path in reversed(self.chunks)), 0)
        write_parquet(self.folder / f"part-{last + 1:08d}.parquet", chunk)

    def clear(self) -> None:
        """Remove all chunks."""
        for chunk in self.chunks:
            chunk.unlink()

    def start(self, origin: Mapping[str, object], *, name: str) -> None:
        """Keep the chunks if they have the same `origin`, else remove them with a status message."""
        if self.chunks and self._origin() != origin:
            status(
                f"{name}: the rows of an interrupted run are dropped, because they come from another model or settings"
            )
            self.clear()
        write_json(self.folder / _ORIGIN, origin)

    def _origin(self) -> object:
        try:
            return json.loads((self.folder / _ORIGIN).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None


@contextmanager
def open_journal(target: Path) -> Iterator[Journal]:
    """Hold the journal of `target` for this process alone; when it ends without chunks, its folder goes too.

    Raises
    ------
    RunError
        If another process (or another place in this one) writes `target`, or its folder cannot be written to.
    """
    folder = journal_folder(target)
    journal = Journal(folder)
    busy = RunError(
        f"{target} is being written by another process.", hint="Wait until it ends, or choose another --output."
    )
    unusable = not_writable(target.parent, "Choose another folder with --output.")
    with file_lock(folder / "lock", busy=lambda: busy, unusable=unusable):
        try:
            remove_leftovers(folder)
            yield journal
        finally:
            if not journal.chunks:
                _remove(folder)


def journal_folder(target: Path) -> Path:
    """Name the hidden folder beside `target`; long names are cut, since a name may have 255 bytes only."""
    name = target.name
    if len(name) > _MAX_NAME:
        digest = hashlib.blake2b(name.encode("utf-8", "surrogateescape"), digest_size=6).hexdigest()
        name = f"{name[:_MAX_NAME]}~{digest}"
    return target.with_name(f".{name}.partial")


def _remove(folder: Path) -> None:
    """Remove the folder under another name: a process that starts meanwhile makes its own and loses nothing."""
    with suppress(OSError):
        remove_path(folder.rename(temporary_beside(folder)))
