"""Which of two assumptions about groups the hand labels speak for, if either."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..metrics.resampling import Array, normalised_weights
from .estimates import LEVELS, MIN_SEPARATION, ClassRates, Indices

_MIN_ROWS = 30  # hand labels in groups


def constant_bias_fits_better(
    truth: Indices,
    labels: Indices,
    groups: npt.NDArray[np.int64],
    weights: Array,
    rates: ClassRates,
    labelled: Array,
    reviews: npt.NDArray[np.int64],
    *,
    seed: int = 0,
) -> list[bool | None]:
    """Decide by how much the share of hand labels moves from group to group where that of labels moves by one.

    Constant bias expects one, constant error rates 1 / (tpr - fpr). The slope is that of a regression of the hand
    labels on the share of labels in their groups, with White's standard error (1980, Econometrica 48). It is decided if
    the slope is nearer to one of them than to the other in at least 97.5 % of draws of both. Labels take noise out of
    the hand labels, for their mean in each group is known.

    Parameters
    ----------
    truth, labels : ndarray of int16, shape (g,)
        Class and label (-1 for none) of each hand-labelled row.
    groups : ndarray of int64, shape (g,)
        Group of each row, in [0, G).
    weights : ndarray of float64, shape (g,)
        Inverse inclusion probabilities.
    rates : ClassRates
        Of all reviews.
    labelled : ndarray of float64, shape (G, k)
        Share of each group with the label of each class.
    reviews : ndarray of int64, shape (G,)
        Size of each group.
    seed : int
        Of the draws.

    Returns
    -------
    list of bool or None, length k
        Whether constant bias fits better, False if constant error rates do; None if that cannot be decided.
    """
    classes = np.arange(len(rates.labelled))
    if len(truth) < _MIN_ROWS:
        return [None for _ in classes]
    weight = normalised_weights(weights, len(truth))[:, np.newaxis]
    of_class, has_label = truth[:, np.newaxis] == classes, labels[:, np.newaxis] == classes
    power = rates.precision[0] - rates.omission[0]
    seen = of_class - power * (has_label - labelled[groups])
    seen, moved = (values - np.average(values, axis=0, weights=weight[:, 0]) for values in (seen, labelled[groups]))
    # By chance alone the share of labels moves too, and that of the class with it only by the power.
    chance = (weight * (labelled * (1 - labelled) / reviews[:, np.newaxis])[groups]).sum(axis=0)
    spread = (weight * moved**2).sum(axis=0) - chance
    moving = spread > chance
    spread[~moving] = np.inf
    slope = ((weight * moved * seen).sum(axis=0) - power * chance) / spread
    error = np.sqrt(((weight * moved * (seen - slope * moved)) ** 2).sum(axis=0)) / spread
    middle = (1 + 1 / np.maximum((rates.tpr - rates.fpr)[1:], MIN_SEPARATION / 10)) / 2
    noise = np.random.default_rng(seed).standard_normal(middle.shape)
    low, high = np.quantile(slope + error * noise - middle, LEVELS, axis=0)
    decided = moving & rates.measurable & ((high < 0) | (low > 0))
    return [bool(most < 0) if clear else None for most, clear in zip(high, decided, strict=True)]
