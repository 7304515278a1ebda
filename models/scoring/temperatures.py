"""Calibration by a temperature for each predicted class: probabilities change, the most likely class never does.

Temperature scaling (Guo et al. 2017, arXiv:1706.04599), one for each predicted class, since a rare class is right less
often than a common one of the same score.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ...data.types.label_space import ABSTAIN
from .blending import tempered
from .priors import Floats, Numbers

_LOG_RANGE = 4.0  # temperatures of 1/55 to 55
_ERRORS_PER_DISAGREEMENT = 1.5  # odds of an error; 0.9 to 2.2 on reviews, comments and questions
_POOLED = 50.0  # rows with the disagreement of all classes that each class is given
_MEAN_ROWS = 10.0  # rows that are as likely right as all are on average, given to each class
SPREAD = 0.3
"""Of the log-temperatures that gold rows show, around those found without them: worth some hundred gold rows."""


def agreement_temperatures(
    logits: Floats, student: Floats, teacher: Floats, weights: Numbers
) -> npt.NDArray[np.float64]:
    """Find temperatures without gold rows, from how often a student and its teacher disagree on unseen rows.

    The student was trained on the teacher's labels of other rows, so both share some mistakes, and a class is wrong
    more often than they disagree about it: with odds of about 1.5 times the share of the rows on which only one of
    them predicts the class. On KazSAnDRA, YouTube and TREC this leaves expected calibration errors of 0.01 to 0.09,
    where the label models' own are 0.02 to 0.17.

    Parameters
    ----------
    logits : ndarray, shape (n, k)
        What is to be calibrated.
    student, teacher : ndarray, shape (n, k)
        Logits of both, matched to the class balance.
    weights : ndarray, shape (n,)
        How many rows each row stands for.

    Returns
    -------
    ndarray of float64, shape (k,)
        1 for a class that is never predicted.
    """
    k = logits.shape[1]
    predicted, first, second = (scores.argmax(axis=1) for scores in (logits, student, teacher))
    differs = first != second
    overall = float((weights[differs].sum() + 1) / (weights.sum() + 2))  # never 0, however few texts there are
    found = np.ones(k)
    for label in range(k):
        either, rows = (first == label) | (second == label), predicted == label
        doubt = (weights[either & differs].sum() + _POOLED * overall) / (weights[either].sum() + _POOLED)
        if rows.any():
            accuracy = 1 / (1 + _ERRORS_PER_DISAGREEMENT * doubt)
            found[label] = _temperature_of(logits[rows], weights[rows], accuracy)
    return found


def expected_temperatures(logits: Floats, targets: Floats, weights: Numbers) -> npt.NDArray[np.float64]:
    """Find temperatures under which each predicted class is, on average, as likely as soft labels of the rows say.

    Parameters
    ----------
    logits, targets : ndarray, shape (n, k)
        What is to be calibrated, and calibrated probabilities of the same rows.
    weights : ndarray, shape (n,)
        How many rows each row stands for.

    Returns
    -------
    ndarray of float64, shape (k,)
        A class that is never predicted has that of all classes together.
    """
    predicted = logits.argmax(axis=1)
    hits = weights * targets[np.arange(len(targets)), predicted]
    overall = float(hits.sum() / weights.sum())
    found = np.full(logits.shape[1], _temperature_of(logits, weights, overall))
    for label in np.unique(predicted):
        rows = predicted == label
        accuracy = (hits[rows].sum() + _MEAN_ROWS * overall) / (weights[rows].sum() + _MEAN_ROWS)
        found[label] = _temperature_of(logits[rows], weights[rows], float(accuracy))
    return found


def gold_temperatures(
    logits: Floats,
    gold: npt.NDArray[np.integer],
    weights: Numbers,
    start: Floats,
    *,
    spread: float = SPREAD,
) -> npt.NDArray[np.float64]:
    """Find the temperatures under which gold labels are most likely, staying near others as long as gold rows are few.

    The maximum a posteriori with a normal prior on the log-temperatures. Weights are scaled to the effective number of
    rows.

    Parameters
    ----------
    logits : ndarray, shape (g, k)
    gold : ndarray of int, shape (g,)
        Class indices; rows with -1 are passed over.
    weights : ndarray, shape (g,)
        Inverse inclusion probabilities.
    start : ndarray, shape (k,)
        Temperatures found otherwise.
    spread : float
        Standard deviation of the prior.

    Returns
    -------
    ndarray of float64, shape (k,)
    """
    from scipy.optimize import minimize_scalar

    used = (gold != ABSTAIN) & (weights > 0)
    logits, gold, weights = logits[used], gold[used], np.asarray(weights, np.float64)[used]
    weights = weights * (weights.sum() / max((weights**2).sum(), 1e-12))
    predicted, found = logits.argmax(axis=1), np.array(start, np.float64)
    for label in np.unique(predicted):
        rows, before = predicted == label, float(np.log(start[label]))

        def loss(log: float, rows: npt.NDArray[np.bool_] = rows, before: float = before) -> float:
            probs = tempered(logits[rows], np.full(logits.shape[1], np.exp(log)))
            likely = np.log(np.maximum(probs[np.arange(len(probs)), gold[rows]], 1e-12))
            return float(((log - before) / spread) ** 2 / 2 - weights[rows] @ likely)

        bounds = (before - _LOG_RANGE, before + _LOG_RANGE)
        found[label] = np.exp(minimize_scalar(loss, bounds=bounds, method="bounded").x)
    return found


def _temperature_of(logits: Floats, weights: Numbers, confidence: float) -> float:
    """Return the temperature at which the mean probability of the most likely class is `confidence`."""
    from scipy.optimize import brentq

    k = logits.shape[1]

    def excess(log: float) -> float:
        top = tempered(logits, np.full(k, np.exp(log))).max(axis=1)
        return float(np.average(top, weights=weights)) - confidence

    low, high = -_LOG_RANGE, _LOG_RANGE
    if excess(low) <= 0 or excess(high) >= 0:  # no spread, or less sure than chance
        return float(np.exp(low if excess(low) <= 0 else high))
    return float(np.exp(brentq(excess, low, high, xtol=1e-4)))
