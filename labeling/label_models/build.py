"""The label models by name."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal, Protocol, Self, get_args

import numpy as np
import numpy.typing as npt

from ...data.errors import ConfigError, LabelModelError, nearest_hint
from .class_balance import checked_balance
from .dawid_skene import DawidSkene
from .majority import MajorityVote
from .patterns import VotePatterns
from .snorkel import SnorkelLabelModel

Method = Literal["snorkel", "dawid_skene", "majority"]
METHODS: tuple[str, ...] = get_args(Method)


class VoteAggregator(Protocol):
    """Combines votes into probabilities: what the estimator `LabelModel` covers.

    Attributes
    ----------
    class_balance_ : ndarray of float64, shape (k,)
        Class balance given or learned; what rows without votes get.
    voter_accuracy_ : ndarray of float64, shape (m,)
        Accuracy of each voter when it votes, estimated from agreement and so an upper bound; NaN where it cannot be
        estimated (`consensus.shared_rows`).
    weights_ : ndarray of float64, shape (m,)
        Factor of each voter's evidence: one over the size of its group.
    termination_ : str
        Why fitting ended.
    notes_ : tuple[str, ...]
        Sentences a user should read: fallbacks, retries, failed convergence.
    """

    class_balance_: npt.NDArray[np.float64]
    voter_accuracy_: npt.NDArray[np.float64]
    weights_: npt.NDArray[np.float64]
    termination_: str
    notes_: tuple[str, ...]

    def fit(self, table: VotePatterns) -> Self:
        """Learn from the votes."""
        ...

    def predict_proba(self, table: VotePatterns) -> npt.NDArray[np.float64]:
        """Class probabilities of each pattern, shape (p, k), each row summing to 1."""
        ...


def build_label_model(
    method: str,
    *,
    k: int,
    class_balance: npt.ArrayLike | None = None,
    seed: int = 0,
    group_correlated: bool = True,
    families: Sequence[str] | None = None,
    contradicted: Collection[int] = (),
) -> VoteAggregator:
    """Make a label model by name.

    Parameters
    ----------
    method : str
        ``"snorkel"``, ``"dawid_skene"`` or ``"majority"``.
    k : int
        Number of classes.
    class_balance : array-like of float, shape (k,), optional
        Fixed prior; None lets the model find its own.
    seed : int
        Only Snorkel draws a random number.
    group_correlated : bool
        Whether correlated voters share one vote; the majority vote never groups.
    families : sequence of str, length m, optional
        Origin of each voter (its model): within a family agreement alone proves correlation, see `correlation`.
    contradicted : collection of int
        Classes that gold rows deny where all voters agree on them, see `consensus.keep_votes`.

    Raises
    ------
    ConfigError
        If there is no such method, or the class balance does not fit `k`.
    """
    if class_balance is not None:
        class_balance = checked_balance(class_balance, k)
    if method == "majority":
        return MajorityVote(k=k, class_balance=class_balance)
    if method == "dawid_skene":
        model: type[DawidSkene] | partial[SnorkelLabelModel] = DawidSkene
    elif method == "snorkel":
        model = partial(SnorkelLabelModel, seed=seed)
    else:
        raise ConfigError(f"There is no label model '{method}'.", hint=nearest_hint(method, METHODS))
    return model(
        k=k,
        class_balance=class_balance,
        group_correlated=group_correlated,
        families=families,
        contradicted=contradicted,
    )


_NAMES = {"snorkel": "Snorkel", "dawid_skene": "Dawid-Skene", "majority": "majority vote"}


def describe_fit(method: str, model: VoteAggregator, voters: int) -> str:
    """Describe the label model that was fitted, and how that ended: ``Snorkel, 4 voters (converged)``."""
    if voters == 1:
        return "none, the votes of the only voter are the labels"
    used = model.termination_.removeprefix("fallback: ")
    if used in _NAMES:
        return f"{_NAMES[used]} instead of {_NAMES[method]}, {voters} voters"
    ending = {"flat": " (converged)", "exact": ""}.get(used, " (stopped before it converged)")
    return f"{_NAMES[method]}, {voters} voters{ending}"


def fit_votes(table: VotePatterns, model: VoteAggregator, *, k: int) -> VoteAggregator:
    """Fit a label model after checking that the votes allow it.

    Raises
    ------
    LabelModelError
        If there are no rows, no voters or no votes at all, or a vote is not a class.
    """
    if not table.n or not table.m:
        raise LabelModelError(f"There is nothing to combine: {table.n} rows, {table.m} voters.")
    if not table.covered.any():
        raise LabelModelError(
            f"All {table.m} voters abstained on all {table.n} rows.",
            hint="Check that the voters' language and keywords fit the texts.",
        )
    if table.patterns.max() >= k:
        raise LabelModelError(f"A voter voted for class {table.patterns.max()}, but there are only {k} classes.")
    return model.fit(table)


@dataclass(frozen=True)
class LabelModelSpec:
    """The parameters of `build_label_model`, as JSON can hold them: enough to fit a label model again.

    Parameters
    ----------
    method : str
    k : int
    class_balance : sequence of float, length k
    seed : int
    group_correlated : bool
    families : sequence of str, length m
    contradicted : sequence of int
    """

    method: str
    k: int
    class_balance: Sequence[float]
    seed: int
    group_correlated: bool
    families: Sequence[str]
    contradicted: Sequence[int]

    def fit(self, table: VotePatterns) -> VoteAggregator:
        """Fit the label model, the same for the same counts of patterns; raises as `fit_votes`."""
        return fit_votes(table, build_label_model(**vars(self)), k=self.k)
