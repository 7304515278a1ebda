"""Dawid and Skene's label model: one confusion matrix a voter, learned by EM on vote patterns.

Source: Dawid & Skene, "Maximum likelihood estimation of observer error-rates using the EM algorithm", 1979, with two
additions: abstaining may be an outcome of its own (a silent rule for class c speaks against c), and voters that repeat
one another share one vote (`correlation`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from .consensus import majority_agreement, where_shared
from .correlation import voter_groups
from .em import class_probabilities, run_em
from .patterns import VotePatterns

Array = npt.NDArray[np.float64]


@dataclass(kw_only=True, eq=False)
class DawidSkene:
    """Confusion matrices and class balance by expectation-maximisation.

    Parameters
    ----------
    k : int
        Number of classes.
    class_balance : ndarray of float64, shape (k,), optional
        Fixed prior, positive, sums to 1; learned when None.
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
        ``"flat"``, ``"max_iter"``, or ``"fallback: majority"`` where EM fails (`em.run_em`).
    notes_ : tuple[str, ...]
        What a user should be told.
    """

    k: int
    class_balance: Array | None = None
    abstain: bool = True
    smoothing: float = 1.0
    max_iter: int = 500
    tol: float = 1e-5
    group_correlated: bool = True
    families: Sequence[str] | None = None
    contradicted: Collection[int] = ()

    def fit(self, table: VotePatterns, *, groups: npt.NDArray[np.int64] | None = None) -> Self:
        """Run EM from the majority vote.

        Parameters
        ----------
        table : VotePatterns
            The votes.
        groups : ndarray of int64, shape (m,), optional
            Groups of correlated voters, where they are known already.
        """
        if groups is None:
            groups = voter_groups(table, self.k, correlated=self.group_correlated, families=self.families)
        self._fit = fit = run_em(
            table,
            self.k,
            groups,
            balance=self.class_balance,
            abstain=self.abstain,
            smoothing=self.smoothing,
            max_iter=self.max_iter,
            tol=self.tol,
        )
        self.groups_, self.weights_, self.class_balance_, self.n_iter_ = groups, fit.weights, fit.balance, fit.steps
        self.notes_: tuple[str, ...] = ()
        if fit.confusion is None:
            self.termination_ = "fallback: majority"
            self.voter_accuracy_ = majority_agreement(table, self.k)
            self.notes_ = (f"{fit.failure}: the majority vote was used instead.",)
            return self
        self.confusion_ = fit.confusion
        joint = self.confusion_[:, 1:, :] * self.class_balance_
        right = np.einsum("jyy->j", joint) / joint.sum(axis=(1, 2))
        self.voter_accuracy_ = where_shared(table, self.k, groups, right)
        self.termination_ = "flat" if fit.converged else "max_iter"
        if not fit.converged:
            self.notes_ = (f"Dawid-Skene had not converged after {self.n_iter_} steps.",)
        return self

    def predict_proba(self, table: VotePatterns) -> Array:
        """Class probabilities of each pattern, shape (p, k); the class balance where nobody votes."""
        return class_probabilities(self._fit, table, self.k, self.contradicted)
