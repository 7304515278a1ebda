"""How well labels agree with the truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..types.label_space import ABSTAIN
from .weights import effective_rows, jeffreys_interval


def gold_scores(
    gold: npt.NDArray[np.int16], hard: npt.NDArray[np.int16], weights: npt.NDArray[np.float64] | None = None
) -> dict[str, float]:
    """Score labels against gold rows; a row without a label is wrong.

    Parameters
    ----------
    gold, hard : ndarray of int16, shape (n,)
        Class indices, -1 for none.
    weights : ndarray of float64, shape (n,), optional
        How much each row counts; all the same by default.

    Returns
    -------
    dict
        ``rows``, ``effective_rows`` (the number of rows of equal weight that are as informative), ``macro_f1`` (over
        classes with gold rows or predictions), ``weighted_f1``, ``accuracy``.
    """
    from sklearn.metrics import f1_score

    known = gold != ABSTAIN
    truth, found = gold[known], hard[known]
    classes: Sequence[int] = np.union1d(truth, found[found != ABSTAIN]).tolist()
    counted = np.ones(len(truth)) if weights is None else weights[known]
    score = {"labels": classes, "zero_division": 0.0, "sample_weight": counted}
    return {
        "rows": int(known.sum()),
        "effective_rows": effective_rows(counted),
        "macro_f1": float(f1_score(truth, found, average="macro", **score)),
        "weighted_f1": float(f1_score(truth, found, average="weighted", **score)),
        "accuracy": float(np.average(truth == found, weights=counted)),
    }


@dataclass(frozen=True)
class Estimate:
    """A score on gold rows and its 95 % interval; ``low <= value <= high``."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Share(Estimate):
    """A weighted share of rows."""

    effective_rows: float


def weighted_share(hits: npt.NDArray[np.bool_], weights: npt.NDArray[np.float64]) -> Share:
    """Estimate a share from weighted rows, with the Jeffreys interval at their effective number.

    Brown, Cai and DasGupta, 2001, Statistical Science 16; for weighted rows Dean and Pagano, 2015, Journal of Survey
    Statistics and Methodology 3.

    Parameters
    ----------
    hits : ndarray of bool, shape (g,)
        At least one row.
    weights : ndarray of float64, shape (g,)
    """
    value, rows = float(np.average(hits, weights=weights)), effective_rows(weights)
    low, high = jeffreys_interval(rows * value, rows * (1 - value))
    return Share(value, min(float(low), value), max(float(high), value), rows)
