"""Shares of classes on simulated reviews: how often 95 % intervals hold the truth, and how far off the shares are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from ...reports.shares.assumptions import constant_bias_fits_better
from ...reports.shares.estimates import ClassRates, class_rates, group_shares, overall_shares
from ..results import Result

Array = npt.NDArray[np.float64]

SHARES = (0.03, 0.1, 0.2, 0.4)
ERRORS = ((0.66, 0.07), (0.9, 0.02), (0.5, 0.1))
"""True and false positive rates of labels; the first are those of KazSAnDRA's reviews."""
HAND_LABELS = (100, 300, 1000)
MONTHS, REVIEWS = 12, 500  # groups, and reviews in each
LONG = 60  # months of all reviews together: then few of them are hand-labelled, which alone narrows no interval
REPEATS, RESAMPLES = 500, 1000
LOWEST, HIGHEST = 0.93, 0.97
GROUP_BAR, ERROR_BAR, WRONG_BAR = 0.90, 0.75, 0.05
ERROR_ROWS = 300
METHODS = ("constant bias", "constant error rates")


@dataclass(frozen=True, eq=False)
class Simulated:
    """Reviews of two classes in months: which are of class 1, and which are labelled so; shape (months, reviews)."""

    truth: npt.NDArray[np.bool_]
    labels: npt.NDArray[np.bool_]


Rows: TypeAlias = npt.NDArray[np.int64]
Draw: TypeAlias = Callable[[int, Simulated, np.random.Generator], tuple[Rows, Array]]
Simulate: TypeAlias = Callable[[float, float, float, np.random.Generator], Simulated]


def measure_shares() -> list[Result]:
    """Measure the coverage of intervals and the error of shares, of all reviews and by month."""
    rng = np.random.default_rng(0)
    return [
        *(result for rows in HAND_LABELS for result in _whole(rows, _evenly, rng)),
        *(result for rows in HAND_LABELS for result in _whole(rows, _by_doubt, rng)),
        *(result for rows in HAND_LABELS for result in _months("constant bias", _moving_mix, rows, rng)),
        *(result for rows in HAND_LABELS for result in _months("constant error rates", _moving_shares, rows, rng)),
    ]


def _whole(rows: int, draw: Draw, rng: np.random.Generator) -> list[Result]:
    """Cover the share of all reviews, where months do not differ."""
    covered = {}
    for share in SHARES:
        hits = []
        for (tpr, fpr), _ in product(ERRORS, range(REPEATS)):
            reviews = _labelled(np.full(LONG, share), tpr, fpr, rng)
            _, low, high = overall_shares(_rates(reviews, *draw(rows, reviews, rng), rng))[:, 1]
            hits.append(low <= reviews.truth.mean() <= high)
        covered[share] = float(np.mean(hits))
    drawn = "" if draw is _evenly else " drawn by doubt"
    what = f"{rows:,} hand labels{drawn}, all reviews: {{}} coverage over shares"
    detail = "; ".join(f"{share:.0%}: {value:.3f}" for share, value in covered.items())
    return [
        Result("shares", what.format("lowest"), min(covered.values()), LOWEST, detail=detail),
        Result("shares", what.format("highest"), max(covered.values()), HIGHEST, False),
    ]


def _months(assumed: str, simulate: Simulate, rows: int, rng: np.random.Generator) -> list[Result]:
    """Cover the shares of months, and compare errors with those of counting; the other method is told beside."""
    own = METHODS.index(assumed)
    hits: list[list[float]] = [[], []]
    errors: list[list[float]] = [[], []]
    counted: list[float] = []
    choices: list[bool | None] = []
    for share, (tpr, fpr), _ in product(SHARES, ERRORS, range(REPEATS // 5)):
        reviews = simulate(share, tpr, fpr, rng)
        drawn, weights = _evenly(rows, reviews, rng)
        rates, truth, seen = (
            _rates(reviews, drawn, weights, rng),
            reviews.truth.mean(axis=1),
            reviews.labels.mean(axis=1),
        )
        labelled = np.column_stack([1 - seen, seen])
        found = np.array([group_shares(rates, month, REVIEWS, seed=len(choices)) for month in labelled])[..., 1]
        gold, sizes = (*_gold(reviews, drawn), drawn // REVIEWS, weights), np.full(MONTHS, REVIEWS)
        best = constant_bias_fits_better(*gold, rates, labelled, sizes)[1]
        choices.append(None if best is None else best == (own == 0))
        counted.append(float(np.abs(seen - truth).mean()))
        for method in range(len(METHODS)):
            value, low, high = found[:, method].T
            hits[method].append(float(np.where(np.isnan(value), np.nan, (low <= truth) & (truth <= high)).mean()))
            errors[method].append(float(np.abs(value - truth).mean()))
    measurable = ~np.isnan(errors[1])
    error = np.nanmean(errors, axis=1)
    ratio = float(np.nanmean(errors[own]) / np.mean(np.array(counted)[~np.isnan(errors[own])]))
    told = "; ".join(f"{name}: {np.nanmean(hits[i]):.3f}, error {error[i]:.4f}" for i, name in enumerate(METHODS))
    what = f"{rows:,} hand labels, months with {assumed}"
    wrong, right = np.mean([each is False for each in choices]), np.mean([each is True for each in choices])
    bar = ERROR_BAR if assumed == METHODS[1] and rows == ERROR_ROWS else None
    return [
        Result("shares", f"{what}: coverage", float(np.nanmean(hits[own])), GROUP_BAR, detail=told),
        Result(
            "shares",
            f"{what}: error / that of counting labels",
            ratio,
            bar,
            False,
            f"mean absolute error; error rates measurable in {measurable.mean():.0%} of simulations",
        ),
        Result("shares", f"{what}: other method preferred", float(wrong), WRONG_BAR, False, f"this one: {right:.3f}"),
    ]


def _moving_mix(share: float, tpr: float, fpr: float, rng: np.random.Generator) -> Simulated:
    """Let the shares move, and the labels with them: all months have the bias of `tpr` and `fpr` at `share`."""
    shares = _moving(share)
    labelled = shares + share * tpr + (1 - share) * fpr - share
    found = np.minimum(shares * tpr, labelled)
    return _labelled(shares, found / shares, (labelled - found) / (1 - shares), rng)


def _moving_shares(share: float, tpr: float, fpr: float, rng: np.random.Generator) -> Simulated:
    return _labelled(_moving(share), tpr, fpr, rng)


def _moving(share: float) -> Array:
    return np.linspace(0.4, 1.6, MONTHS) * share


def _labelled(shares: Array, tpr: float | Array, fpr: float | Array, rng: np.random.Generator) -> Simulated:
    truth = rng.random((len(shares), REVIEWS)) < shares[:, np.newaxis]
    rates = np.where(truth.T, tpr, fpr).T
    return Simulated(truth, rng.random(truth.shape) < rates)


def _evenly(rows: int, reviews: Simulated, rng: np.random.Generator) -> tuple[Rows, Array]:
    """Draw rows, and weigh them."""
    return rng.choice(reviews.truth.size, rows, replace=False), np.ones(rows)


def _by_doubt(rows: int, reviews: Simulated, rng: np.random.Generator) -> tuple[Rows, Array]:
    """Draw half at random, and half among doubtful rows, where most mistakes are."""
    doubtful = rng.random(reviews.truth.size) < np.where(reviews.truth != reviews.labels, 0.6, 0.1).ravel()
    size = np.where(doubtful, 5.0, 1.0)
    probability = rows * (0.5 / len(size) + 0.5 * size / size.sum())
    drawn = np.flatnonzero(rng.random(len(size)) < probability)
    return drawn, 1 / probability[drawn]


def _gold(reviews: Simulated, drawn: Rows) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.int16]]:
    return reviews.truth.ravel()[drawn].astype(np.int16), reviews.labels.ravel()[drawn].astype(np.int16)


def _rates(reviews: Simulated, drawn: Rows, weights: Array, rng: np.random.Generator) -> ClassRates:
    share = float(reviews.labels.mean())
    labelled = np.array([1 - share, share])
    return class_rates(*_gold(reviews, drawn), weights, labelled, resamples=RESAMPLES, seed=int(rng.integers(1 << 31)))
