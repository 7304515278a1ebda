"""How time and memory of `labeler label` grow with the rows, rules only, each size in a process of its own."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path

import numpy as np
import polars as pl

from ...data.runs.directory import RunDirectory
from ..process import Usage, run_labeler
from ..results import Result, available_cores
from ..reviews import write_numbered
from .rules import Rules

FITTED_FROM, SHORT = 10**4, 100
FULL_CHUNKS = 10**6  # rows from which chunks are full and memory should not grow
ROW_BYTES = 4  # the pattern of votes a row shows
EXPONENT_BAR, RATE_BAR, MEMORY_BAR = 1.05, 1e6, 1.2


def measure_growth(texts: pl.Series, rows: int, folder: Path) -> list[Result]:
    """Label 1,000, 10,000, ... `rows` distinct reviews: the texts, cut to 100 characters, each with its number.

    A rule of one class is what is one labeling function elsewhere: an expression, a length, and for each class its
    keywords and its emoji. Their rate is taken from the seconds of voting, in which votes are also written, and from
    those of the whole command.

    Parameters
    ----------
    texts : Series of str
    rows : int
        The largest size, a power of ten from 100,000.
    folder : Path
        For inputs and runs, which are removed one after the other.
    """
    rules = Rules()
    config = folder / "labeler.toml"
    config.write_text(rules.config().dumps(), "utf-8")
    short = texts.str.slice(0, SHORT).unique(maintain_order=True)
    sizes = [10**power for power in range(3, round(math.log10(rows)) + 1)]
    used: dict[int, Usage] = {}
    for n in sizes:
        source, run = folder / "reviews.csv", RunDirectory(folder / "run")
        write_numbered(short, n, source)
        used[n] = run_labeler("label", source, "--config", config, "--run", run.path, cache=folder / "cache")
        stages = json.loads(run.manifest.read_text("utf-8"))["stages"]
        voting = sum(stage["seconds"] for name, stage in stages.items() if name.startswith("votes/"))
        shutil.rmtree(run.path)
    return [
        *(_told(n, usage) for n, usage in used.items()),
        _exponent(used),
        *_rates(rows, rules.of_one_class, voting, used[rows].seconds),
        *_memory(used, len(rules.config().voters)),
    ]


def _told(n: int, used: Usage) -> Result:
    detail = f"{n / used.seconds:,.0f} rows/s, {used.cpu_seconds:.1f} s of CPU, peak {used.peak_mb:,.0f} MB"
    return Result("growth", f"{n:,} rows: seconds", used.seconds, detail=detail)


def _exponent(used: dict[int, Usage]) -> Result:
    """Fit time = constant * rows ** exponent."""
    sizes = [n for n in used if n >= FITTED_FROM]
    seconds = [used[n].seconds for n in sizes]
    exponent = float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])
    last = math.log10(seconds[-1] / seconds[-2])
    what = f"exponent of time in rows, {sizes[0]:,} to {sizes[-1]:,}"
    return Result("growth", what, exponent, EXPONENT_BAR, False, f"{last:.2f} over the last factor of ten")


def _rates(rows: int, rules: int, voting: float, whole: float) -> list[Result]:
    what = f"{rows:,} rows x {rules} rules of one class, per second"
    detail = f"in {{:.0f}} s on {available_cores()} cores; 12 regex, length, keywords and emoji for each class"
    return [
        Result("growth", f"{what} of voting", rows * rules / voting, RATE_BAR, detail=detail.format(voting)),
        Result("growth", f"{what} of the whole command", rows * rules / whole, detail=detail.format(whole)),
    ]


def _memory(used: dict[int, Usage], voters: int) -> list[Result]:
    """Compare the peaks of the two largest sizes, less the votes, which are an array of bytes a voter, held twice."""
    small, large = sorted(used)[-2:]
    mine, more = (used[n].peak_mb - n * (2 * voters + ROW_BYTES) / 1e6 for n in (small, large))
    bar = MEMORY_BAR if small >= FULL_CHUNKS else None
    detail = f"{more:,.0f} against {mine:,.0f} MB; a row more takes "
    detail += f"{(used[large].peak_mb - used[small].peak_mb) * 1e6 / (large - small):.0f} bytes"
    what = f"memory beside the votes, {large:,} / {small:,} rows"
    return [Result("growth", what, more / mine, bar, False, detail)]
