"""Expectation-maximisation for Dawid and Skene's model, on vote patterns: the core of what is learned from agreement.

Source: Dawid & Skene, "Maximum likelihood estimation of observer error-rates using the EM algorithm", 1979.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from .consensus import (
    MIN_SHARED_ROWS,
    agrees_with_consensus,
    keep_votes,
    majority_posterior,
    majority_probs,
    majority_shares,
    shared_rows,
    unanimous_votes,
)
from .patterns import VotePatterns, one_hot_outcomes

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class EMFit:
    """What EM found.

    Parameters
    ----------
    balance : ndarray of float64, shape (k,)
        Class balance, given or learned; of the majority vote after a failure.
    confusion : ndarray of float64, shape (m, k + 1, k), optional
        ``P(vote = l - 1 | class y)`` at ``[j, l, y]``; without abstentions as an outcome, given that the voter votes
        (row 0 is 1). None after a failure.
    weights : ndarray of float64, shape (m,)
        Factor of each voter's log-likelihood.
    steps : int
    converged : bool
    failure : str
        Why the majority vote must be used instead; empty if it need not.
    """

    balance: Array
    confusion: Array | None
    weights: Array
    steps: int = 0
    converged: bool = False
    failure: str = ""


def run_em(
    table: VotePatterns,
    k: int,
    groups: npt.NDArray[np.int64],
    *,
    balance: Array | None = None,
    abstain: bool = True,
    smoothing: float = 1.0,
    max_iter: int = 500,
    tol: float = 1e-5,
) -> EMFit:
    """Run EM from the majority vote.

    It fails where independent voters hardly vote on the same rows, and where it drifts until voters who all agree
    speak against their own class: it then models something else than the classes.

    Parameters
    ----------
    table : VotePatterns
        The votes.
    k : int
        Number of classes.
    groups : ndarray of int64, shape (m,)
        Voters with equal numbers share one vote (`correlation.correlated_groups`).
    balance : ndarray of float64, shape (k,), optional
        Fixed prior; learned when None.
    abstain, smoothing, max_iter, tol
        As for `dawid_skene.DawidSkene`.
    """
    weights = group_weights(groups)
    failed = EMFit(majority_shares(table, k) if balance is None else balance, None, weights)
    _, shared = shared_rows(table, k, groups, voters=2)
    if not np.any(shared >= MIN_SHARED_ROWS):
        return replace(failed, failure="Independent voters hardly vote on the same reviews")
    outcomes = one_hot_outcomes(table, k)
    unanimous = unanimous_votes(table, k)
    agreeing = one_hot_outcomes(unanimous, k)
    pseudo_rows = smoothing * typical_votes(table, outcomes, k, abstain=abstain)
    probs = majority_probs(table, k, np.full(k, 1 / k) if balance is None else balance, weights=weights)
    for step in range(1, max_iter + 1):
        counts = table.counts[:, np.newaxis] * probs
        confusion = confusion_matrices(outcomes, counts, pseudo_rows, abstain=abstain)
        seen = counts if abstain else counts[table.covered]
        learned = seen.sum(axis=0) + smoothing
        prior = learned / learned.sum() if balance is None else balance
        if not agrees_with_consensus(unanimous, evidence(agreeing, confusion, weights)):
            return replace(failed, steps=step, failure=f"Dawid-Skene drifted away from the classes in step {step}")
        before, probs = probs, _posterior(outcomes, confusion, weights, prior)
        converged = bool(np.abs(probs - before).max(initial=0.0) < tol)
        if converged:
            break
    return EMFit(prior, confusion, weights, step, converged)


def class_probabilities(fit: EMFit, table: VotePatterns, k: int, contradicted: Collection[int] = ()) -> Array:
    """Class probabilities of each pattern, shape (p, k); the class balance where nobody votes.

    Parameters
    ----------
    fit : EMFit
    table : VotePatterns
        Votes of the same voters.
    k : int
        Number of classes.
    contradicted : collection of int
        See `consensus.keep_votes`.
    """
    if fit.confusion is None:
        return majority_posterior(table, k, fit.balance)
    probs = _posterior(one_hot_outcomes(table, k), fit.confusion, fit.weights, fit.balance)
    return keep_votes(table, np.where(table.covered[:, np.newaxis], probs, fit.balance), contradicted)


def group_weights(groups: npt.NDArray[np.int64]) -> Array:
    """Weight of each voter, shape (m,): one over the size of its group, so that a group counts as one voter."""
    return 1.0 / np.bincount(groups)[groups] if len(groups) else np.zeros(0)


def typical_votes(table: VotePatterns, outcomes: csr_array, k: int, *, abstain: bool = True) -> Array:
    """How a voter votes overall, smoothed, shape (m, k + 1, 1)."""
    typical = (outcomes.T @ table.counts.astype(np.float64)).reshape(table.m, k + 1) + 1 / (k + 1)
    if not abstain:
        typical[:, 0] = 0
    shares: Array = (typical / typical.sum(axis=1, keepdims=True))[:, :, np.newaxis]
    return shares


def confusion_matrices(outcomes: csr_array, counts: Array, pseudo_rows: Array, *, abstain: bool = True) -> Array:
    """M step: confusion matrices from expected counts (p, k)."""
    joint = (outcomes.T @ counts).reshape(len(pseudo_rows), -1, counts.shape[1]) + pseudo_rows
    if not abstain:
        joint[:, 0, :] = 0
    confusion: Array = joint / joint.sum(axis=1, keepdims=True)
    if not abstain:
        confusion[:, 0, :] = 1
    return confusion


def evidence(outcomes: csr_array, confusion: Array, weights: Array) -> Array:
    """Log-likelihood of each pattern in each class, shape (p, k); a voter's evidence counts by its weight."""
    by_vote = np.log(confusion) * weights[:, np.newaxis, np.newaxis]
    total: Array = outcomes @ by_vote.reshape(-1, confusion.shape[2])
    return total


def _posterior(outcomes: csr_array, confusion: Array, weights: Array, balance: Array) -> Array:
    """E step: posterior of each pattern, in the log domain."""
    from scipy.special import softmax

    posterior: Array = softmax(evidence(outcomes, confusion, weights) + np.log(balance), axis=1)
    return posterior
