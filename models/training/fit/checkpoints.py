"""Checkpoints of a fit: which of them may be resumed.

A checkpoint is the folder ``checkpoint-STEP`` that the Trainer of transformers writes, and beside it, written last,
its completion marker ``checkpoint-STEP.json`` with the fit's key and the folder's digest. Without a matching marker
it is incomplete or damaged.
"""

from __future__ import annotations

import json
import re
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ....data.digests import file_digest
from ....data.progress import status
from ....data.writing.atomic import remove_leftovers, write_json

KEPT = 2
"""Checkpoints that stay: the last, and the one before in case the last is damaged."""

_NAME = re.compile(r"checkpoint-(\d+)")


@dataclass(frozen=True)
class Checkpoint:
    """A complete checkpoint.

    Parameters
    ----------
    path : Path
        The Trainer's folder.
    loss_sum : float
        Training losses of all steps so far, summed.
    """

    path: Path
    loss_sum: float

    @property
    def step(self) -> int:
        """How many steps had been made."""
        return _step(self.path)


def mark_complete(path: Path, *, key: str, loss_sum: float) -> None:
    """Mark a checkpoint as complete, and remove all but the last `KEPT`.

    Raises
    ------
    RunError
        If the marker cannot be written.
    """
    marker = {"key": key, "digest": file_digest(path).digest, "loss_sum": loss_sum}
    write_json(_marker_path(path), marker)
    for older in _folders(path.parent)[KEPT:]:
        remove_checkpoint(older)


def last_checkpoint(folder: Path, *, key: str) -> Checkpoint | None:
    """Find the newest complete checkpoint of a fit, and remove those that cannot be used.

    Parameters
    ----------
    folder : Path
        Where the checkpoints are; it need not exist.
    key : str
        Identifies the fit; checkpoints of another are never resumed.

    Returns
    -------
    Checkpoint or None
    """
    remove_leftovers(folder)
    for path in _folders(folder):
        try:
            marker: dict[str, Any] = json.loads(_marker_path(path).read_text(encoding="utf-8"))
            found, digest, loss_sum = str(marker["key"]), str(marker["digest"]), float(marker["loss_sum"])
        except (OSError, ValueError, TypeError, KeyError):
            status(f"{path.name} is incomplete and is removed: {path}.")
        else:
            if found != key:
                status(f"{path.name} belongs to other data or settings and is removed: {path}.")
            elif file_digest(path).digest != digest:
                status(f"{path.name} is damaged and is removed: {path}.")
            else:
                return Checkpoint(path, loss_sum)
        remove_checkpoint(path)
    return None


def remove_checkpoint(path: Path) -> None:
    """Remove a checkpoint and its marker; what cannot be removed stays."""
    with suppress(OSError):
        _marker_path(path).unlink()  # first: half a folder must not look complete
    shutil.rmtree(path, ignore_errors=True)


def remove_checkpoints(folder: Path) -> None:
    """Remove all checkpoints in a folder, and the folder if nothing else is in it."""
    for path in _folders(folder):
        remove_checkpoint(path)
    with suppress(OSError):
        folder.rmdir()


def _folders(folder: Path) -> list[Path]:
    """Return the checkpoints, newest first."""
    found = [path for path in folder.glob("checkpoint-*") if _NAME.fullmatch(path.name) and path.is_dir()]
    return sorted(found, key=_step, reverse=True)


def _step(path: Path) -> int:
    return int(path.name.rpartition("-")[2])


def _marker_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.json")
