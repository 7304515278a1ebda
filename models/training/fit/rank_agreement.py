"""How well a classifier's ranking of reviews agrees with their soft labels: whether it has learned anything at all."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating]

MIN_AUC = 0.7
"""A classifier that orders fewer pairs of reviews as their labels do has not learned what they say."""
MIN_SPREAD = 0.02
"""In logits; bfloat16 rounds values near 1 by up to 0.004, which reorders reviews that are no further apart."""
_MIN_Z = 3.0  # one-sided 0.1 %
_TELLING_AUC = 0.8  # if even this ranking would not stand out from chance, the rows are too few to evaluate on


@dataclass(frozen=True)
class RankAgreement:
    """Agreement in rank of n reviews' logits with their soft labels.

    Parameters
    ----------
    auc : float
        Share of pairs of reviews that the logits order as the soft labels do, each pair weighted by how much its
        labels differ: 0.5 is chance, 1 the same order. With hard labels of two classes it is the area under the ROC
        curve; with more classes the pairs of all classes (each against the rest) are counted together.
    z : float
        How many standard deviations it is above chance.
    spread : float
        Standard deviation of the centred logits over the reviews.
    rows : int
        n.
    is_telling : bool
        See `are_telling`.
    """

    auc: float
    z: float
    spread: float
    rows: int
    is_telling: bool

    def failure(self) -> str | None:
        """Say why this is no classifier; None if it is one."""
        if self.spread < MIN_SPREAD:
            return f"it gives all reviews nearly the same scores (spread {self.spread:.4f})"
        if self.auc < MIN_AUC:
            return f"it agrees with the labels no better than AUC {self.auc:.2f} (0.5 is chance)"
        if self.is_telling and self.z < _MIN_Z:
            return f"its agreement with the labels (AUC {self.auc:.2f}) may be chance"
        return None


def agreement(logits: Floats, targets: Floats) -> RankAgreement:
    """Compare the order of logits with that of soft labels.

    `auc` is (1 + G) / 2 of the Gini correlation G = cov(p, rank(s)) / cov(p, rank(p)) between labels p and scores s
    (Schechtman & Yitzhaki 1987). `z` divides the same covariance by its standard deviation over all assignments of the
    scores to the rows (the permutation moments of Mantel 1967).

    Parameters
    ----------
    logits : ndarray, shape (n, k)
    targets : ndarray, shape (n, k)
        Rows sum to 1.

    Returns
    -------
    RankAgreement
        With an `auc` of 0.5 and a `z` of 0 where all labels, or all logits, are equal.
    """
    scores = logits - np.logaddexp.reduce(np.asarray(logits, np.float64), axis=1, keepdims=True)
    centred = targets - targets.mean(axis=0, dtype=np.float64)
    ranks = _centred_ranks(scores)
    shared, chance = float((centred * ranks).sum()), _chance(centred, ranks)
    return RankAgreement(
        auc=0.5 + 0.5 * shared / _most(centred) if chance < math.inf else 0.5,
        z=shared / chance,
        spread=spread_of(logits),
        rows=len(logits),
        is_telling=are_telling(targets),
    )


def centred_logits(logits: Floats) -> npt.NDArray[np.float64]:
    """Return logits, shape (n, k), with a mean of 0 in each row: what a softmax sees of them."""
    even: npt.NDArray[np.float64] = logits - logits.mean(axis=1, keepdims=True, dtype=np.float64)
    return even


def spread_of(logits: Floats) -> float:
    """Return the standard deviation of centred logits over the reviews, the root mean square of that of each class."""
    return float(np.sqrt(centred_logits(logits).var(axis=0).mean()))


def are_telling(targets: Floats) -> bool:
    """Return whether soft labels, shape (n, k), are enough to tell a classifier with an AUC of 0.8 from chance."""
    if not len(targets):
        return False
    centred = targets - targets.mean(axis=0, dtype=np.float64)
    if not centred.any():
        return False
    noise = np.random.default_rng(0).normal(size=targets.shape)  # the scores of a classifier are all different
    scores = centred + 1e-9 * (noise - noise.mean(axis=1, keepdims=True))
    return (2 * _TELLING_AUC - 1) * _most(centred) / _chance(centred, _centred_ranks(scores)) >= _MIN_Z


def _most(centred: Floats) -> float:
    """Return what the labels' own order gives."""
    return float((centred * _centred_ranks(centred)).sum())


def _centred_ranks(values: Floats) -> npt.NDArray[np.float64]:
    """Rank each column, with a mean rank of 0; equal values share theirs."""
    return np.stack([_ranks(column) for column in values.T], axis=1) - (len(values) + 1) / 2


def _ranks(values: Floats) -> npt.NDArray[np.float64]:
    """Return ranks from 1, as `scipy.stats.rankdata` does, whose import takes half a second."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: npt.NDArray[np.float64] = (np.cumsum(counts) - (counts - 1) / 2)[places]
    return ranks


def _chance(centred: Floats, ranks: Floats) -> float:
    """Return the standard deviation of the sum of products over all shuffles of one's rows; infinite if it is 0."""
    variance = float(((centred.T @ centred) * (ranks.T @ ranks)).sum()) / max(len(centred) - 1, 1)
    return math.sqrt(variance) if variance > 1e-9 else math.inf
