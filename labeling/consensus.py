"""What the votes say without any model, and the check that a fitted model does not say the opposite."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..data.label_space import ABSTAIN
from .patterns import VotePatterns, indicators


def divided(patterns: npt.NDArray[np.int16]) -> npt.NDArray[np.bool_]:
    """Say in which patterns, shape (p, m), two voters vote for different classes; shape (p,)."""
    lowest = np.where(patterns == ABSTAIN, np.iinfo(np.int16).max, patterns).min(axis=1, initial=np.iinfo(np.int16).max)
    conflict: npt.NDArray[np.bool_] = patterns.max(axis=1, initial=ABSTAIN) > lowest
    return conflict


def vote_shares(
    table: VotePatterns, k: int, *, weights: npt.NDArray[np.float64] | None = None
) -> npt.NDArray[np.float64]:
    """Share of the votes each class gets, shape (p, k); rows of zeros where nobody votes.

    Parameters
    ----------
    table : VotePatterns
        The votes.
    k : int
        Number of classes.
    weights : ndarray of float64, shape (m,), optional
        Weight of each voter, 1 by default.
    """
    weight = np.ones(table.m) if weights is None else weights
    totals = np.zeros((len(table), k))
    for label in range(k):
        totals[:, label] = (table.patterns == label) @ weight
    total = totals.sum(axis=1, keepdims=True)
    shares: npt.NDArray[np.float64] = np.divide(totals, total, out=np.zeros_like(totals), where=total > 0)
    return shares


def majority_probs(
    table: VotePatterns, k: int, prior: npt.NDArray[np.float64], *, weights: npt.NDArray[np.float64] | None = None
) -> npt.NDArray[np.float64]:
    """Majority vote, shape (p, k): tied classes share the row equally, a row without votes gets `prior`."""
    shares = vote_shares(table, k, weights=weights)
    winners = np.isclose(shares, shares.max(axis=1, keepdims=True), rtol=0, atol=1e-9)
    probs = winners / winners.sum(axis=1, keepdims=True)
    return np.where(table.covered[:, np.newaxis], probs, prior)


def unanimous_votes(table: VotePatterns, k: int) -> tuple[VotePatterns, npt.NDArray[np.int64]]:
    """Invent, for each class that at least two voters ever vote, the row on which all of these vote it.

    Returns
    -------
    rows : VotePatterns
        One pattern a class, at most k.
    classes : ndarray of int64, shape (len(rows),)
        The class each of them must get from a model that deserves trust.
    """
    ever = indicators(table.patterns, k).any(axis=0).reshape(table.m, k) if len(table) else np.zeros((table.m, k), bool)
    classes = np.flatnonzero(ever.sum(axis=0) >= 2)
    votes = np.where(ever[:, classes].T, classes[:, np.newaxis], ABSTAIN).astype(np.int16)
    order = np.lexsort(votes.T[::-1])
    count = len(classes)
    rows = VotePatterns(votes[order], np.ones(count, np.int64), np.arange(count, dtype=np.int32))
    return rows, classes[order]


def agrees_with_consensus(evidence: npt.NDArray[np.float64], classes: npt.NDArray[np.int64]) -> bool:
    """Tell whether the rows of `unanimous_votes` speak for their class and for no other.

    Parameters
    ----------
    evidence : ndarray of float64, shape (c, k)
        Log-likelihood of each such row in each class. The prior stays out of it: two weak rules for a rare class may
        agree and still be outweighed by it.
    classes : ndarray of int64, shape (c,)
        The class of each row.
    """
    return bool(np.all(evidence.argmax(axis=1) == classes))


def overruled_classes(table: VotePatterns, probs: npt.NDArray[np.float64]) -> list[int]:
    """Classes that most rows do not get on which all voters who vote agree on them.

    Parameters
    ----------
    table : VotePatterns
        The votes.
    probs : ndarray of float64, shape (p, k)
        What a model makes of them.
    """
    highest = table.patterns.max(axis=1, initial=ABSTAIN)
    agreed = table.covered & ~divided(table.patterns)
    given = probs.argmax(axis=1)
    overruled = []
    for label in range(probs.shape[1]):
        rows = agreed & (highest == label)
        if 2 * table.counts[rows & (given != label)].sum() > table.counts[rows].sum():
            overruled.append(label)
    return overruled


def expected_accuracy(table: VotePatterns, probs: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Accuracy of each voter when it votes, were `probs` (p, k) the truth; shape (m,), NaN for a silent voter."""
    accuracy = np.full(table.m, np.nan)
    for voter, votes in enumerate(table.patterns.T):
        voted = np.flatnonzero(votes != ABSTAIN)
        if len(voted):
            accuracy[voter] = np.average(probs[voted, votes[voted]], weights=table.counts[voted])
    return accuracy
