"""Which files of a run the program wrote: only those are replaced or removed, the user's own and edited ones are kept.

A run is marked by the hidden file ``.labeler``, which has a line for everything that was ever written into it under a
name of the program: content digest and name. It is written before the file gets its name, so a killed process leaves
nothing that looks foreign.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from itertools import chain, count
from pathlib import Path

from ..digests import file_digest
from ..progress import status

MARKER = ".labeler"
"""Name of the record in a run."""

KEPT = "kept"
"""Folder in a run for what was in the way and was not the program's."""

OWN_NAMES = frozenset(
    "config.toml manifest.json corpus.parquet rejected.jsonl votes label_model.parquet labels.parquet labels.csv "
    "lf_summary.csv summary.json gold.parquet relabelled.csv refined.csv model models training.json history.jsonl "
    "predictions predict_rejected.jsonl sampled.parquet metrics.json report.html report.md".split()
)
"""Files and folders that the program writes into a run."""

_GROUPS = ("votes", "models", "predictions")  # folders of results, each recorded by itself
_DEPTH = 2  # how far below a run its results are


def is_run(folder: Path) -> bool:
    """Whether a folder is marked as a run."""
    return (folder / MARKER).is_file()


def mark_run(folder: Path, digests: Iterable[str] = ()) -> None:
    """Mark a folder as a run, in which contents of these digests are the program's."""
    with (folder / MARKER).open("a", encoding="utf-8") as file:
        file.writelines(f"{digest}\n" for digest in digests)


def before_replacing(target: Path, new: Path) -> None:
    """Record that `new` will get the name `target`, if that is in a run; move aside what is not the program's there."""
    run = run_of(target)
    if run is None:
        return
    if not _is_ours(target, run):
        set_aside(target, run)
    with (run / MARKER).open("a", encoding="utf-8") as file:
        file.write(f"{file_digest(new).digest}  {target.relative_to(run).as_posix()}\n")


def discard(path: Path) -> None:
    """Remove a file or folder of a run that the program wrote; move aside what it did not write.

    Raises
    ------
    OSError
        If that fails.
    """
    run = run_of(path)
    if path.name in _GROUPS and path.is_dir():
        for inner in path.iterdir():
            discard(inner)
    elif run is not None and not _is_ours(path, run):
        set_aside(path, run)
    elif path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def set_aside(path: Path, run: Path, why: str = "is not as labeler wrote it") -> None:
    """Move a file or folder of a run into its folder `KEPT`, with a status message.

    Raises
    ------
    OSError
        If that fails.
    """
    if not path.exists():
        return
    wanted = run / KEPT / path.relative_to(run)
    wanted.parent.mkdir(parents=True, exist_ok=True)
    status(f"{path} {why}: it is kept as {move_to_free_name(path, wanted)}")


def move_to_free_name(path: Path, wanted: Path) -> Path:
    """Rename a file or folder to `wanted`, or with a number where that is taken; return its new name.

    Raises
    ------
    OSError
        If that fails.
    """
    others = (wanted.with_name(f"{wanted.stem}-{number}{wanted.suffix}") for number in count(2))
    free = next(name for name in chain([wanted], others) if not name.exists())
    return path.rename(free)


def run_of(path: Path) -> Path | None:
    """Find the run in which `path` is a name of the program's; None if there is none."""
    run = next((folder for folder in [*path.parents][:_DEPTH] if is_run(folder)), None)
    if run is None:
        return None
    parts = path.relative_to(run).parts
    hidden = any(part.startswith(".") for part in parts)  # where the program works: nothing there is a result
    return run if parts[0] in OWN_NAMES and not hidden else None


def run_file(folder: Path, path: Path) -> str | None:
    """Name the file or folder of the program in a run that `path` is, or is in; None if it is something else.

    Links and names in other case are followed.
    """
    places = [place for place in (path, *path.resolve().parents) if place.exists()]
    for name in OWN_NAMES if is_run(folder) else ():
        own = folder / name
        if own.exists() and any(place.samefile(own) for place in places):
            return name
    return None


def _is_ours(path: Path, run: Path) -> bool:
    if not path.exists():
        return True
    digests = {line.partition(" ")[0].strip() for line in (run / MARKER).read_text(encoding="utf-8").splitlines()}
    return file_digest(path).digest in digests
