"""Calibration: of the labels given with 80 % confidence, 80 % should be right."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ...data.gold.scores import weighted_share
from .resampling import Array, Estimate, estimate, normalised_weights, row_draws

BINS = 10


@dataclass(frozen=True)
class Bin:
    """Labels of similar confidence.

    Parameters
    ----------
    confidence : float
        Mean confidence.
    accuracy : Estimate
        Share that is right, with Wilson's interval.
    rows : int
        How many gold rows these are.
    """

    confidence: float
    accuracy: Estimate
    rows: int


@dataclass(frozen=True)
class Calibration:
    """How far confidence is from accuracy.

    Parameters
    ----------
    error : Estimate
        Expected calibration error: mean distance between confidence and accuracy of the bins, by weight.
    bins : tuple of Bin
        In rising order of confidence; at most 10.
    """

    error: Estimate
    bins: tuple[Bin, ...]


def calibrate(
    confidence: Array,
    right: npt.NDArray[np.bool_],
    *,
    weights: Array | None = None,
    resamples: int = 2000,
    rng: np.random.Generator | int = 0,
) -> Calibration:
    """Compare confidence with accuracy in bins of equal weight.

    Equal weight, not equal width: weak labels crowd near confidence 1, where bins of equal width would leave nearly
    all rows in one bin and a handful of noisy rows in each other (Nguyen and O'Connor, 2015, EMNLP). Rows of equal
    confidence share a bin, so there may be fewer bins than 10.

    The error of few rows is too large by nature, so its interval is the basic bootstrap interval, and reaches down to
    0 where calibrated probabilities would show as large an error (Broecker and Smith, 2007, Weather and
    Forecasting 22).

    Parameters
    ----------
    confidence : ndarray of float64, shape (g,)
        Probability of the label that was given.
    right : ndarray of bool, shape (g,)
        Whether the label is the gold label.
    weights : ndarray of float64, shape (g,), optional
        Inverse inclusion probabilities.
    resamples, rng
        Of the interval of the error: see `reports.resampling`.
    """
    weight = normalised_weights(weights, len(confidence))
    shares = np.arange(1, BINS) / BINS * (1 - 1e-9)  # rounding moves no row
    edges = np.quantile(confidence, shares, weights=weight, method="inverted_cdf")
    _, code = np.unique(np.searchsorted(edges, confidence), return_inverse=True)
    member = (code[:, np.newaxis] == np.arange(code.max() + 1)).astype(np.float64)
    gaps = member * (confidence - right)[:, np.newaxis]
    value = np.abs(weight @ gaps).sum() / weight.sum()
    drawn, calibrated = np.empty(resamples), np.empty(resamples)
    generator = np.random.default_rng(rng)
    for block, mass in row_draws(weight, resamples=resamples, rng=generator):
        total = mass.sum(axis=1)
        drawn[block] = np.abs(mass @ gaps).sum(axis=1) / total
        missed = confidence - (generator.random(mass.shape) < confidence)
        calibrated[block] = np.abs((missed * weight) @ member).sum(axis=1) / weight.sum()
    # Noise makes any error larger, and that of a resample once more: so the draws are reflected.
    error = estimate(value, np.clip(2 * value - drawn, 0.0, 1.0))
    if value <= np.quantile(calibrated, 0.975):  # calibrated probabilities show as large an error on so few rows
        error = replace(error, low=0.0)
    return Calibration(error, tuple(_bin(confidence[c], right[c], weight[c]) for c in member.T > 0))


def _bin(confidence: Array, right: npt.NDArray[np.bool_], weight: Array) -> Bin:
    return Bin(float(np.average(confidence, weights=weight)), weighted_share(right, weight), len(right))
