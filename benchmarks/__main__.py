"""Measure labeler against its peers: ``python -m labeler.benchmarks REVIEWS.csv`` (``make bench``).

Every comparison is with a peer measured in the same run, by turns or in processes of its own, and stands beside its
bar. ``--write`` also puts the tables into benchmarks/RESULTS.md; sections that were not chosen stay there as they are.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from .page import as_markdown, merged_page
from .process import converted_cache
from .results import Result, as_text, machine
from .reviews import read_reviews
from .sections.dawid_skene import measure_dawid_skene
from .sections.embedding import measure_embedding
from .sections.full_run import measure_full_run
from .sections.growth import measure_growth
from .sections.label_model import measure_label_model
from .sections.predict import measure_predict
from .sections.rules import measure_rules
from .sections.shares import measure_shares
from .sections.startup import measure_startup
from .sections.training import measure_training

SECTIONS = (
    "rules",
    "label_model",
    "dawid_skene",
    "embedding",
    "train",
    "predict",
    "run",
    "startup",
    "growth",
    "shares",
)
RESULTS = Path(__file__).with_name("RESULTS.md")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the chosen sections and say which bars were missed."""
    options = _parse(arguments)
    warnings.filterwarnings("ignore", module="snorkel|pandas|torch|sentence_transformers")
    missed, parts = [], {}
    for name in options.section or SECTIONS:
        notes, started = [f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC", *machine()], time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            file, texts, told = read_reviews(options.reviews, Path(folder))
            results = _sections(file, texts, options.rows, Path(folder))[name]()
        notes += [f"Reviews: {told}", f"Took {time.perf_counter() - started:.0f} s"]
        print("\n".join([f"\n{name}", as_text(results), *notes]), flush=True)
        parts[name] = as_markdown(results, notes)
        missed += [f"{name}: {result.what}" for result in results if result.met is False]
    if options.write:
        page = RESULTS.read_text("utf-8") if RESULTS.exists() else ""
        RESULTS.write_text(merged_page(page, parts, SECTIONS), "utf-8")
        print(f"\nwritten to {RESULTS}")
    print("\nEvery bar is met." if not missed else "\nMISSED: " + "; ".join(missed))
    return 0


def _sections(file: Path, texts: pl.Series, rows: int, folder: Path) -> dict[str, Callable[[], list[Result]]]:
    return {
        "rules": lambda: measure_rules(texts),
        "label_model": measure_label_model,
        "dawid_skene": measure_dawid_skene,
        "embedding": lambda: measure_embedding(texts),
        "train": lambda: measure_training(texts, folder),
        "predict": lambda: measure_predict(texts, folder),
        "run": lambda: measure_full_run(file, converted_cache(folder / "cache"), folder),
        "startup": lambda: measure_startup(texts, folder),
        "growth": lambda: measure_growth(texts, rows, folder),
        "shares": measure_shares,
    }


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m labeler.benchmarks", description=__doc__)
    parser.add_argument("reviews", type=Path, metavar="REVIEWS.csv")
    parser.add_argument("--rows", type=int, default=10**6, help="largest size of the section growth, a power of ten")
    parser.add_argument("--section", action="append", choices=SECTIONS, help="run only this; may be repeated")
    parser.add_argument("--write", action="store_true", help=f"write {RESULTS.name} as well")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
