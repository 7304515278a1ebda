"""A small first run: a thousand reviews, nothing cached."""

from __future__ import annotations

import statistics
from pathlib import Path

import polars as pl

from .process import Usage, converted_cache, run_labeler
from .results import Result
from .rules import Rules

ROWS, ROUNDS, SEED = 1_000, 3, 7
RULES_BAR, EMBEDDED_BAR = 2.0, 12.0


def measure_startup(texts: pl.Series, folder: Path) -> list[Result]:
    """Time `labeler label` with rules only, and with the preset on the embedded model, converted beforehand."""
    chosen = texts.unique(maintain_order=True).sample(ROWS, seed=SEED)
    source, config = folder / "reviews.csv", folder / "rules.toml"
    pl.DataFrame({"id": range(len(chosen)), "text": chosen}).write_csv(source)
    config.write_text(Rules().config().dumps(), "utf-8")

    def label(name: str, cache: Path, *options: str | Path) -> Usage:
        return run_labeler("label", source, "--run", folder / name, *options, cache=cache)

    rules = [label(f"rules-{i}", folder / f"cache-{i}", "--config", config) for i in range(ROUNDS)]
    converted = converted_cache(folder / "cache")
    model = label("model", converted, "--preset", "kaspi-sentiment", "--models", "embedded")
    seconds = [used.seconds for used in rules]
    told = f"{ROUNDS} rounds: {min(seconds):.2f} to {max(seconds):.2f}, peak {rules[0].peak_mb:.0f} MB"
    peak = f"one round, peak {model.peak_mb:.0f} MB"
    return [
        Result("startup", f"{ROWS:,} rows, rules only: seconds", statistics.median(seconds), RULES_BAR, False, told),
        Result("startup", f"{ROWS:,} rows, embedded model: seconds", model.seconds, EMBEDDED_BAR, False, peak),
    ]
