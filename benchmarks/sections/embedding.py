"""Embedding throughput against sentence-transformers' default `encode`: the same model folder, the same texts."""

from __future__ import annotations

import statistics
import time
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from ...models.loading.device import choose_compute
from ...models.loading.resolve import resolve_model
from ...models.scoring.encoder import SentenceEncoder
from ..results import Result

SPEED_BAR, COSINE_BAR, TEXTS, ROUNDS, SEED = 4.0, 0.999, 500, 5, 7


def measure_embedding(texts: pl.Series, *, n: int = TEXTS, rounds: int = ROUNDS) -> list[Result]:
    """Embed the same random distinct reviews by turns, so that noise hits both sides; the median ratio counts.

    Neither side gains from repeated texts, as there are none, nor from a cache.
    """
    from sentence_transformers import SentenceTransformer

    distinct = texts.unique(maintain_order=True)
    chosen = distinct.sample(min(n, len(distinct)), seed=SEED).to_list()
    ref = resolve_model("embedded")
    ours, compute = SentenceEncoder(ref), choose_compute()
    theirs: Any = SentenceTransformer(str(ref.path), device=compute.device, local_files_only=True)

    def their_vectors(batch: list[str]) -> npt.NDArray[np.float32]:
        return np.asarray(theirs.encode(batch, batch_size=32, show_progress_bar=False))

    for encode in (their_vectors, ours.encode):  # load, and warm up
        encode(chosen[:64])
    rounds_seconds = []
    for _ in range(rounds):
        start = time.perf_counter()
        left = their_vectors(chosen)
        middle = time.perf_counter()
        right = ours.encode(chosen)
        rounds_seconds.append((middle - start, time.perf_counter() - middle))
    ratios = sorted(slow / fast for slow, fast in rounds_seconds)
    slow, fast = (statistics.median(seconds) for seconds in zip(*rounds_seconds, strict=True))
    cosine = (left * right).sum(axis=1) / np.linalg.norm(left, axis=1) / np.linalg.norm(right, axis=1)
    rates = f"{len(chosen) / fast:.0f} ({compute.dtype}) against {len(chosen) / slow:.0f} texts/s on {compute.device}"
    rates += f", {rounds} rounds: {ratios[0]:.1f} to {ratios[-1]:.1f}"
    return [
        Result(
            "embedding", "speed against SentenceTransformer.encode", statistics.median(ratios), SPEED_BAR, True, rates
        ),
        Result("embedding", "mean cosine", float(cosine.mean()), COSINE_BAR, detail=f"{len(chosen):,} reviews"),
        Result("embedding", "smallest cosine", float(cosine.min())),
    ]
