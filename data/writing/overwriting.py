"""No command writes over a file that it reads."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from ..errors import ConfigError
from ..reading.files.locations import find_files, is_url
from ..reading.frames import TableSource
from .ownership import run_file, run_of

_HINTS = {"--gold": "Copy the rows you corrected to a file with columns id and label, and give that."}


def refuse_run_files(run: Path, given: Mapping[str, TableSource]) -> None:
    """Refuse input files that labeler wrote into the run it works on: they will be written over.

    Parameters
    ----------
    run : Path
    given : Mapping of str to str, Path, table in memory, or None
        Inputs, by the name of their argument or option.

    Raises
    ------
    ConfigError
        If one of them is such a file.
    InputError
        If one is a folder without any table.
    """
    for option, source in given.items():
        for path in local_files(source):
            if run_file(run, path):
                raise ConfigError(
                    f"{option} {path} is a file of the run {run} itself.",
                    hint=_HINTS.get(option, "Copy it to another place, or name another run with --run."),
                )


def refuse_in_place(source: TableSource, output: str | Path) -> None:
    """Refuse an output that is one of the input files: rows that cannot be used would be lost.

    Raises
    ------
    ConfigError
        If it is.
    InputError
        If the input is a folder without any table.
    """
    place = Path(output)
    if str(output) != "-" and place.exists() and any(os.path.samestat(place.stat(), other) for other in _stats(source)):
        raise ConfigError(
            f"{output} is an input file too: rows that cannot be used would be lost.",
            hint="Write to another file with --output.",
        )


def refuse_run_output(option: str, output: str | Path | None) -> None:
    """Refuse to write what belongs to the user under a name that labeler uses in a run: it would be replaced there.

    None is a place of the program's own choice.

    Raises
    ------
    ConfigError
        If the place is so.
    """
    run = None if output is None or is_url(output) else run_of(Path(output).resolve())
    if run:
        raise ConfigError(
            f"{option} {output} is a name that labeler uses in the run {run}.", hint="Choose another name or folder."
        )


def local_files(source: TableSource) -> list[Path]:
    """List the files of this machine that an input names; none for standard input, URLs and tables in memory."""
    if not isinstance(source, str | Path) or str(source) == "-" or is_url(source):
        return []
    return find_files(source) or [Path(source)]


def _stats(source: TableSource) -> Iterable[os.stat_result]:
    if isinstance(source, str | Path) and str(source) == "-":
        try:
            yield os.fstat(sys.stdin.fileno())
        except (OSError, ValueError, AttributeError):  # closed, or not a file of the system
            return
    for path in local_files(source):
        if path.exists():
            yield path.stat()
