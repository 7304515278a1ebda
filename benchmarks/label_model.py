"""Our Snorkel against plain Snorkel, same epochs: ``python benchmarks/label_model.py [ROWS ...]`` (default 1M and 10M).

Votes: 13 sparse rules for one class each and 2 dense voters, 2 classes, int16. Both sides get the same array with
modules imported, and the clock runs from votes in to probabilities of every row out (grouping rows into patterns
included; best of three up to 1M rows). Each side runs in a process of its own; memory is the growth of its resident
peak.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt

from labeler.benchmarks.results import Result, as_text

VOTERS, CLASSES, EPOCHS, BALANCE, SEED = 15, 2, 500, (0.1, 0.9), 7
SPEED_BARS, MEMORY_BAR, DIFFERENCE_BAR = ((10**7, 6.0), (10**6, 3.0)), 0.25, 1e-9


def realistic_votes(n: int) -> npt.NDArray[np.int16]:
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


def plain(votes: npt.NDArray[np.int16]) -> tuple[npt.NDArray[np.float64], float]:
    """Snorkel itself: probabilities and the seconds of `fit`."""
    from snorkel.labeling.model import LabelModel

    start = time.perf_counter()
    model = LabelModel(cardinality=CLASSES, verbose=False)
    model.fit(votes, class_balance=list(BALANCE), n_epochs=EPOCHS, seed=SEED, progress_bar=False)
    fitted = time.perf_counter() - start
    return np.asarray(model.predict_proba(votes)), fitted


def ours(votes: npt.NDArray[np.int16]) -> tuple[npt.NDArray[np.float64], float]:
    """`SnorkelLabelModel` with the same epochs: probabilities and the seconds of grouping and `fit`."""
    from labeler.labeling.patterns import VotePatterns
    from labeler.labeling.snorkel_label_model import SnorkelLabelModel

    start = time.perf_counter()
    table = VotePatterns.from_votes(votes)
    model = SnorkelLabelModel(k=CLASSES, class_balance=BALANCE, n_epochs=EPOCHS, seed=SEED).fit(table)
    fitted = time.perf_counter() - start
    return table.expand(model.predict_proba(table)), fitted


def resident_mb(field: str) -> float:
    """Read VmRSS (now) or VmHWM (peak) of this process, in MB."""
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.startswith(field):
            return int(line.split()[1]) / 1000
    raise ValueError(field)


def measure(side: str, folder: Path) -> None:
    """Child process: run one side, save its probabilities, print its figures as JSON."""
    import scipy.sparse.csgraph  # noqa: F401 - imports are not what is measured
    import snorkel.labeling.model  # noqa: F401

    run = {"plain": plain, "ours": ours}[side]
    run(realistic_votes(1000))  # warm up lazy imports and thread pools
    votes = np.load(folder / "votes.npy")
    Path("/proc/self/clear_refs").write_text("5", "ascii")  # forget the peak so far
    before = resident_mb("VmRSS")
    start = time.perf_counter()
    probs, fitted = run(votes)
    seconds = time.perf_counter() - start
    added = resident_mb("VmHWM") - before
    for _ in range(2 if len(votes) <= 10**6 else 0):  # short runs: best of three
        start = time.perf_counter()
        _, again = run(votes)
        seconds, fitted = min((seconds, fitted), (time.perf_counter() - start, again))
    np.save(folder / f"{side}.npy", probs)
    print(json.dumps({"seconds": seconds, "fit": fitted, "added_mb": added}))


def compare(n: int) -> tuple[dict[str, dict[str, float]], float]:
    """Run both sides on `n` rows: their figures, and the largest difference between their probabilities."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        np.save(folder / "votes.npy", realistic_votes(n))
        figures: dict[str, dict[str, float]] = {}
        for side in ("plain", "ours"):
            child = ["-W", "ignore", "-m", "labeler.benchmarks.label_model", "--side", side, str(folder)]
            command = [sys.executable, *child]
            figures[side] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        left, right = (np.load(folder / f"{side}.npy", mmap_mode="r") for side in ("plain", "ours"))
        difference = max(float(np.abs(left[i : i + 10**6] - right[i : i + 10**6]).max()) for i in range(0, n, 10**6))
    return figures, difference


def measure_label_model(n: int) -> list[Result]:
    """Compare speed, added memory and probabilities on `n` rows; the bar for speed depends on the size."""
    figures, difference = compare(n)
    theirs, ours = figures["plain"], figures["ours"]
    size = f"{n:,} x {VOTERS}"
    seconds = " against ".join(f"{side['seconds']:.2f} (fit {side['fit']:.2f}) s" for side in (ours, theirs))
    memory = f"+{ours['added_mb']:,.0f} against +{theirs['added_mb']:,.0f} MB"
    speed_bar = next((bar for least, bar in SPEED_BARS if n >= least), None)
    speed, added = theirs["seconds"] / ours["seconds"], ours["added_mb"] / theirs["added_mb"]
    return [
        Result("label_model", f"{size}: speed against plain Snorkel", speed, speed_bar, detail=seconds),
        Result("label_model", f"{size}: added memory", added, MEMORY_BAR, False, memory),
        Result("label_model", f"{size}: largest difference", difference, DIFFERENCE_BAR, False),
    ]


if __name__ == "__main__":
    if sys.argv[1:2] == ["--side"]:
        measure(sys.argv[2], Path(sys.argv[3]))
    else:
        for size in [int(argument) for argument in sys.argv[1:]] or [10**6, 10**7]:
            print(as_text(measure_label_model(size)), flush=True)
