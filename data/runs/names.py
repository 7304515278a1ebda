"""The default name of a run, the run that was labelled last, and names of files in it."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from contextlib import suppress
from pathlib import Path

from ..errors import RunError
from ..progress import status
from ..writing.atomic import TEMPORARY_SUFFIX
from ..writing.ownership import is_run

RUNS = Path("runs")
"""Where runs are that were not placed elsewhere."""

LATEST = RUNS / "latest"
"""Link to the run that was labelled last; a file with its path where links are not allowed."""

_ENDINGS = re.compile(r"(\.(csv|tsv|tab|txt|jsonl|ndjson|json|parquet|pq|xlsx|gz))+$", re.IGNORECASE)
_MAX_NAME = 60
_PLAIN_NAME = re.compile(r"[a-z0-9_][a-z0-9_-]{0,59}")
_RESERVED = re.compile(r"con|prn|aux|nul|com\d|lpt\d")  # Windows devices


def default_run(source: str | None, task: str) -> Path:
    """Name the run of an input: after its file, folder, pattern or URL, or after the task of the bundled sample.

    Parameters
    ----------
    source : str or None
        As for `open_stream`; None for the bundled sample.
    task : str
        The task's name.
    """
    if source == "-":
        return RUNS / "stdin"
    place = task if source is None else source.partition("://")[2] or str(Path(source).absolute())
    parts = (_ENDINGS.sub("", part) for part in reversed(re.split(r"[\\/]", os.path.normpath(place))))
    names = (re.sub(r"[^\w.-]+", "_", part)[:_MAX_NAME].strip("._-") for part in parts)
    name = next(filter(None, names), "run")
    taken = name.lower() == LATEST.name or _RESERVED.fullmatch(name.lower())
    return RUNS / (f"{name}_run" if taken else name)


def latest_run() -> Path:
    """Find the run that was labelled last.

    Raises
    ------
    RunError
        If there is none.
    """
    run = find_latest()
    if run is None:
        gone = f": {_target()} is gone" if _target() else ""
        raise RunError(
            f"No run was named, and none was labelled last here{gone}.",
            hint="Label reviews with `labeler label`, or name a run with --run.",
        )
    return run


def find_latest() -> Path | None:
    """Find the run that was labelled last, if it is still there."""
    run = _target()
    return run if run is not None and run.is_dir() else None


def set_latest(run: Path) -> None:
    """Let commands that name no run use this one; notes where that is not possible."""
    if run.absolute() == LATEST.absolute():
        return
    old = _target()
    if old is not None and (old == LATEST or (old.exists() and not is_run(old))):
        status(f"{LATEST} is not a link that labeler made: rename it, or give --run {run} to other commands")
        return
    try:
        target = os.path.relpath(run, RUNS)
    except ValueError:  # another drive
        target = str(run.absolute())
    temporary = LATEST.with_name(f".{LATEST.name}.{secrets.token_hex(4)}{TEMPORARY_SUFFIX}")
    with suppress(OSError):  # only a convenience: this folder may be read-only
        RUNS.mkdir(exist_ok=True)
        try:
            temporary.symlink_to(target, target_is_directory=True)
        except (OSError, NotImplementedError):  # Windows allows links to some users only
            temporary.write_text(f"{target}\n", encoding="utf-8")
        temporary.replace(LATEST)


def _target() -> Path | None:
    """Follow `LATEST`: a link, a file with a path, or a run of an earlier version, which was itself called so."""
    try:
        target = LATEST.readlink() if LATEST.is_symlink() else LATEST.read_text(encoding="utf-8").strip()
        return Path(os.path.normpath(RUNS / target))
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        return LATEST


def safe_file_name(name: str) -> str:
    """Turn any name into a file name that is safe everywhere and differs for different names.

    Simple lower-case names stay; others keep what letters they can and get a digest.
    """
    if _PLAIN_NAME.fullmatch(name) and not _RESERVED.fullmatch(name):
        return name
    letters = "".join(char if char.isalnum() else "_" for char in name)[:30]
    return f"{letters}~{hashlib.blake2b(name.encode('utf-8', 'surrogatepass'), digest_size=6).hexdigest()}"
