"""The one lock of files and folders that several processes may want to write."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import LabelerError, RunError


@contextmanager
def file_lock(
    path: Path, *, busy: Callable[[], LabelerError], unusable: Callable[[Exception], LabelerError], timeout: float = 0
) -> Iterator[None]:
    """Hold a lock file for this process alone while the block runs; its folder is made where it is missing.

    The system frees the lock when the process ends, however it ends. The file may stay behind; who removes it does so
    inside the block. Errors of the block itself pass through unchanged.

    Parameters
    ----------
    path : Path
        The lock file; nothing is written into it.
    busy : callable
        Makes the error that is raised if another process, or another place in this one, holds the lock.
    unusable : callable
        Makes the error that is raised if the folder or the file cannot be made or locked, from the reason.
    timeout : float
        Seconds to wait for another holder.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(path, timeout=timeout)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise busy() from None
    except (OSError, NotImplementedError) as error:
        raise unusable(error) from error
    try:
        yield
    finally:
        lock.release()


def not_writable(folder: Path, hint: str) -> Callable[[Exception], RunError]:
    """Return what makes the error for a folder that cannot be written to, from the reason."""
    return lambda error: RunError(f"{folder} cannot be written to ({reason_of(error)}).", hint=hint)


def reason_of(error: Exception) -> str:
    """Return the system's words for an error, without number and path."""
    return getattr(error, "strerror", None) or str(error)
