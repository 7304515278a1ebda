"""Prediction against a plain transformers pipeline, and its memory from ten thousand rows to a million."""

from __future__ import annotations

import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from ...models.end_model.build import build_classifier
from ...models.end_model.load import load_end_model
from ...models.end_model.record import Head
from ...models.loading.device import choose_compute
from ...models.loading.resolve import resolve_model
from ...models.training.fit.batches import Examples
from ...models.training.fit.fitting import fit_classifier
from ...models.training.fit.losses import SoftLoss
from ...models.training.fit.schedule import Schedule
from ..process import run_labeler
from ..results import Result
from ..reviews import write_numbered

SPEED_BAR, SAME_BAR, GROWTH_BAR = 8.0, 0.995, 1.25
TEXTS, ROUNDS, TRAINED, SEED = 1_000, 3, 1_500, 7
SIZES = (10_000, 1_000_000)


def measure_predict(texts: pl.Series, folder: Path) -> list[Result]:
    """Compare speed and labels with a pipeline over the same folder, then memory over growing files."""
    distinct = texts.unique(maintain_order=True).sample(fraction=1, shuffle=True, seed=SEED)
    model = _trained(distinct.head(TRAINED).to_list(), folder / "embedded", head="linear", pooling="cls")
    return [*_against_pipeline(distinct.tail(TEXTS).to_list(), model), *_memory(distinct, folder)]


def _against_pipeline(texts: list[str], folder: Path) -> list[Result]:
    """Take turns over the same distinct texts; the median ratio counts."""
    from transformers import pipeline

    ours = load_end_model(folder)
    theirs: Any = pipeline("text-classification", model=str(folder))
    for text in texts[:20]:  # warm up
        theirs(text, truncation=True, max_length=ours.record.max_length)
    ours.predict_proba(texts)
    seconds = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        expected = [theirs(text, truncation=True, max_length=ours.record.max_length)[0]["label"] for text in texts]
        middle = time.perf_counter()
        probs = ours.predict_proba(texts)
        seconds.append((middle - start, time.perf_counter() - middle))
    found = [ours.labels.names[i] for i in probs.argmax(axis=1)]
    slow, fast = (statistics.median(side) for side in zip(*seconds, strict=True))
    ratio = statistics.median(theirs / mine for theirs, mine in seconds)
    detail = f"{len(texts) / fast:.0f} against {len(texts) / slow:.0f} texts/s, {ROUNDS} rounds"
    same = float(np.mean([a == b for a, b in zip(found, expected, strict=True)]))
    return [
        Result("predict", "speed against a loop over pipeline(text)", ratio, SPEED_BAR, True, detail),
        Result("predict", "same labels", same, SAME_BAR, True, f"{len(texts):,} reviews"),
    ]


def _memory(texts: pl.Series, folder: Path) -> list[Result]:
    """Compare the peak memory of `labeler predict` on a short and a long file; a model without encoder is fast."""
    model = _trained(texts.head(TRAINED).to_list(), folder / "run" / "model", head="lstm", pooling="auto")
    source, output, used = folder / "reviews.csv", folder / "out.csv", []
    for rows in SIZES:
        write_numbered(texts, rows, source)
        used.append(run_labeler("predict", source, "--run", model.parent, "--output", output))
        output.unlink()
    short, long = used
    detail = f"{short.peak_mb:.0f} MB at {SIZES[0]:,} rows, {long.peak_mb:.0f} MB at {SIZES[1]:,}"
    detail += f" ({SIZES[1] / long.seconds:,.0f} rows/s)"
    return [
        Result("predict", "peak memory, 100 times the rows", long.peak_mb / short.peak_mb, GROWTH_BAR, False, detail)
    ]


def _trained(texts: list[str], folder: Path, *, head: Head, pooling: Any) -> Path:
    """Save a model that has learned to tell long texts from short ones: decisive, and needs no labels."""
    compute = choose_compute()
    backbone = None if head == "lstm" else resolve_model("embedded")
    classifier = build_classifier(
        ("long", "short"), backbone=backbone, head=head, pooling=pooling, texts=texts, compute=compute
    )
    lengths = np.array([len(text) for text in texts])
    targets = np.eye(2, dtype=np.float32)[(lengths < np.median(lengths)).astype(int)]
    examples = Examples(classifier.token_rows(texts), targets, np.ones(len(texts), np.float32))
    fit_classifier(
        classifier,
        examples,
        schedule=Schedule(epochs=2 if backbone else 5),
        loss=SoftLoss(),
        compute=compute,
    )
    folder.mkdir(parents=True)
    classifier.save(folder)
    return folder
