"""The majority vote as a label model: the baseline every other one has to beat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from .consensus import majority_agreement, majority_posterior, majority_shares
from .patterns import VotePatterns


@dataclass(kw_only=True, eq=False)
class MajorityVote:
    """Every voter counts the same.

    Parameters
    ----------
    k : int
        Number of classes.
    class_balance : ndarray of float64, shape (k,), optional
        What a row without votes gets; by default the shares of the majority vote, Laplace-smoothed.

    Attributes
    ----------
    class_balance_ : ndarray of float64, shape (k,)
    voter_accuracy_ : ndarray of float64, shape (m,)
        Agreement with the majority vote (a voter's own vote included), NaN for a voter that is hardly ever joined by
        another one (`consensus.shared_rows`).
    weights_ : ndarray of float64, shape (m,)
        Always 1.
    termination_ : str
        Always ``"exact"``.
    notes_ : tuple[str, ...]
        Always empty.

    Notes
    -----
    A row's probabilities are its `consensus.smoothed_shares`: the class with the most votes leads, tied classes stay
    tied, and the fewer votes, the less is claimed.
    """

    k: int
    class_balance: npt.NDArray[np.float64] | None = None

    def fit(self, table: VotePatterns) -> Self:
        """Take the class balance from the majority vote, unless it was given."""
        self.class_balance_ = majority_shares(table, self.k) if self.class_balance is None else self.class_balance
        self.voter_accuracy_ = majority_agreement(table, self.k)
        self.weights_ = np.ones(table.m)
        self.termination_ = "exact"
        self.notes_: tuple[str, ...] = ()
        return self

    def predict_proba(self, table: VotePatterns) -> npt.NDArray[np.float64]:
        """Class probabilities of each pattern, shape (p, k)."""
        return majority_posterior(table, self.k, self.class_balance_)
