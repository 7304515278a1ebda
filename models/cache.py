"""Where models keep files between runs, and how they put them there safely."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..data.errors import ModelError


def cache_root() -> Path:
    """Return the folder for converted models and embeddings.

    ``LABELER_CACHE`` if set, else ``$XDG_CACHE_HOME/labeler``, else ``~/.cache/labeler``. The environment is read
    on every call, so tests and callers may change it.

    Returns
    -------
    Path
        It need not exist yet.
    """
    chosen = os.environ.get("LABELER_CACHE")
    if chosen:
        return Path(chosen).expanduser().absolute()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base).expanduser() if base else Path.home() / ".cache").absolute() / "labeler"


def make_folder(path: Path) -> Path:
    """Create `path` and its parents.

    Raises
    ------
    ModelError
        If it cannot be created; the hint names ``LABELER_CACHE``.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cache_error(path, error) from error
    return path


def cache_error(path: Path, error: OSError) -> ModelError:
    """Describe a cache folder that cannot be written (read-only, full, a file in the way)."""
    return ModelError(
        f"The model cache at {path} cannot be written: {error.strerror or error}.",
        hint="Free some space there, or point LABELER_CACHE at a writable folder.",
    )


@contextmanager
def building(target: Path) -> Iterator[Path]:
    """Give a scratch folder that becomes `target` when the block ends without an error.

    The caller must hold a lock on `target`: whatever a killed builder left beside it is removed first. A folder
    appears under its final name only by a rename, so nobody ever sees half of one.

    Yields
    ------
    Path
        An empty folder on the same file system as `target`.
    """
    for leftover in target.parent.glob(f".{target.name}.tmp-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    scratch = target.parent / f".{target.name}.tmp-{os.getpid()}"
    scratch.mkdir()
    try:
        yield scratch
        _sync(scratch)
        if target.exists():  # present but incomplete, or it would not be rebuilt
            shutil.rmtree(target)
        scratch.rename(target)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _sync(folder: Path) -> None:
    """Flush files to disk before the rename, or a power cut could leave a complete-looking folder of zeros."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
