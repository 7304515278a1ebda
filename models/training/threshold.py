"""The decision threshold: an offset of the logits with which the predicted shares are those expected."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from ..scoring.priors import prior_offset, tuned_offset
from .rows.training_rows import TrainingRows
from .settings import TrainSection

LogitsOf = Callable[[list[str]], npt.NDArray[np.float32]]
"""Takes n texts and returns a model's logits of them, shape (n, k)."""

_MAX_ROWS = 5_000  # shares on so many rows are within a percent
_MIN_UNSEEN = 500  # below, chance in the shares of held-out rows does more harm than having seen the rows
_MIN_ROWS = 100  # below, a batch says too little about its shares to match them


def decision_offset(rows: TrainingRows, settings: TrainSection, logits_of: LogitsOf) -> npt.NDArray[np.float64]:
    """Return what to add to a model's logits, shape (k,), tuned on gold rows where these may be used."""
    if settings.threshold == "none" or len(rows) < _MIN_ROWS:
        return np.zeros(rows.labels.k)
    texts, prior = threshold_rows(rows, seed=settings.seed)
    logits = logits_of(texts)
    if settings.gold == "threshold" and rows.gold_used is not None:
        gold = rows.gold_used
        return tuned_offset(logits_of(gold.texts.to_list()), gold.labels, prior, pool=logits)
    return prior_offset(logits, prior)


def threshold_rows(rows: TrainingRows, *, seed: int) -> tuple[list[str], npt.NDArray[np.float64]]:
    """Choose texts, and the shares that their classes should get, shape (k,).

    Unseen texts if there are enough: a classifier is overconfident on those it was trained on. Their weak labels'
    shares make up for chance in which texts were held out.
    """
    if len(rows.held_out_texts) >= _MIN_UNSEEN:
        counts = np.bincount(rows.held_out_targets.argmax(axis=1), minlength=rows.labels.k)
        return rows.held_out_texts.to_list(), (counts + rows.class_balance) / (counts.sum() + 1)
    chosen = np.random.default_rng(seed).permutation(len(rows))[:_MAX_ROWS]
    return rows.texts.gather(chosen).to_list(), rows.class_balance
