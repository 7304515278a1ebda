"""What code of the user's reads while it runs, as Python's audit events tell (PEP 578)."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from ...data.digests import file_digest
from ...data.runs.manifest import stage_key

_FILES = frozenset({"open", "os.listdir", "os.scandir"})
_UNKNOWN = {
    "socket.connect": "it uses the network",
    "socket.getaddrinfo": "it uses the network",
    "socket.sendto": "it uses the network",
    "subprocess.Popen": "it runs other programs",
    "os.system": "it runs other programs",
    "os.posix_spawn": "it runs other programs",
    "os.exec": "it runs other programs",
    "sqlite3.connect": "it reads a database",
}
_IMPORTS = ("<frozen importlib", "<frozen zipimport")  # files of these frames are modules of installed packages
_OF_THE_SYSTEM = ("/proc/", "/sys/")  # packages look there for the processor; it is never the same twice


@dataclass
class Reads:
    """What was read.

    Parameters
    ----------
    files : dict of str to str
        Absolute path -> digest of a file's content or of a folder's names; "" where there was nothing.
    unknown : set of str
        Why it cannot be known later whether the same would be read again; empty if it can.
    """

    files: dict[str, str] = field(default_factory=dict)
    unknown: set[str] = field(default_factory=set)


_recording: list[Reads | None] = []


@contextmanager
def recording(reads: Reads | None) -> Iterator[None]:
    """Add to `reads` what is read in the block; with None, leave it out of all."""
    _install()
    _recording.append(reads)
    try:
        yield
    finally:
        _recording.pop()
        if reads is not None:
            for path in [path for path, digest in reads.files.items() if not digest]:
                _digest_or_doubt(path, reads)


def unchanged(files: Mapping[str, str]) -> bool:
    """Whether files and folders still are as their digests say."""
    with suppress(ValueError):
        return all(_digest(path) == digest for path, digest in files.items())
    return False


def _digest_or_doubt(path: str, reads: Reads) -> None:
    try:
        reads.files[path] = _digest(path)
    except ValueError as error:
        del reads.files[path]
        reads.unknown.add(str(error))


def _digest(path: str) -> str:
    """Digest a file's content or the names in a folder; "" if it is not there.

    Raises
    ------
    ValueError
        If it is neither, such as a pipe.
    """
    try:
        status = Path(path).stat()
        if stat.S_ISDIR(status.st_mode):
            return stage_key(names=sorted(os.listdir(path)))  # noqa: PTH208 - names are wanted
        if not stat.S_ISREG(status.st_mode):
            raise ValueError(f"it reads {path}")
        return _content(path, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    except OSError:
        return ""


@lru_cache(maxsize=4096)
def _content(path: str, *status: int) -> str:
    """Digest a file once for each state of it."""
    return file_digest(Path(path)).digest


@cache
def _install() -> None:
    """Add the hook, once: it cannot be removed."""
    sys.addaudithook(_record)


def _record(event: str, args: tuple[Any, ...]) -> None:
    reads = _recording[-1] if _recording else None
    if reads is None:
        return
    if event in _FILES:
        if sys._getframe(1).f_code.co_filename.startswith(_IMPORTS) or (event == "open" and _writes(*args[1:])):
            return
        with suppress(TypeError, ValueError, OSError):  # not a path: a file that is open already
            path = os.path.abspath(os.fsdecode(args[0] if args[0] is not None else "."))  # noqa: PTH100 - not resolved
            if not path.startswith(_OF_THE_SYSTEM):
                reads.files.setdefault(path, "")
    elif event in _UNKNOWN:
        reads.unknown.add(_UNKNOWN[event])


def _writes(mode: str | None, flags: int) -> bool:
    return flags & (os.O_WRONLY | os.O_RDWR) == os.O_WRONLY
