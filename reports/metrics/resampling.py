"""Intervals around scores: the Bayesian bootstrap with a Jeffreys prior.

The bootstrap that redraws rows cannot see what the sample happens to lack: five negative reviews, all found, give
[1, 1]. So rows get random weights instead of being redrawn (the Bayesian bootstrap: Rubin, 1981, Annals of Statistics
9), and each ratio of hits to misses gets half a row on either side (the Jeffreys prior). For a proportion that is
the Jeffreys interval (Brown, Cai and DasGupta, 2001, Statistical Science 16); for precision, recall and F1 it is the
posterior of Goutte and Gaussier (2005, ECIR), with one prior per ratio and all ratios driven by the same rows. The
interval is cut at 2.5 % and 97.5 % and always holds the score itself.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from ...data.errors import InputError
from ...data.gold.scores import Estimate as Estimate
from ...data.types.label_space import ABSTAIN

Array = npt.NDArray[np.float64]

JEFFREYS = 0.5
"""Rows that the prior adds to either side of a ratio."""

_LEVELS = (0.025, 0.975)
_BLOCK = 1 << 18  # numbers drawn at a time: they stay in the CPU's cache


def estimate(value: float, draws: Array) -> Estimate:
    """Cut the interval from the bootstrap draws of a score, shape (r,)."""
    low, high = np.quantile(draws, _LEVELS)
    return Estimate(float(value), float(min(low, value)), float(max(high, value)))


def normalised_weights(weights: npt.ArrayLike | None, rows: int) -> Array:
    """Scale row weights so that they sum to the number of rows; equal weights where there are none.

    Parameters
    ----------
    weights : array of float64, shape (g,), optional
        Inverse inclusion probabilities.
    rows : int
        The number of rows, g.

    Raises
    ------
    ValueError
        If the shape is wrong or a weight is not positive and finite.
    """
    if weights is None:
        return np.ones(rows)
    scaled = np.asarray(weights, dtype=np.float64)
    if scaled.shape != (rows,) or not np.all(np.isfinite(scaled)) or np.any(scaled <= 0):
        raise ValueError(f"Expected {rows} positive weights, got shape {scaled.shape}.")
    normalised: Array = scaled * (rows / scaled.sum())
    return normalised


def check_labels(truth: npt.NDArray[np.int16], *labels: npt.NDArray[np.int16], k: int) -> None:
    """Check gold classes in [0, k), and labels of the same rows in [-1, k).

    Raises
    ------
    InputError
        If there is no row.
    ValueError
        If shapes disagree or a class index is out of range.
    """
    if not len(truth):
        raise InputError("There is no gold row to score on.", hint="Label a sample by hand: labeler sample.")
    if any(found.shape != truth.shape for found in labels):
        raise ValueError(
            f"Gold and labels of shapes {truth.shape} and {', '.join(str(each.shape) for each in labels)}."
        )
    found = np.stack(labels)
    if truth.min() < 0 or truth.max() >= k or found.min() < ABSTAIN or found.max() >= k:
        raise ValueError(f"Gold must be in [0, {k}) and labels in [-1, {k}).")


def cell_draws(
    cells: npt.NDArray[np.int64], weights: Array, *, resamples: int, rng: np.random.Generator
) -> tuple[npt.NDArray[np.int64], Array]:
    """Bootstrap the weight that falls into each cell of a table.

    Rows of one cell and one weight are drawn together: the sum of c exponential weights is a gamma variate of shape c.

    Parameters
    ----------
    cells : ndarray of int64, shape (g,)
        Cell of each row.
    weights : ndarray of float64, shape (g,)
        Weight of each row.

    Returns
    -------
    present : ndarray of int64, shape (p,)
        The cells that occur, ascending.
    draws : ndarray of float64, shape (r, p)
        Their total weight in each resample.
    """
    kinds, counts = np.unique(np.column_stack([cells.astype(np.float64), weights]), axis=0, return_counts=True)
    present, starts = np.unique(kinds[:, 0].astype(np.int64), return_index=True)
    draws = np.empty((resamples, len(present)))
    for block in _blocks(resamples, len(kinds)):
        gamma = rng.standard_gamma(counts, (block.stop - block.start, len(kinds)))
        draws[block] = np.add.reduceat(gamma * kinds[:, 1], starts, axis=1)
    return present, draws


def row_resamples(resamples: int, rows: int) -> int:
    """Limit the resamples of scores that need every row's weight, where rows are many.

    The ends of an interval then vary by some hundredths of its width, and it is narrow.
    """
    return min(resamples, max(400, 4_000_000 // rows))


def row_draws(weights: Array, *, resamples: int, rng: np.random.Generator) -> Iterator[tuple[slice, Array]]:
    """Bootstrap the weight of each row, block by block.

    Yields
    ------
    tuple
        Which resamples these are, and their weights: shape (b, g).
    """
    for block in _blocks(resamples, len(weights)):
        yield block, rng.standard_exponential((block.stop - block.start, len(weights))) * weights


def ratio_draws(hits: Array, misses: Array, unit: Array, rng: np.random.Generator) -> Array:
    """Draws of ``hits / (hits + misses)`` with the Jeffreys prior: half a row on either side.

    Parameters
    ----------
    hits, misses : ndarray of float64, shape (r, q)
        Bootstrapped weights of q ratios.
    unit : ndarray of float64, shape (2, q)
        What one row weighs that hits, and one that misses: see `row_unit`.
    """
    prior = rng.standard_gamma(JEFFREYS, (2, *hits.shape)) * unit[:, np.newaxis]
    likely = hits + prior[0]
    drawn: Array = likely / (likely + misses + prior[1])
    return drawn


def row_unit(weight: npt.ArrayLike, squares: npt.ArrayLike, whole: float) -> Array:
    """Return the weight of a typical row that hits, and of one that misses.

    A miss that the sample lacks may be of a kind that was seldom drawn, and then weighs more than the hits: so it
    weighs at least what a typical row of the whole sample does.

    Parameters
    ----------
    weight, squares : array of float64, shape (q,)
        Sums of the rows' weights, and of their squares, over the rows of each ratio.
    whole : float
        The sum of squares over the sum of weights of the whole sample; also what a ratio without rows gets.

    Returns
    -------
    ndarray of float64, shape (2, q)
    """
    weight, squares = np.asarray(weight, dtype=np.float64), np.asarray(squares, dtype=np.float64)
    typical = np.divide(squares, weight, out=np.full_like(weight, whole), where=weight > 0)
    return np.stack([typical, np.maximum(typical, whole)])


def _blocks(resamples: int, width: int) -> Iterator[slice]:
    step = max(1, _BLOCK // width)
    for start in range(0, resamples, step):
        yield slice(start, min(start + step, resamples))
