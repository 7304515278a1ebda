"""The majority vote as a label model: the baseline every other one has to beat."""

from __future__ import annotations

from typing import Self

import numpy as np
import numpy.typing as npt

from .class_balance import checked_balance
from .consensus import MIN_SHARED_ROWS, expected_accuracy, majority_probs, shared_rows, smoothed_shares
from .patterns import VotePatterns


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
    termination_ : str
        Always ``"exact"``.
    notes_ : tuple[str, ...]
        Always empty.

    Notes
    -----
    A row's probabilities are its `consensus.smoothed_shares`: the class with the most votes leads, tied classes stay
    tied, and the fewer votes, the less is claimed.
    """

    def __init__(self, *, k: int, class_balance: npt.ArrayLike | None = None) -> None:
        self.k = k
        self.class_balance = None if class_balance is None else checked_balance(class_balance, k)
        self.termination_ = "exact"
        self.notes_: tuple[str, ...] = ()

    def fit(self, table: VotePatterns, gold: npt.NDArray[np.int16] | None = None) -> Self:
        """Take the class balance from the majority vote, unless it was given; `gold` is not used."""
        uniform = np.full(self.k, 1 / self.k)
        probs = majority_probs(table, self.k, uniform)
        counts = table.counts[table.covered] @ probs[table.covered] + 1
        self.class_balance_ = counts / counts.sum() if self.class_balance is None else self.class_balance
        _, shared = shared_rows(table, self.k, np.arange(table.m), voters=2)
        self.voter_accuracy_ = np.where(shared >= MIN_SHARED_ROWS, expected_accuracy(table, probs), np.nan)
        return self

    def predict_proba(self, table: VotePatterns) -> npt.NDArray[np.float64]:
        """Class probabilities of each pattern, shape (p, k)."""
        return np.where(table.covered[:, np.newaxis], smoothed_shares(table, self.k), self.class_balance_)
