"""Only a complete checkpoint of the same fit is resumed; the rest is removed and said."""

from __future__ import annotations

from pathlib import Path

import pytest

from labeler.models.training.fit.checkpoints import KEPT, last_checkpoint, mark_complete, remove_checkpoints


def write(folder: Path, step: int, *, key: str = "key", complete: bool = True) -> Path:
    path = folder / f"checkpoint-{step}"
    path.mkdir(parents=True)
    for name in ("model.safetensors", "optimizer.pt", "trainer_state.json"):
        (path / name).write_bytes(b"0123456789" * step)
    if complete:
        mark_complete(path, key=key, loss_sum=step / 3)
    return path


def test_the_newest_is_found_with_what_its_marker_says(tmp_path: Path, said: list[str]) -> None:
    write(tmp_path, 9)
    write(tmp_path, 10)
    found = last_checkpoint(tmp_path, key="key")
    assert found is not None
    assert (found.step, found.path.name, found.loss_sum) == (10, "checkpoint-10", 10 / 3)
    assert said == []


def test_only_the_last_ones_are_kept(tmp_path: Path) -> None:
    for step in range(1, 6):
        write(tmp_path, step)
    assert len(list(tmp_path.iterdir())) == 2 * KEPT


@pytest.mark.parametrize("name", ["model.safetensors", "optimizer.pt", "trainer_state.json"])
def test_a_truncated_file_means_the_one_before(tmp_path: Path, said: list[str], name: str) -> None:
    write(tmp_path, 1)
    newest = write(tmp_path, 2)
    (newest / name).write_bytes(b"0123")
    found = last_checkpoint(tmp_path, key="key")
    assert found is not None
    assert found.step == 1
    assert said == [f"checkpoint-2 is damaged and is removed: {newest}."]
    assert not newest.exists()


def test_a_missing_file_means_the_one_before(tmp_path: Path, said: list[str]) -> None:
    write(tmp_path, 1)
    (write(tmp_path, 2) / "optimizer.pt").unlink()
    found = last_checkpoint(tmp_path, key="key")
    assert found is not None
    assert found.step == 1


@pytest.mark.parametrize("marker", [None, b"", b"{", b"[]", b'{"key": "key"}', b"\xff"])
def test_an_unreadable_marker_means_an_incomplete_checkpoint(
    tmp_path: Path, said: list[str], marker: bytes | None
) -> None:
    path = write(tmp_path, 3, complete=False)
    if marker is not None:
        (tmp_path / "checkpoint-3.json").write_bytes(marker)
    assert last_checkpoint(tmp_path, key="key") is None
    assert said == [f"checkpoint-3 is incomplete and is removed: {path}."]
    assert list(tmp_path.iterdir()) == []


def test_another_fits_checkpoint_is_removed(tmp_path: Path, said: list[str]) -> None:
    write(tmp_path, 1, key="other")
    assert last_checkpoint(tmp_path, key="key") is None
    assert "belongs to other data or settings" in said[0]
    assert list(tmp_path.iterdir()) == []


def test_no_folder_means_no_checkpoint(tmp_path: Path, said: list[str]) -> None:
    assert last_checkpoint(tmp_path / "none", key="key") is None
    remove_checkpoints(tmp_path / "none")
    assert said == []


def test_removing_leaves_what_is_not_ours(tmp_path: Path) -> None:
    write(tmp_path, 1)
    (tmp_path / "notes.txt").write_text("mine")
    remove_checkpoints(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
    (tmp_path / "notes.txt").unlink()
    remove_checkpoints(tmp_path)
    assert not tmp_path.exists()
