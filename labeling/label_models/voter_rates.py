"""How often each voter votes what in each class, counted on the majority vote, and how likely such rates make votes.

A label model that makes the votes less likely than the counts do has not found out who is right, whatever its own
objective says.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .consensus import MIN_SHARED_ROWS, majority_probs
from .em import confusion_matrices, evidence, typical_votes
from .patterns import VotePatterns, one_hot_outcomes

_MIN_RATE = 1e-3  # rate of what a label model takes for impossible

Array = npt.NDArray[np.float64]


def majority_rates(table: VotePatterns, k: int, prior: Array, weights: Array) -> Array:
    """Count how often each voter votes what, were the majority vote the truth.

    Each class gets `MIN_SHARED_ROWS` more rows on which a voter votes as it does overall, so that a class of a few rows
    has little influence.

    Parameters
    ----------
    table : VotePatterns
        The votes.
    k : int
        Number of classes.
    prior : ndarray of float64, shape (k,)
        Class probabilities of a row without votes.
    weights : ndarray of float64, shape (m,)
        Weight of each voter.

    Returns
    -------
    ndarray of float64, shape (m, k + 1, k)
        ``P(vote = l - 1 | class y)`` at ``[j, l, y]``; positive.
    """
    outcomes = one_hot_outcomes(table, k)
    pseudo_rows = MIN_SHARED_ROWS * typical_votes(table, outcomes, k)
    counts = table.counts[:, np.newaxis] * majority_probs(table, k, prior, weights=weights)
    return confusion_matrices(outcomes, counts, pseudo_rows)


def with_abstentions(conditionals: npt.NDArray[np.float32]) -> Array:
    """Add to ``P(voter j votes c | class y)``, shape (m, k, k), what it leaves for abstaining; shape (m, k + 1, k)."""
    votes = conditionals.astype(np.float64)
    rates = np.concatenate([1 - votes.sum(axis=1, keepdims=True), votes], axis=1)
    possible: Array = np.maximum(rates, _MIN_RATE)
    return possible


def log_likelihoods(table: VotePatterns, rates: Array, balance: Array, weights: Array) -> Array:
    """Log-likelihood of each pattern's votes and abstentions, for voters that are independent given the class.

    Parameters
    ----------
    table : VotePatterns
        The votes.
    rates : ndarray of float64, shape (m, k + 1, k)
        As from `majority_rates`.
    balance : ndarray of float64, shape (k,)
        Positive, sums to 1.
    weights : ndarray of float64, shape (m,)
        Factor of each voter's log-likelihood.

    Returns
    -------
    ndarray of float64, shape (p,)
    """
    from scipy.special import logsumexp

    likelihood = evidence(one_hot_outcomes(table, len(balance)), rates, weights)
    total: Array = logsumexp(likelihood + np.log(balance), axis=1)
    return total


def fits_better(table: VotePatterns, one: Array, other: Array) -> bool:
    """Return whether one model fits the rows better than another, by more than one standard error.

    Parameters
    ----------
    table : VotePatterns
        The votes.
    one, other : ndarray of float64, shape (p,)
        Log-likelihood of each pattern.

    Notes
    -----
    The statistic is Vuong's, "Likelihood ratio tests for model selection and non-nested hypotheses", 1989.
    """
    gain = one - other
    mean = float(np.average(gain, weights=table.counts))
    variance = float(np.average((gain - mean) ** 2, weights=table.counts))
    return mean > float(np.sqrt(variance / table.n))
