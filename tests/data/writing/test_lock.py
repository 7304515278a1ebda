"""A lock is held by one at a time, and says in the caller's words what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from labeler.data.errors import LabelerError, RunError
from labeler.data.writing.lock import file_lock, reason_of


def unusable(error: Exception) -> LabelerError:
    return RunError(f"cannot be used ({reason_of(error)})")


def test_a_lock_is_held_by_one_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "lock"
    busy = RunError("in use")
    for _ in range(2):
        with file_lock(path, busy=lambda: busy, unusable=unusable):
            with pytest.raises(RunError, match="in use"), file_lock(path, busy=lambda: busy, unusable=unusable):
                pass
            path.unlink(missing_ok=True)


def test_errors_of_the_block_pass_through(tmp_path: Path) -> None:
    with (
        pytest.raises(OSError, match="disk"),
        file_lock(tmp_path / "lock", busy=lambda: RunError("in use"), unusable=unusable),
    ):
        raise OSError("disk")


def test_a_place_that_cannot_be_made_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(RunError, match=r"cannot be used \(Not a directory|File exists"),
        file_lock(tmp_path / "file" / "lock", busy=lambda: RunError("in use"), unusable=unusable),
    ):
        pass
