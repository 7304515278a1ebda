"""Work in processes of its own: how long it takes and how much memory it needs at most.

``python -m labeler.benchmarks.process ARGUMENTS`` is the command line that prints its peak when it ends. The peak is
`VmHWM`, not `getrusage`: that one begins with what the process held that started this one.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Usage:
    """What a process needed: wall seconds, start included, those of all cores together, and resident MB at its peak."""

    seconds: float
    cpu_seconds: float
    peak_mb: float


def run_labeler(*arguments: str | Path, cache: Path | None = None) -> Usage:
    """Run the command line in a process of its own; what it prints is shown only if it fails.

    Parameters
    ----------
    *arguments : str or Path
        As in a shell, without the program's name.
    cache : Path, optional
        Folder for converted models and embeddings instead of the user's own.

    Raises
    ------
    RuntimeError
        If it fails.
    """
    environment = dict(os.environ) if cache is None else {**os.environ, "LABELER_CACHE": str(cache)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # what is installed has its byte code
    command = [sys.executable, "-m", "labeler.benchmarks.process", *map(str, arguments)]
    start, worked = time.perf_counter(), _cpu_seconds()
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    seconds, worked = time.perf_counter() - start, _cpu_seconds() - worked
    if done.returncode:
        raise RuntimeError(f"labeler {' '.join(command[3:])} ended with {done.returncode}:\n{done.stderr}")
    return Usage(seconds, worked, float(done.stdout.splitlines()[-1]))


def _cpu_seconds() -> float:
    """Return what all finished child processes worked: on a busy machine it says more than the clock."""
    times = os.times()
    return times.children_user + times.children_system


def converted_cache(folder: Path) -> Path:
    """Make a cache that holds the converted embedded model and nothing else, and return it."""
    convert = "from labeler.models.loading.resolve import resolve_model; resolve_model('embedded')"
    subprocess.run([sys.executable, "-c", convert], env={**os.environ, "LABELER_CACHE": str(folder)}, check=True)
    return folder


def resident_mb(field: str) -> float:
    """Read VmRSS (now) or VmHWM (peak) of this process, in MB; Linux only."""
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.startswith(field):
            return int(line.split()[1]) / 1000
    raise ValueError(field)


if __name__ == "__main__":
    from labeler.cli import main

    try:
        main()
    finally:
        print(resident_mb("VmHWM"))
