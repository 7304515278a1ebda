"""Area under the precision-recall curve of each class, with its interval."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .resampling import JEFFREYS, Array, Estimate, estimate, row_draws, row_unit


def average_precisions(
    truth: npt.NDArray[np.int16],
    probs: npt.NDArray[np.float32],
    weights: Array,
    *,
    resamples: int,
    rng: np.random.Generator,
) -> list[Estimate | None]:
    """Score each class's probability as a ranking of its rows above all others.

    Average precision as in scikit-learn: the sum over thresholds of precision times the gain in recall. As the best
    and the worst row of a class may be missing from the sample, the prior adds half a row that ranks above all
    others and half a row that ranks below.

    Parameters
    ----------
    truth : ndarray of int16, shape (g,)
        Gold class of each row.
    probs : ndarray of float32, shape (g, k)
        Class probabilities.
    weights : ndarray of float64, shape (g,)
        Row weights.

    Returns
    -------
    list of k Estimate or None
        None for a class without gold rows.
    """
    rankings = {c: _Ranking(truth == c, probs[:, c], weights) for c in np.unique(truth).tolist()}
    draws = {c: np.empty(resamples) for c in rankings}
    for block, mass in row_draws(weights, resamples=resamples, rng=rng):
        for c, ranking in rankings.items():
            prior = rng.standard_gamma(JEFFREYS, (2, len(mass))) * ranking.unit[:, np.newaxis]
            draws[c][block] = ranking.score(mass, prior)
    values = {c: ranking.score(weights[np.newaxis], np.zeros((2, 1)))[0] for c, ranking in rankings.items()}
    return [estimate(values[c], draws[c]) if c in rankings else None for c in range(probs.shape[1])]


class _Ranking:
    """The rows of a gold sample in falling order of one class's probability."""

    def __init__(self, positive: npt.NDArray[np.bool_], score: npt.NDArray[np.float32], weights: Array) -> None:
        self._order = np.argsort(-score, kind="stable")
        self._positive = positive[self._order].astype(np.float64)
        # Rows of equal probability pass the threshold together.
        self._ends = np.flatnonzero(np.append(np.diff(score[self._order]) != 0, True))
        own = weights[positive]
        self.unit = row_unit(own.sum(), np.square(own).sum(), float(np.square(weights).sum() / weights.sum()))

    def score(self, mass: Array, prior: Array) -> Array:
        """Average precision for each row of weights, shape (b, g); `prior` is the weight above and below all rows."""
        first, last = prior[:, :, np.newaxis]
        ordered = mass[:, self._order]
        passed = np.cumsum(ordered, axis=1)[:, self._ends] + first
        hits = np.cumsum(ordered * self._positive, axis=1)[:, self._ends] + first
        gains = np.diff(hits, axis=1, prepend=first)
        positives = hits[:, -1:] + last
        area = first + (gains * hits / passed).sum(axis=1, keepdims=True) + last * positives / (passed[:, -1:] + last)
        precision: Array = (area / positives)[:, 0]
        return precision
