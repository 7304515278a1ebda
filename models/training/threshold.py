"""The decision threshold: an offset of the logits with which the predicted shares are those expected."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from ...data.runs.labels import LabelledRun
from ..blended import fit_blended
from ..scoring.blending import Blend
from ..scoring.priors import prior_offset, tuned_offset
from .rows.training_rows import TrainingRows
from .settings import TrainSection

LogitsOf = Callable[[list[str]], npt.NDArray[np.floating]]
"""Takes n texts and returns a model's logits of them, shape (n, k)."""

_MAX_ROWS = 5_000  # shares on so many rows are within a percent
MIN_UNSEEN = 500  # below, chance in the shares of held-out rows does more harm than having seen the rows
_MIN_ROWS = 100  # below, a batch says too little about its shares to match them


def decision_offset(rows: TrainingRows, settings: TrainSection, logits_of: LogitsOf) -> npt.NDArray[np.float64]:
    """Return what to add to a model's logits, shape (k,), tuned on gold rows where these may be used."""
    if settings.threshold == "none" or len(rows) < _MIN_ROWS:
        return np.zeros(rows.labels.k)
    texts, _, prior = threshold_rows(rows, seed=settings.seed)
    logits = logits_of(texts)
    if settings.gold == "threshold" and rows.gold_used is not None:
        gold = rows.gold_used
        return tuned_offset(logits_of(gold.texts.to_list()), gold.labels, prior, pool=logits)
    return prior_offset(logits, prior)


def measured_blend(rows: TrainingRows, logits_of: LogitsOf, labelled: LabelledRun, *, seed: int) -> Blend | None:
    """Measure how a trained model and the label model of its run decide together; None for too few reviews.

    Parameters
    ----------
    rows : TrainingRows
    logits_of : callable
        The model, with its decision threshold.
    labelled : LabelledRun
        Where the probabilities of the label model are.
    seed : int
        As for `threshold_rows`.
    """
    if len(rows) < _MIN_ROWS:
        return None
    texts, targets, prior = threshold_rows(rows, seed=seed)
    weak = labelled.label_model_of(texts).of_classes([labelled.label_space.index(name) for name in rows.labels.names])
    return fit_blended(logits_of(texts)[weak.covered], weak.probs[weak.covered], targets[weak.covered], prior)


def threshold_rows(
    rows: TrainingRows, *, seed: int
) -> tuple[list[str], npt.NDArray[np.float32], npt.NDArray[np.float64]]:
    """Choose rows, and the shares that their classes should get: texts, soft labels (t, k) and class balance (k,).

    Unseen texts if there are enough: a classifier is overconfident on those it was trained on. Their weak labels'
    shares make up for chance in which texts were held out.
    """
    if len(rows.held_out_texts) >= MIN_UNSEEN:
        counts = np.bincount(rows.held_out_targets.argmax(axis=1), minlength=rows.labels.k)
        shares = (counts + rows.class_balance) / (counts.sum() + 1)
        return rows.held_out_texts.to_list(), rows.held_out_targets, shares
    chosen = np.random.default_rng(seed).permutation(len(rows))[:_MAX_ROWS]
    return rows.texts.gather(chosen).to_list(), rows.targets[chosen], rows.class_balance
