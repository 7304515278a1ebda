"""Scores of labels on gold rows, each with its interval: the scores of `labeler report`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...data.gold.weights import effective_rows
from ...data.types.label_space import ABSTAIN, LabelSpace
from .average_precision import average_precisions
from .calibration import Calibration, calibrate
from .resampling import (
    Array,
    Estimate,
    cell_draws,
    check_labels,
    estimate,
    normalised_weights,
    ratio_draws,
    row_resamples,
    row_unit,
)

Indices = npt.NDArray[np.int16]


@dataclass(frozen=True)
class ClassMeasures:
    """The scores of one class.

    Parameters
    ----------
    name : str
        The class.
    precision, recall, f1 : Estimate
        0 where there is nothing to divide by, as in scikit-learn; the interval is then wide.
    pr_auc : Estimate, optional
        Average precision, one class against the rest. None without probabilities or without gold rows of the class.
    support, predicted : int
        Gold rows of the class, and rows with its label.
    """

    name: str
    precision: Estimate
    recall: Estimate
    f1: Estimate
    pr_auc: Estimate | None
    support: int
    predicted: int


@dataclass(frozen=True)
class Measures:
    """How good labels are; a row without a label counts as wrong.

    Parameters
    ----------
    rows : int
        Gold rows.
    effective_rows : float
        The number of rows of equal weight that are as informative.
    coverage : Estimate
        Share of rows with a label.
    accuracy, macro_f1, weighted_f1 : Estimate
        Macro-F1 is over the classes with gold rows or predictions.
    classes : tuple of ClassMeasures
        In the order of the label space.
    confusion : tuple of k tuples of k + 1 int
        Unweighted rows: by true class, and by predicted class with a last column for no label.
    calibration : Calibration, optional
        None without probabilities or without a single label.
    """

    rows: int
    effective_rows: float
    coverage: Estimate
    accuracy: Estimate
    macro_f1: Estimate
    weighted_f1: Estimate
    classes: tuple[ClassMeasures, ...]
    confusion: tuple[tuple[int, ...], ...]
    calibration: Calibration | None


def measure(
    truth: Indices,
    found: Indices,
    probs: npt.NDArray[np.float32] | None,
    *,
    labels: LabelSpace,
    weights: Array | None = None,
    resamples: int = 2000,
    seed: int = 0,
) -> Measures:
    """Score labels on gold rows.

    Parameters
    ----------
    truth : ndarray of int16, shape (g,)
        Gold class of each row, in [0, k).
    found : ndarray of int16, shape (g,)
        Class to be judged, -1 for no label.
    probs : ndarray of float32, shape (g, k), optional
        Class probabilities, for PR-AUC and calibration.
    labels : LabelSpace
        The classes.
    weights : ndarray of float64, shape (g,), optional
        Inverse inclusion probabilities of a sample that is not simply random. Scores then estimate those of the
        whole corpus.
    resamples, seed : int
        Of the intervals: see `reports.resampling`.

    Raises
    ------
    InputError
        If there is no row.
    ValueError
        If shapes disagree or a class index is out of range.
    """
    check_labels(truth, found, k=labels.k)
    if probs is not None and probs.shape != (len(truth), labels.k):
        raise ValueError(f"Probabilities of shape {probs.shape} for {len(truth)} rows and {labels.k} classes.")
    weight = normalised_weights(weights, len(truth))
    rng = np.random.default_rng(seed)
    k = labels.k
    cells = truth.astype(np.int64) * (k + 1) + np.where(found == ABSTAIN, k, found)
    overall, by_class = _ratios(cells, weight, k, resamples, rng)
    counts = np.bincount(cells, minlength=k * (k + 1)).reshape(k, k + 1)
    few = row_resamples(resamples, len(truth))
    areas = [None] * k if probs is None else average_precisions(truth, probs, weight, resamples=few, rng=rng)
    calibration, rows = None, np.flatnonzero(found != ABSTAIN)
    if probs is not None and len(rows):
        confidence, right = probs[rows, found[rows]].astype(np.float64), truth[rows] == found[rows]
        calibration = calibrate(confidence, right, weights=weight[rows], resamples=few, rng=rng)
    classes = (
        ClassMeasures(name, *by_class[c], areas[c], support=int(counts[c].sum()), predicted=int(counts[:, c].sum()))
        for c, name in enumerate(labels.names)
    )
    return Measures(
        rows=len(truth),
        effective_rows=effective_rows(weight),
        **overall,
        classes=tuple(classes),
        confusion=tuple(tuple(row) for row in counts.tolist()),
        calibration=calibration,
    )


def _ratios(
    cells: npt.NDArray[np.int64], weight: Array, k: int, resamples: int, rng: np.random.Generator
) -> tuple[dict[str, Estimate], list[tuple[Estimate, Estimate, Estimate]]]:
    """All scores that follow from the weights in the confusion matrix; of each class precision, recall and F1."""
    present, draws = cell_draws(cells, weight, resamples=resamples, rng=rng)
    totals, squares = (np.bincount(cells, values)[present] for values in (weight, weight**2))
    row, column = present // (k + 1), present % (k + 1)
    is_row, is_column = row[:, np.newaxis] == np.arange(k), column[:, np.newaxis] == np.arange(k)
    hit = is_row & is_column
    labelled, right = (column < k)[:, np.newaxis], (row == column)[:, np.newaxis]
    # Columns: coverage, accuracy, precision, recall, and what F1 is made of, of each class.
    hits = np.hstack([labelled, right, hit, hit, hit]).astype(np.float64)
    misses = np.hstack([~labelled, ~right, is_column & ~hit, is_row & ~hit, is_row ^ is_column]).astype(np.float64)
    weight_of, squares_of = totals @ (hits + misses), squares @ (hits + misses)
    value = np.divide(totals @ hits, weight_of, out=np.zeros(len(weight_of)), where=weight_of > 0)
    unit = row_unit(weight_of, squares_of, float(squares.sum() / totals.sum()))
    drawn = ratio_draws(draws @ hits, draws @ misses, unit, rng)
    f1, f1_drawn = _f1(value[2 + 2 * k :]), _f1(drawn[:, 2 + 2 * k :])
    active = weight_of[2 + 2 * k :] > 0
    share, share_drawn = totals @ is_row, draws @ is_row
    overall = {
        "coverage": estimate(value[0], drawn[:, 0]),
        "accuracy": estimate(value[1], drawn[:, 1]),
        "macro_f1": estimate(f1[active].mean(), f1_drawn[:, active].mean(axis=1)),
        "weighted_f1": estimate(
            share @ f1 / share.sum(), (share_drawn * f1_drawn).sum(axis=1) / share_drawn.sum(axis=1)
        ),
    }
    ratios = [estimate(value[j], drawn[:, j]) for j in range(2, 2 + 2 * k)]
    return overall, list(zip(ratios[:k], ratios[k:], map(estimate, f1, f1_drawn.T), strict=True))


def _f1(jaccard: Array) -> Array:
    """F1 from hits / (hits + false alarms + missed rows): a ratio of rows, which F1 itself is not."""
    f1: Array = 2 * jaccard / (1 + jaccard)
    return f1
