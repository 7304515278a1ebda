"""Shares of the classes from labels of all reviews and hand labels of some: prediction-powered inference.

Counting labels is biased by their mistakes, and hand labels alone are few. Each class, against the rest, has a
precision P(is of it | labelled so) and an omission rate P(is of it | not labelled so) on the hand labels; weighted by
the share of reviews that are labelled so, they give the share of the class. This is post-stratification, and the PPI++
estimate at its best power, precision - omission rate (Angelopoulos, Duchi and Zrnic, 2023, arXiv:2311.01453), with
inclusion probabilities. Its interval is the Bayesian bootstrap of both rates with a Jeffreys prior
(`metrics.resampling`).

A group has too few hand labels of its own, and borrows those of all under one of two assumptions:

- constant bias: the share of labels is off by as much in every group. One rectifier is added to it, as in
  prediction-powered inference (Angelopoulos et al., 2023, Science 382). Right when the mix of products moves, each with
  its own share and labels that are no worse than those of others.
- constant error rates (label shift): a review of a class is labelled so as often in every group. Deviations of the
  share of labels are divided by tpr - fpr (Rogan and Gladen, 1978, American Journal of Epidemiology 107; Forman, 2008,
  Data Mining and Knowledge Discovery 17). Right when the shares move within products.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from ...data.types.label_space import ABSTAIN
from ..metrics.resampling import Array, cell_draws, check_labels, normalised_weights, ratio_draws, row_unit

Indices = npt.NDArray[np.int16]

MIN_SEPARATION = 0.1
"""What the lower end of tpr - fpr must reach: below it, a change of the true shares hardly shows in the labels."""

LEVELS = (0.025, 0.975)


@dataclass(frozen=True, eq=False)
class ClassRates:
    """What the labels are worth: in the first row the estimates, in the others r draws of them.

    Parameters
    ----------
    labelled : ndarray of float64, shape (k,)
        Share of all reviews with the label of each class.
    precision, omission : ndarray of float64, shape (1 + r, k)
        Share that is of the class, among reviews that are labelled so and among all others.
    """

    labelled: Array
    precision: Array
    omission: Array

    @cached_property
    def share(self) -> Array:
        """Share of each class in all reviews, shape (1 + r, k)."""
        share: Array = self.labelled * self.precision + (1 - self.labelled) * self.omission
        return share

    @cached_property
    def tpr(self) -> Array:
        """Share labelled so among the reviews of each class, shape (1 + r, k); 0 where there are none."""
        return _ratio(self.labelled * self.precision, self.share)

    @cached_property
    def fpr(self) -> Array:
        """Share labelled so among all other reviews, shape (1 + r, k); 0 where there are none."""
        return _ratio(self.labelled * (1 - self.precision), 1 - self.share)

    @cached_property
    def measurable(self) -> npt.NDArray[np.bool_]:
        """Whether labels show a change of the shares of each class at all, shape (k,)."""
        separation = self.tpr - self.fpr
        shown: npt.NDArray[np.bool_] = np.quantile(separation[1:], LEVELS[0], axis=0) >= MIN_SEPARATION
        shown &= separation[0] >= MIN_SEPARATION
        return shown

    def with_constant_bias(self, labelled: Array) -> Array:
        """Return the shares among reviews of which so many are labelled so, shapes (1 + r, k) or (k,)."""
        shares: Array = np.clip(self.share + labelled - self.labelled, 0.0, 1.0)
        return shares

    def with_constant_error_rates(self, labelled: Array) -> Array:
        """Return the same; NaN where it is not measurable."""
        separation = np.maximum(self.tpr - self.fpr, MIN_SEPARATION / 10)
        shares = np.clip(self.share + (labelled - self.labelled) / separation, 0.0, 1.0)
        return np.where(self.measurable, shares, np.nan)


def class_rates(
    truth: Indices, labels: Indices, weights: Array | None, labelled: Array, *, resamples: int, seed: int = 0
) -> ClassRates:
    """Estimate what the labels are worth from hand labels.

    Parameters
    ----------
    truth : ndarray of int16, shape (g,)
        Class of each hand-labelled row, in [0, k).
    labels : ndarray of int16, shape (g,)
        Its label, -1 for none.
    weights : ndarray of float64, shape (g,), optional
        Inverse inclusion probabilities, of any scale.
    labelled : ndarray of float64, shape (k,)
        Share of all reviews with the label of each class.
    resamples, seed : int
        Of the draws.

    Raises
    ------
    InputError
        If there is no row.
    ValueError
        If shapes disagree or a class index is out of range.
    """
    k, rng = len(labelled), np.random.default_rng(seed)
    check_labels(truth, labels, k=k)
    weight = normalised_weights(weights, len(truth))
    cells = truth.astype(np.int64) * (k + 1) + np.where(labels == ABSTAIN, k, labels)
    present, draws = cell_draws(cells, weight, resamples=resamples, rng=rng)
    totals, squares = (np.bincount(cells, values)[present] for values in (weight, weight**2))
    is_class = np.tile((present // (k + 1))[:, np.newaxis] == np.arange(k), 2)
    has_label = (present % (k + 1))[:, np.newaxis] == np.arange(k)
    side = np.hstack([has_label, ~has_label])
    hits, misses = (is_class & side).astype(np.float64), (~is_class & side).astype(np.float64)
    rows = totals @ (hits + misses)
    # Where no row has the label, it tells nothing: the power is 0.
    value = np.divide(totals @ hits, rows, out=totals @ is_class / totals.sum(), where=rows > 0)
    unit = row_unit(rows, squares @ (hits + misses), float(squares.sum() / totals.sum()))
    rates = np.vstack([value, ratio_draws(draws @ hits, draws @ misses, unit, rng)])
    return ClassRates(labelled, rates[:, :k], rates[:, k:])


def overall_shares(rates: ClassRates) -> Array:
    """Return the share of each class in all reviews and its 95 % interval: value, low and high, shape (3, k)."""
    return _with_interval(rates.share)


def group_shares(rates: ClassRates, labelled: Array, reviews: int, *, seed: int = 0) -> tuple[Array, Array]:
    """Estimate the share of each class in a group, as if its reviews were drawn from more of their kind.

    Parameters
    ----------
    rates : ClassRates
        Of all reviews.
    labelled : ndarray of float64, shape (k,)
        Share of the group with the label of each class.
    reviews : int
        Size of the group, at least 1.
    seed : int
        Of the draws.

    Returns
    -------
    ndarray of float64, shape (3, k)
        With constant bias: value, low and high.
    ndarray of float64, shape (3, k)
        With constant error rates; NaN where that is not measurable.
    """
    draws = np.tile(labelled, (len(rates.share) - 1, 1))
    own = np.random.default_rng(seed).beta(reviews * draws + 0.5, reviews * (1 - draws) + 0.5)  # Jeffreys prior
    seen = np.vstack([labelled, own])
    return _with_interval(rates.with_constant_bias(seen)), _with_interval(rates.with_constant_error_rates(seen))


def _with_interval(values: Array) -> Array:
    low, high = np.quantile(values[1:], LEVELS, axis=0)
    return np.stack([values[0], np.minimum(low, values[0]), np.maximum(high, values[0])])


def _ratio(part: Array, whole: Array) -> Array:
    ratio: Array = np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
    return ratio
