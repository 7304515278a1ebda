"""A small first run: a thousand reviews, nothing cached."""

from __future__ import annotations

import statistics
from pathlib import Path

import polars as pl

from ...config import Task
from ..process import Usage, converted_cache, run_labeler
from ..results import Result
from .rules import Rules

ROWS, ROUNDS, SEED = 1_000, 3, 7
RULES_BAR, EMBEDDED_BAR = 2.0, 12.0


def measure_startup(texts: pl.Series, folder: Path) -> list[Result]:
    """Time `labeler label` with the preset's rules, with many rules, and with the preset on the embedded model.

    Rules that are fewer than three are combined by Dawid-Skene, more by Snorkel's label model, which needs torch. The
    embedded model is converted beforehand.
    """
    distinct = texts.unique(maintain_order=True)
    chosen = distinct.sample(min(ROWS, len(distinct)), seed=SEED)
    source, rules = folder / "reviews.csv", Rules()
    pl.DataFrame({"id": range(len(chosen)), "text": chosen}).write_csv(source)
    few = tuple(voter for voter in rules.preset.voters if voter.kind in ("keyword", "emoji"))
    configs = {"2": rules.preset.model_copy(update={"voters": few}), "15": rules.config()}
    results = [_rules_only(f"{name} rules", config, source, folder / name) for name, config in configs.items()]
    preset = ("--preset", "kaspi-sentiment", "--models", "embedded")
    model = run_labeler("label", source, "--run", folder / "run", *preset, cache=converted_cache(folder / "cache"))
    return [*results, _result("embedded model", [model], EMBEDDED_BAR)]


def _rules_only(name: str, config: Task, source: Path, folder: Path) -> Result:
    """Run several times, each with a cache and a run directory of its own."""
    folder.mkdir()
    file = folder / "labeler.toml"
    file.write_text(config.dumps(), "utf-8")
    used = [
        run_labeler("label", source, "--config", file, "--run", folder / f"run-{i}", cache=folder / f"cache-{i}")
        for i in range(ROUNDS)
    ]
    return _result(name, used, RULES_BAR)


def _result(name: str, used: list[Usage], bar: float) -> Result:
    seconds = [usage.seconds for usage in used]
    detail = f"{min(seconds):.2f} to {max(seconds):.2f} s in {len(used)} rounds, "
    detail += f"{statistics.median(usage.cpu_seconds for usage in used):.2f} s of CPU, peak {used[-1].peak_mb:.0f} MB"
    return Result("startup", f"{ROWS:,} rows, {name}: seconds", statistics.median(seconds), bar, False, detail)
