"""Where models keep files between runs."""

from __future__ import annotations

import os
from pathlib import Path

from ..data.errors import ModelError
from ..data.writing.lock import reason_of


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


def cache_error(path: Path, error: Exception) -> ModelError:
    """Describe a cache folder that cannot be written (read-only, full, a file in the way)."""
    return ModelError(
        f"The model cache at {path} cannot be written: {reason_of(error)}.",
        hint="Free some space there, or point LABELER_CACHE at a writable folder.",
    )
