"""Two ways to combine the same votes, each in a process of its own with modules imported and thread pools warm.

The clock runs from votes in to probabilities of every row out, grouping rows into patterns included; best of three up
to a million rows. Memory is the growth of the resident peak.
"""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from .process import resident_mb

Votes = npt.NDArray[np.int16]
Probs = npt.NDArray[np.float64]
Figures = dict[str, float]
Side = Callable[[Votes], tuple[Probs, Figures]]

VOTERS, CLASSES, BALANCE, SEED = 15, 2, (0.1, 0.9), 7
_BLOCK = 10**6


def realistic_votes(n: int) -> Votes:
    """Draw votes of 13 sparse unipolar rules and 2 dense voters, shape (n, 15)."""
    rng = np.random.default_rng(SEED)
    truth = (rng.random(n) < BALANCE[1]).astype(np.int16)
    votes = np.full((n, VOTERS), -1, np.int16)
    for voter in range(VOTERS - 2):
        rate = rng.uniform(0.01, 0.15)
        fires = rng.random(n) < np.where(truth == voter % CLASSES, rate, 0.15 * rate)
        votes[fires, voter] = voter % CLASSES
    for voter in (VOTERS - 2, VOTERS - 1):
        votes[:, voter] = np.where(rng.random(n) < 0.85, truth, 1 - truth)
    return votes


def compare(theirs: Side, ours: Side, n: int) -> tuple[Figures, Figures, float, float]:
    """Run both sides on `n` rows.

    Parameters
    ----------
    theirs, ours : callable
        Functions of a module of this package, from votes (n, 15) to probabilities (n, 2) and figures to be told.
    n : int
        Number of rows.

    Returns
    -------
    (dict, dict, float, float)
        Each side's figures with ``seconds`` and ``added_mb``; the largest difference between their probabilities;
        the share of rows with the same likeliest class.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        np.save(folder / "votes.npy", realistic_votes(n))
        figures = [_in_own_process(side, folder, str(i)) for i, side in enumerate((theirs, ours))]
        left, right = (np.load(folder / f"{i}.npy", mmap_mode="r") for i in range(2))
        blocks = [slice(start, start + _BLOCK) for start in range(0, n, _BLOCK)]
        difference = max(float(np.abs(left[block] - right[block]).max()) for block in blocks)
        same = sum(int((left[block].argmax(axis=1) == right[block].argmax(axis=1)).sum()) for block in blocks)
    return figures[0], figures[1], difference, same / n


def _in_own_process(side: Side, folder: Path, name: str) -> Figures:
    command = [sys.executable, "-W", "ignore", "-m", __name__, side.__module__, side.__name__, str(folder), name]
    figures: Figures = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    return figures


def _measure(side: Side, folder: Path, name: str) -> Figures:
    """Run one side, save its probabilities, and return its figures."""
    side(realistic_votes(1000))  # imports and thread pools are not what is measured
    votes = np.load(folder / "votes.npy")
    Path("/proc/self/clear_refs").write_text("5", "ascii")  # forget the peak so far
    before, start = resident_mb("VmRSS"), time.perf_counter()
    probs, figures = side(votes)
    seconds = time.perf_counter() - start
    added = resident_mb("VmHWM") - before
    for _ in range(2 if len(votes) <= 10**6 else 0):  # short runs: best of three
        start = time.perf_counter()
        _, again = side(votes)
        seconds, figures = min((seconds, figures), (time.perf_counter() - start, again), key=lambda run: run[0])
    np.save(folder / f"{name}.npy", probs)
    return {"seconds": seconds, "added_mb": added, **figures}


if __name__ == "__main__":
    module, function, place, file = sys.argv[1:]
    print(json.dumps(_measure(getattr(importlib.import_module(module), function), Path(place), file)))
