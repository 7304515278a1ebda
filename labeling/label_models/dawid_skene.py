"""Dawid and Skene's label model: one confusion matrix a voter, learned by EM on vote patterns.

Source: Dawid & Skene, "Maximum likelihood estimation of observer error-rates using the EM algorithm", 1979, with two
additions: abstaining may be an outcome of its own (a silent rule for class c speaks against c), and voters that repeat
one another share one vote (`correlation`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt

from ...data.types.label_space import ABSTAIN
from .class_balance import checked_balance
from .consensus import (
    MIN_SHARED_ROWS,
    agrees_with_consensus,
    keep_votes,
    majority_probs,
    shared_rows,
    unanimous_votes,
)
from .correlation import group_weights, voter_groups
from .majority import MajorityVote
from .patterns import VotePatterns, one_hot_outcomes

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Array = npt.NDArray[np.float64]


class DawidSkene:
    """Confusion matrices and class balance by expectation-maximisation.

    Parameters
    ----------
    k : int
        Number of classes.
    class_balance : array-like of float, shape (k,), optional
        Fixed prior; learned when None.
    abstain : bool
        Whether abstaining is an outcome with a probability per class.
    smoothing : float
        Pseudo-rows per voter and class, spread as the voter votes overall: keeps zeros out of the logarithms.
    max_iter : int
        Most EM steps.
    tol : float
        EM has converged when no probability of a pattern changes by more.
    group_correlated : bool
        Whether correlated voters share one vote.
    families : sequence of str, length m, optional
        Origin of each voter, see `correlation.correlated_groups`.
    gold_weight : float
        How many rows a gold label counts as (see `fit`).
    contradicted : collection of int
        Classes that gold rows deny where all voters agree on them, see `consensus.keep_votes`.

    Attributes
    ----------
    class_balance_ : ndarray of float64, shape (k,)
    confusion_ : ndarray of float64, shape (m, k + 1, k)
        ``P(vote = l - 1 | class y)`` at ``[j, l, y]``; without `abstain`, given that the voter votes (row 0 is 1).
    voter_accuracy_ : ndarray of float64, shape (m,)
        Probability of being right when it votes, NaN where agreement cannot show it: for a voter that independent
        ones hardly ever join (`consensus.shared_rows`).
    groups_, weights_ : ndarray, shape (m,)
        Group of each voter, and one over the size of its group.
    n_iter_ : int
    termination_ : str
        ``"flat"``, ``"max_iter"``, or ``"fallback: majority"``: independent voters hardly vote on the same rows, or EM
        drifted until voters who all agree spoke against their own class. It then models something else than the
        classes, so the majority vote is used instead.
    notes_ : tuple[str, ...]
        What a user should be told.
    """

    def __init__(
        self,
        *,
        k: int,
        class_balance: npt.ArrayLike | None = None,
        abstain: bool = True,
        smoothing: float = 1.0,
        max_iter: int = 500,
        tol: float = 1e-5,
        group_correlated: bool = True,
        families: Sequence[str] | None = None,
        gold_weight: float = 1.0,
        contradicted: Collection[int] = (),
    ) -> None:
        self.k = k
        self.class_balance = None if class_balance is None else checked_balance(class_balance, k)
        self.abstain = abstain
        self.smoothing = smoothing
        self.max_iter = max_iter
        self.tol = tol
        self.group_correlated = group_correlated
        self.families = families
        self.gold_weight = gold_weight
        self.contradicted = contradicted

    def fit(
        self,
        table: VotePatterns,
        gold: npt.NDArray[np.int16] | None = None,
        *,
        groups: npt.NDArray[np.int64] | None = None,
    ) -> Self:
        """Run EM from the majority vote.

        Parameters
        ----------
        table : VotePatterns
            The votes.
        gold : ndarray of int16, shape (n,), optional
            Class indices, -1 where unknown. Rows with a gold label keep it through every step.
        groups : ndarray of int64, shape (m,), optional
            Groups of correlated voters, where they are known already.
        """
        if groups is None:
            groups = voter_groups(table, self.k, correlated=self.group_correlated, families=self.families)
        self.groups_ = groups
        self.weights_ = group_weights(self.groups_)
        self.notes_: tuple[str, ...] = ()
        self._fallback: MajorityVote | None = None
        self.n_iter_, self.termination_ = 0, "max_iter"
        _, shared = shared_rows(table, self.k, self.groups_, voters=2)
        known = self._gold_counts(table, gold)
        if not np.any(shared >= MIN_SHARED_ROWS) and not known.any():
            self._fall_back(table, "Independent voters hardly vote on the same reviews")
            return self
        outcomes = one_hot_outcomes(table, self.k)
        marginal = (outcomes.T @ table.counts.astype(np.float64)).reshape(table.m, self.k + 1)
        unanimous, classes = unanimous_votes(table, self.k)

        uniform = np.full(self.k, 1 / self.k)
        start = uniform if self.class_balance is None else self.class_balance
        probs = majority_probs(table, self.k, start, weights=self.weights_)
        while self.n_iter_ < self.max_iter and self.termination_ == "max_iter":
            self._m_step(table, outcomes, probs, known, marginal)
            updated = self._e_step(outcomes)
            change = np.abs(updated - probs).max(initial=0.0)
            probs = updated
            self.n_iter_ += 1
            if not agrees_with_consensus(self._evidence(one_hot_outcomes(unanimous, self.k)), classes):
                self._fall_back(table, f"Dawid-Skene drifted away from the classes in step {self.n_iter_}")
            elif change < self.tol:
                self.termination_ = "flat"
        if self.termination_ == "max_iter":
            self.notes_ = (f"Dawid-Skene had not converged after {self.n_iter_} steps.",)
        if self._fallback is None:
            self.voter_accuracy_ = np.where(shared >= MIN_SHARED_ROWS, self._accuracy(marginal), np.nan)
        return self

    def predict_proba(self, table: VotePatterns) -> Array:
        """Class probabilities of each pattern, shape (p, k); the class balance where nobody votes."""
        if self._fallback is not None:
            return self._fallback.predict_proba(table)
        probs = np.where(
            table.covered[:, np.newaxis], self._e_step(one_hot_outcomes(table, self.k)), self.class_balance_
        )
        return keep_votes(table, probs, self.contradicted)

    def _evidence(self, outcomes: csr_array) -> Array:
        """Log-likelihood of each pattern in each class, shape (p, k); a voter's evidence counts by its weight."""
        evidence = np.log(self.confusion_) * self.weights_[:, np.newaxis, np.newaxis]
        total: Array = outcomes @ evidence.reshape(-1, self.k)
        return total

    def _e_step(self, outcomes: csr_array) -> Array:
        """Posterior of each pattern, in the log domain."""
        joint = self._evidence(outcomes) + np.log(self.class_balance_)
        joint -= joint.max(axis=1, keepdims=True)
        np.exp(joint, out=joint)
        posterior: Array = joint / joint.sum(axis=1, keepdims=True)
        return posterior

    def _m_step(self, table: VotePatterns, outcomes: csr_array, probs: Array, known: Array, marginal: Array) -> None:
        """Re-estimate confusions and class balance from expected counts, gold rows counted as what they are."""
        counts = (table.counts - known.sum(axis=1))[:, np.newaxis] * probs + self.gold_weight * known
        joint = (outcomes.T @ counts).reshape(table.m, self.k + 1, self.k)
        joint += self.smoothing * self._typical(marginal)[:, :, np.newaxis]
        if not self.abstain:
            joint[:, 0, :] = 0
        self.confusion_ = joint / joint.sum(axis=1, keepdims=True)
        if not self.abstain:
            self.confusion_[:, 0, :] = 1
        if self.class_balance is None:
            seen = counts if self.abstain else counts[table.covered]
            total = seen.sum(axis=0) + self.smoothing
            self.class_balance_ = total / total.sum()
        else:
            self.class_balance_ = self.class_balance

    def _typical(self, marginal: Array) -> Array:
        """How a voter votes overall, smoothed, shape (m, k + 1)."""
        smoothed = marginal + 1 / (self.k + 1)
        if not self.abstain:
            smoothed[:, 0] = 0
        typical: Array = smoothed / smoothed.sum(axis=1, keepdims=True)
        return typical

    def _gold_counts(self, table: VotePatterns, gold: npt.NDArray[np.int16] | None) -> Array:
        counts = np.zeros((len(table), self.k))
        if gold is not None:
            known = np.flatnonzero(gold != ABSTAIN)
            np.add.at(counts, (table.inverse[known], gold[known]), 1)
        return counts

    def _accuracy(self, marginal: Array) -> Array:
        joint = self.confusion_[:, 1:, :] * self.class_balance_
        right, voted = np.einsum("jyy->j", joint), joint.sum(axis=(1, 2))
        return np.where(marginal[:, 1:].sum(axis=1) > 0, right / voted, np.nan)

    def _fall_back(self, table: VotePatterns, reason: str) -> None:
        self._fallback = MajorityVote(k=self.k, class_balance=self.class_balance).fit(table)
        self.class_balance_, self.voter_accuracy_ = self._fallback.class_balance_, self._fallback.voter_accuracy_
        self.termination_ = "fallback: majority"
        self.notes_ = (f"{reason}: the majority vote was used instead.",)
