"""Writing files so that a reader sees the old content or the new one, never half of it."""

from __future__ import annotations

import errno
import glob
import json
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import polars as pl

from ..errors import RunError
from ..text.escaping import escape_formulas
from ..text.plain_values import plain
from .ownership import before_replacing

TEMPORARY_SUFFIX = ".labeler-tmp"
"""Ending of temporary names; what a killed process leaves behind is found by it."""

T = TypeVar("T")

_MAX_NAME = 40  # characters of a name that a temporary one begins with
_MAX_READS = 5
_PAUSE = 0.02  # seconds; between the two renames of a replacement there is no folder


@contextmanager
def atomic_path(target: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `target` that becomes `target` when the block ends well.

    The file is flushed to disk before it is renamed. After any exception, Ctrl-C included, it is removed and the old
    `target` stays. A folder may be built in the same way; it replaces an older one. In a run, what the program did not
    write is moved aside before it would be replaced (see `ownership`).

    Raises
    ------
    RunError
        If the disk is full or the place cannot be written to.
    """
    target = Path(target)
    temporary = temporary_beside(target)
    try:
        with explaining_failures(target):
            yield temporary
            _flush(temporary)
            before_replacing(target, temporary)
            if temporary.is_dir() and target.exists():
                _replace_folder(target, temporary)
            else:
                temporary.replace(target)
            _flush(target.parent)
    finally:
        remove_path(temporary)


def _replace_folder(target: Path, temporary: Path) -> None:
    """Move the old folder, or a file in its place, aside and the new one in: no reader finds half of either."""
    aside = temporary_beside(target)
    target.rename(aside)
    try:
        temporary.rename(target)
    except OSError:
        aside.rename(target)
        raise
    remove_path(aside)


def read_unchanged(folder: Path, read: Callable[[], T]) -> T:
    """Call ``read()``, and again if the folder was replaced meanwhile: files of two versions do not belong together.

    Parameters
    ----------
    folder : Path
        As `atomic_path` replaces it.
    read : callable
        Reads several of its files.

    Returns
    -------
    T
        What `read` returned from one version of the folder.

    Raises
    ------
    RunError
        If the folder is replaced again and again. What `read` raises of an unchanged folder is passed on.
    """
    for _ in range(_MAX_READS):
        before = _version(folder)
        try:
            result = read()
        except Exception:
            if before is not None and _version(folder) == before:
                raise
        else:
            if _version(folder) == before:
                return result
        time.sleep(_PAUSE)
    if before is None:
        return read()  # it is not there: its error says what was expected
    raise RunError(f"{folder} was replaced while it was read, {_MAX_READS} times.", hint="Wait for the other program.")


def _version(folder: Path) -> tuple[int, ...] | None:
    """Return what a replaced folder has different from its successor; None if there is no folder."""
    try:
        found = folder.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_mtime_ns


def temporary_beside(target: Path) -> Path:
    """Name a file or folder that `remove_leftovers` finds if it stays behind."""
    # Not the whole name: a temporary one must not exceed the 255 bytes a file name may have.
    return target.with_name(f".{target.name[:_MAX_NAME]}.{secrets.token_hex(4)}{TEMPORARY_SUFFIX}")


def remove_leftovers(folder: Path) -> int:
    """Delete the temporary files and folders that killed processes left anywhere below `folder`; count them."""
    leftovers = [path for path in folder.rglob(f".*{TEMPORARY_SUFFIX}") if path.name.startswith(".")]
    for path in leftovers:
        remove_path(path)
    return len(leftovers)


def remove_leftovers_of(target: Path) -> None:
    """Delete what killed processes left beside `target` under temporary names; those of long names are ambiguous."""
    if len(target.name) <= _MAX_NAME:
        for path in target.parent.glob(f".{glob.escape(target.name)}.????????{TEMPORARY_SUFFIX}"):
            remove_path(path)


def write_text(target: str | Path, text: str) -> None:
    r"""Write `text` as UTF-8, line ends as they are, atomically; halves of surrogate pairs become ``\udcff``.

    Such halves stand for the bytes of a file name that is no text.
    """
    with atomic_path(target) as path:
        path.write_bytes(text.encode("utf-8", "backslashreplace"))


def write_json(target: str | Path, value: Any) -> None:
    """Write `value` as indented JSON, atomically; NaN and infinity, which JSON lacks, become null."""
    write_text(target, json.dumps(plain(value), ensure_ascii=False, indent=2, allow_nan=False) + "\n")


def write_jsonl(target: str | Path, frame: pl.DataFrame) -> None:
    """Write one JSON object per row, atomically."""
    with atomic_path(target) as path, path.open("wb") as file:
        frame.write_ndjson(file)


def write_parquet(target: str | Path, frame: pl.DataFrame, *, metadata: Mapping[str, str] | None = None) -> None:
    """Write a Parquet file, atomically; `metadata` goes into its footer."""
    with atomic_path(target) as path:
        frame.write_parquet(path, metadata=dict(metadata) if metadata else None)


def write_csv(target: str | Path, frame: pl.DataFrame) -> None:
    """Write a CSV for spreadsheets, atomically: UTF-8 with byte order mark, `escape_formulas` applied.

    Programs should read the Parquet file, which holds the values unchanged.
    """
    with atomic_path(target) as path:
        escape_formulas(frame).write_csv(path, include_bom=True)


@contextmanager
def explaining_failures(target: Path) -> Iterator[None]:
    """Turn errors of writing into a `RunError` that names what was to be written."""
    try:
        yield
    except (OSError, pl.exceptions.ComputeError) as error:
        # Polars reports the system's errors only as text.
        full = _is_errno(error, errno.ENOSPC) or _is_errno(error, errno.EDQUOT)
        reason = getattr(error, "strerror", None) or str(error).split("\n", 1)[0]
        if not isinstance(error, OSError) and "os error" not in str(error):
            raise
        what = "The disk is full" if full else f"Writing failed ({reason})"
        hint = "Free some space and run it again." if full else "Choose a place you can write to."
        raise RunError(f"{what}: {target} could not be written.", hint=hint) from error


def _is_errno(error: Exception, number: int) -> bool:
    return getattr(error, "errno", None) == number or f"(os error {number})" in str(error)


def _flush(path: Path) -> None:
    """Ask the system to put a file, or the files of a folder, on disk."""
    if path.is_dir():
        for inner in path.rglob("*") if path.name.endswith(TEMPORARY_SUFFIX) else ():
            _flush(inner)
        if os.name == "nt":  # Windows cannot open folders
            return
    handle = os.open(path, os.O_RDONLY if os.name != "nt" else os.O_RDWR)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network file systems have no fsync for folders
            raise
    finally:
        os.close(handle)


def remove_path(path: Path) -> None:
    """Remove a file or folder, as far as possible."""
    with suppress(OSError):  # cleaning up must not hide the error that led here
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
