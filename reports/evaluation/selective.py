"""What is gained by using only the most confident labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...data.types.label_space import ABSTAIN
from ..metrics.resampling import Array, Estimate, cell_draws, estimate, normalised_weights, ratio_draws, row_unit
from .evaluation_data import Predictions

SHARES = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2)
_MIN_ROWS = 10


@dataclass(frozen=True)
class RetainedRows:
    """The labels of at least some confidence.

    Parameters
    ----------
    confidence : float
        The lowest that is retained.
    share : float
        Of all gold rows that is retained.
    accuracy : Estimate
        Of what is retained.
    rows : int
        Gold rows that are retained.
    """

    confidence: float
    share: float
    accuracy: Estimate
    rows: int


def selective_accuracy(
    truth: npt.NDArray[np.int16], predictions: Predictions, *, weights: Array | None = None, resamples: int = 2000
) -> list[RetainedRows]:
    """Return the accuracy of the most confident 100 %, 90 %, ... of the labels (risk-coverage curve; El-Yaniv 2010).

    Parameters
    ----------
    truth : ndarray of int16, shape (g,)
    predictions : Predictions
        With probabilities, over the same rows.
    weights : ndarray of float64, shape (g,), optional
        How much each row counts.
    resamples : int
        Of the intervals.
    """
    if predictions.probs is None:
        return []
    weight = normalised_weights(weights, len(truth))
    confidence = np.where(predictions.hard == ABSTAIN, -np.inf, predictions.probs.max(axis=1))
    right = truth == predictions.hard
    whole = float((weight**2).sum() / weight.sum())
    retained: list[RetainedRows] = []
    rng = np.random.default_rng(0)
    for share in SHARES:
        lowest = _quantile(confidence, weight, 1 - share)
        rows = np.flatnonzero((confidence >= lowest) & np.isfinite(confidence))
        if len(rows) < _MIN_ROWS or (retained and len(rows) == retained[-1].rows):
            continue
        hit, total = weight[rows] * right[rows], weight[rows]
        present, draws = cell_draws(right[rows].astype(np.int64), total, resamples=resamples, rng=rng)
        hits, misses = (draws[:, present == value].sum(axis=1, keepdims=True) for value in (1, 0))
        unit = row_unit([total.sum()], [(total**2).sum()], whole)
        accuracy = estimate(hit.sum() / total.sum(), ratio_draws(hits, misses, unit, rng)[:, 0])
        kept = float(total.sum() / weight.sum())
        retained.append(RetainedRows(float(confidence[rows].min()), kept, accuracy, len(rows)))
    return retained


def _quantile(values: Array, weight: Array, share: float) -> float:
    """Return the smallest value that has at least `share` of the weight below it."""
    order = np.argsort(values, kind="stable")
    below = np.concatenate([[0.0], np.cumsum(weight[order])[:-1]]) / weight.sum()
    return float(values[order[min(int(np.searchsorted(below, share - 1e-9)), len(values) - 1)]])
