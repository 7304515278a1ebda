"""The majority vote, and the checks that a fitted model does not contradict voters who agree."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import numpy.typing as npt

from ...data.gold.weights import jeffreys_interval
from ...data.types.label_space import ABSTAIN
from .patterns import VotePatterns, indicators

MIN_SHARED_ROWS = 30  # rows that voters must share before their agreement means anything
_LEAD = 1e-3  # by which the class that wins among those voted for leads one that nobody voted for


def has_conflict(patterns: npt.NDArray[np.int16]) -> npt.NDArray[np.bool_]:
    """Return in which patterns, shape (p, m), two voters vote for different classes; shape (p,)."""
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
    totals = np.stack([(table.patterns == label) @ weight for label in range(k)], axis=1)
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


def smoothed_shares(table: VotePatterns, k: int) -> npt.NDArray[np.float64]:
    """Share of the votes each class gets with one more vote spread over all classes, shape (p, k).

    The posterior mean of a Dirichlet prior of weight one. It is what is known of a row when nothing is known of the
    voters: a single vote makes its class more likely (0.75 of two classes), never certain.
    """
    votes = (table.patterns != ABSTAIN).sum(axis=1, keepdims=True)
    shares: npt.NDArray[np.float64] = (vote_shares(table, k) * votes + 1 / k) / (votes + 1)
    return shares


def majority_shares(table: VotePatterns, k: int) -> npt.NDArray[np.float64]:
    """Share of each class among the rows labelled by the majority vote, shape (k,), Laplace-smoothed."""
    probs = majority_probs(table, k, np.full(k, 1 / k))
    counts = table.counts[table.covered] @ probs[table.covered] + 1
    shares: npt.NDArray[np.float64] = counts / counts.sum()
    return shares


def majority_posterior(table: VotePatterns, k: int, balance: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """`smoothed_shares` of each pattern, shape (p, k); `balance` where nobody votes."""
    return np.where(table.covered[:, np.newaxis], smoothed_shares(table, k), balance)


def majority_agreement(table: VotePatterns, k: int) -> npt.NDArray[np.float64]:
    """Agreement of each voter with the majority vote, its own vote included, shape (m,).

    NaN for a voter that is hardly ever joined by another one (`shared_rows`).
    """
    agreement = expected_accuracy(table, majority_probs(table, k, np.full(k, 1 / k)))
    return where_shared(table, k, np.arange(table.m), agreement)


def where_shared(
    table: VotePatterns, k: int, groups: npt.NDArray[np.int64], accuracy: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Keep the accuracy, shape (m,), of voters that independent ones join often enough to show it; NaN for others."""
    _, shared = shared_rows(table, k, groups, voters=2)
    return np.where(shared >= MIN_SHARED_ROWS, accuracy, np.nan)


def shared_rows(
    table: VotePatterns, k: int, groups: npt.NDArray[np.int64], *, voters: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Count the rows that are informative: those on which independent voters could have agreed.

    Rules for different classes that vote on the same row can only contradict each other, and a vote that stands alone
    says nothing. Agreement of two voters bounds their accuracies; to tell the accuracies apart takes three (Parisi et
    al. 2014, doi:10.1073/pnas.1219097111).

    Parameters
    ----------
    table : VotePatterns
        The votes.
    k : int
        Number of classes.
    groups : ndarray of int64, shape (m,)
        Voters with equal numbers are not independent and count as one (`correlation.correlated_groups`).
    voters : int
        How many independent voters must vote on a row.

    Returns
    -------
    by_class : ndarray of int64, shape (k,)
        Rows with votes by that many voters who all vote for the class at times.
    by_voter : ndarray of int64, shape (m,)
        Rows of at least one class on which the voter is one of them.
    """
    voted = table.patterns != ABSTAIN
    member = np.equal.outer(np.arange(groups.max(initial=-1) + 1), groups)
    by_class, informs = np.zeros(k, np.int64), np.zeros(voted.shape, np.bool_)
    for label in range(k):
        able = np.any(table.patterns == label, axis=0)
        present = (voted & able).astype(np.float32) @ member.T.astype(np.float32) > 0
        rows = present.sum(axis=1) >= voters
        by_class[label] = table.counts[rows].sum()
        informs |= rows[:, np.newaxis] & able
    return by_class, table.counts @ (informs & voted)


def keep_votes(
    table: VotePatterns, probs: npt.NDArray[np.float64], contradicted: Collection[int] = ()
) -> npt.NDArray[np.float64]:
    """Let no row get a class that nobody voted for; a row on which all voters agree so keeps their class.

    Where a model gives a row to another class, the most likely of those voted for is raised until it just leads. The
    row's label then follows the votes, and its confidence shows the model's doubt. Other rows stay as they are.

    Parameters
    ----------
    table : VotePatterns
        The votes.
    probs : ndarray of float64, shape (p, k)
        What a model makes of them.
    contradicted : collection of int
        Classes of `contradicted_classes`: where all voters agree on one of these, the model decides.

    Returns
    -------
    ndarray of float64, shape (p, k)
    """
    k = probs.shape[1]
    voted = np.stack([np.any(table.patterns == label, axis=1) for label in range(k)], axis=1)
    best = np.where(voted, probs, -1.0).argmax(axis=1)
    lost = table.covered & (probs[np.arange(len(probs)), best] <= np.where(voted, -1.0, probs).max(axis=1))
    rows = np.flatnonzero(lost & ~((voted.sum(axis=1) == 1) & np.isin(best, list(contradicted))))
    if not len(rows):
        return probs
    kept = probs.copy()
    kept[rows, best[rows]] = probs[rows].max(axis=1) * (1 + _LEAD)
    kept[rows] /= kept[rows].sum(axis=1, keepdims=True)
    return kept


def contradicted_classes(
    table: VotePatterns, rows: npt.NDArray[np.int64], gold: npt.NDArray[np.int16], k: int
) -> tuple[int, ...]:
    """Classes that gold labels deny where all voters agree on them: fewer than half of these rows are right.

    By the upper end of the 95 % Jeffreys interval, so that four rows or more must say so. Such a row may get another
    class than its voters'.

    Parameters
    ----------
    table : VotePatterns
        The votes; it maps rows.
    rows : ndarray of int64, shape (g,)
        Rows with a gold label.
    gold : ndarray of int16, shape (g,)
        Their classes.
    k : int
        Number of classes.
    """
    votes = table.patterns[table.inverse[rows]]
    agreed = np.where(has_conflict(votes), ABSTAIN, votes.max(axis=1, initial=ABSTAIN))
    found = np.bincount(agreed[agreed != ABSTAIN], minlength=k)
    right = np.bincount(agreed[(agreed != ABSTAIN) & (agreed == gold)], minlength=k)
    _, highest = jeffreys_interval(right, found - right)
    return tuple(np.flatnonzero((found > 0) & (highest < 0.5)).tolist())


def unanimous_votes(table: VotePatterns, k: int) -> VotePatterns:
    """Invent, for each class that at least two voters ever vote, the row on which all of these vote it."""
    ever = indicators(table.patterns, k).any(axis=0).reshape(table.m, k)
    classes = np.flatnonzero(ever.sum(axis=0) >= 2)
    return VotePatterns.from_votes(np.where(ever[:, classes].T, classes[:, np.newaxis], ABSTAIN))


def agrees_with_consensus(unanimous: VotePatterns, evidence: npt.NDArray[np.float64]) -> bool:
    """Return whether the rows of `unanimous_votes` speak for their class and for no other.

    Parameters
    ----------
    unanimous : VotePatterns
        The c rows.
    evidence : ndarray of float64, shape (c, k)
        Log-likelihood of each such row in each class. The prior stays out of it: two weak rules for a rare class may
        agree and still be outweighed by it.
    """
    return bool(np.all(evidence.argmax(axis=1) == unanimous.patterns.max(axis=1, initial=ABSTAIN)))


def overrules_consensus(table: VotePatterns, probs: npt.NDArray[np.float64]) -> bool:
    """Return whether most rows on which all voters who vote agree on some class do not get that class.

    Parameters
    ----------
    table : VotePatterns
        The votes.
    probs : ndarray of float64, shape (p, k)
        What a model makes of them.
    """
    agreed = table.covered & ~has_conflict(table.patterns)
    wanted, counts = table.patterns[agreed].max(axis=1, initial=ABSTAIN), table.counts[agreed]
    lost = np.bincount(wanted, counts * (probs[agreed].argmax(axis=1) != wanted))
    return bool(np.any(2 * lost > np.bincount(wanted, counts)))


def expected_accuracy(table: VotePatterns, probs: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Accuracy of each voter when it votes, were `probs` (p, k) the truth; shape (m,), NaN for a silent voter."""
    accuracy = np.full(table.m, np.nan)
    for voter, votes in enumerate(table.patterns.T):
        voted = np.flatnonzero(votes != ABSTAIN)
        if len(voted):
            accuracy[voter] = np.average(probs[voted, votes[voted]], weights=table.counts[voted])
    return accuracy
