"""Normal scores of the label model's log-odds: its order of the rows, without the gaps between vote patterns.

A label model is nearly certain of most rows, whose log-odds differ by chance of what voted; added to a student's logits
as they are they drown it there, and say too little among the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...models.scoring.priors import normal_scores

Array = npt.NDArray[np.float64]

_LOWEST = 1e-6  # probability


@dataclass(frozen=True, eq=False)
class NormalScores:
    """A rising function for each class, linear between the values that it was fitted to.

    Parameters
    ----------
    values, scores : sequence of ndarray of float64, shape (q,)
        For each of the k classes the distinct log-odds, ascending, and their scores.
    """

    values: Sequence[Array]
    scores: Sequence[Array]

    def of(self, odds: Array) -> Array:
        """Return the scores of log-odds, both of shape (n, k)."""
        columns = zip(odds.T, self.values, self.scores, strict=True)
        return np.stack([np.interp(column, values, scores) for column, values, scores in columns], axis=1)


def fit_normal_scores(odds: Array, weights: Array) -> NormalScores:
    """Find the normal scores of the log-odds of each class; see `priors.normal_scores`.

    Parameters
    ----------
    odds : ndarray of float64, shape (n, k)
    weights : ndarray of float64, shape (n,)
        How many rows each row stands for.
    """
    values, scores = [], []
    for column in odds.T:
        found, inverse = np.unique(column, return_inverse=True)
        values.append(found)
        scores.append(normal_scores(np.bincount(inverse, weights)))
    return NormalScores(values, scores)


def log_odds(probs: npt.NDArray[np.floating]) -> Array:
    """Return the log-odds of each class against all others, shape (n, k)."""
    exact = probs.astype(np.float64)
    others = exact @ (1 - np.eye(probs.shape[1]))  # not 1 - p, of which nothing is left where a class is nearly certain
    odds: Array = np.log(np.maximum(exact, _LOWEST)) - np.log(np.maximum(others, _LOWEST))
    return odds
