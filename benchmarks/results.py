"""What a benchmark measured, beside its bar, and on which machine."""

from __future__ import annotations

import math
import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

PACKAGES = ("labeler", "snorkel", "sentence-transformers", "torch", "transformers", "polars", "pandas", "numpy")


@dataclass(frozen=True)
class Result:
    """One measured figure.

    Parameters
    ----------
    section : str
        The part of the benchmark it belongs to.
    what : str
        What was compared with what.
    value : float
        A ratio, a cosine or a difference; NaN where the peer is missing, and `detail` says why.
    bar : float, optional
        What it is held to; None for a figure that is only told.
    at_least : bool
        Whether `value` must reach the bar or stay below it.
    detail : str
        The absolute figures behind it.
    """

    section: str
    what: str
    value: float
    bar: float | None = None
    at_least: bool = True
    detail: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the bar is met; None without one, or without a value."""
        if self.bar is None or math.isnan(self.value):
            return None
        return self.value >= self.bar if self.at_least else self.value <= self.bar

    @property
    def cells(self) -> tuple[str, str, str, str, str]:
        """What, value, bar, whether it is met, and the details, as text."""
        bar = "" if self.bar is None else f"{'>=' if self.at_least else '<='} {_figure(self.bar)}"
        met = {True: "met", False: "MISSED", None: ""}[self.met]
        return self.what, _figure(self.value), bar, met, self.detail


def machine() -> list[str]:
    """Describe processor, cores, memory, load and versions, one line each."""
    cpu = next((line.split(":")[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), "?")
    flags = next((line.split() for line in _lines("/proc/cpuinfo") if line.startswith("flags")), [])
    units = [flag for flag in ("avx2", "avx512f", "avx512_bf16", "amx_bf16") if flag in flags]
    return [
        f"CPU: {cpu} ({platform.machine()}; {', '.join(units) or 'no vector units listed'}), {available_cores()} cores",
        f"Memory: {available_gb():.0f} GB available. Load average before: {os.getloadavg()[0]:.1f}",
        f"Python {platform.python_version()}, " + ", ".join(f"{name} {version(name)}" for name in PACKAGES),
    ]


def available_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def available_gb() -> float:
    """Return the memory that is free for new processes, in GB; infinite where the system does not say."""
    kilobytes = [line.split()[1] for line in _lines("/proc/meminfo") if line.startswith("MemAvailable")]
    return int(kilobytes[0]) / 1e6 if kilobytes else float("inf")


def as_text(results: Sequence[Result]) -> str:
    """Lay the results of one section out for a terminal."""
    width = max((len(result.what) for result in results), default=0)
    rows = (result.cells for result in results)
    return "\n".join(f"  {what:{width}} {value:>9}  {bar:11}{met:7} {detail}" for what, value, bar, met, detail in rows)


def _figure(value: float) -> str:
    if math.isnan(value):
        return "-"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.1e}" if 0 < value < 1e-3 else f"{value:.5g}" if 0.99 < value < 1 else f"{value:.3g}"


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text("utf-8", errors="replace").splitlines()
    except OSError:
        return []
