"""The label models as an estimator with scikit-learn's conventions, on label matrices as Snorkel has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from ..data.errors import ConfigError, LabelModelError, nearest_hint
from ..data.types.label_space import LabelSpace
from ..data.types.soft_labels import SoftLabels
from ..data.types.votes import LabelMatrix
from .label_models.build import build_label_model, fit_votes
from .label_models.class_balance import given_balance
from .label_models.patterns import VotePatterns

_PARAMETERS = ("method", "n_classes", "class_balance", "group_correlated", "seed")


class LabelModel:
    """Combines the votes of several voters into class probabilities.

    Parameters
    ----------
    method : "snorkel", "dawid_skene" or "majority"
    n_classes : int, optional
        k; by default what the label matrix says, or the highest vote plus one.
    class_balance : sequence of float, or mapping of str to float, optional
        The share of each class; a mapping by the names of the classes. By default the model finds its own.
    group_correlated : bool
        Whether voters that repeat one another share one weight; the majority vote never groups.
    seed : int

    Attributes
    ----------
    classes_ : ndarray of int64, shape (k,)
    class_balance_ : ndarray of float64, shape (k,)
        The class balance given or learned.
    voter_accuracy_ : ndarray of float64, shape (m,)
        Agreement of each voter with the others, an upper bound of its accuracy; NaN where it cannot be estimated.
    notes_ : tuple of str
        What a user should know of the fit: fallbacks, failed convergence.

    Notes
    -----
    Snorkel: Ratner et al. (2019), "Training complex models with multi-task weak supervision". Dawid-Skene: Dawid and
    Skene (1979), "Maximum likelihood estimation of observer error-rates using the EM algorithm".

    Examples
    --------
    >>> L = [[0, 0, -1], [1, -1, 1], [-1, -1, -1], [0, 0, 0]]
    >>> model = LabelModel("majority").fit(L)
    >>> model.predict(L).tolist()
    [0, 1, -1, 0]
    >>> model.predict_proba(L).shape
    (4, 2)
    """

    def __init__(
        self,
        method: str = "snorkel",
        *,
        n_classes: int | None = None,
        class_balance: Sequence[float] | Mapping[str, float] | None = None,
        group_correlated: bool = True,
        seed: int = 0,
    ) -> None:
        self.method = method
        self.n_classes = n_classes
        self.class_balance = class_balance
        self.group_correlated = group_correlated
        self.seed = seed

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters by name."""
        return {name: getattr(self, name) for name in _PARAMETERS}

    def set_params(self, **params: Any) -> Self:
        """Set parameters by name.

        Raises
        ------
        ConfigError
            If there is no such parameter.
        """
        for name, value in params.items():
            if name not in _PARAMETERS:
                raise ConfigError(f"A label model has no parameter '{name}'.", hint=nearest_hint(name, _PARAMETERS))
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        """Write the call that makes it."""
        return f"LabelModel({', '.join(f'{name}={value!r}' for name, value in self.get_params().items())})"

    def fit(self, L: Any, y: object = None) -> Self:  # noqa: N803 - the field's name for it
        """Learn from votes.

        Parameters
        ----------
        L : LabelMatrix, array-like of int, shape (n, m), or data frame
            Class indices, -1 where a voter abstains.
        y : object
            Not used.

        Raises
        ------
        LabelModelError
            If `L` is no label matrix, has no votes, or votes for more classes than there are.
        ConfigError
            If there is no such method, or the class balance does not fit the classes.
        """
        matrix = LabelMatrix.of(L)
        names = matrix.classes or tuple(
            map(str, range(self.n_classes or _classes_in(self.class_balance, matrix.votes)))
        )
        balance = self.class_balance
        model = build_label_model(
            self.method,
            k=len(names),
            class_balance=None if balance is None else given_balance(balance, LabelSpace(names)),
            seed=self.seed,
            group_correlated=self.group_correlated,
            families=matrix.families or None,
        )
        self._model = fit_votes(VotePatterns.from_votes(matrix.votes), model, k=len(names))
        self.classes_ = np.arange(len(names))
        self.n_features_in_ = matrix.shape[1]
        self.class_balance_ = model.class_balance_
        self.voter_accuracy_ = model.voter_accuracy_
        self.notes_ = model.notes_
        return self

    def predict_proba(self, L: Any) -> npt.NDArray[np.float64]:  # noqa: N803
        """Return class probabilities, shape (n, k); a row on which all voters abstain gets the class balance.

        Raises
        ------
        LabelModelError
            Before `fit`, or if `L` has other voters or classes than it was fitted on.
        """
        table = self._patterns(L)
        return table.expand(self._model.predict_proba(table))

    def predict(self, L: Any) -> npt.NDArray[np.int16]:  # noqa: N803
        """Return class indices, shape (n,): -1 where all voters abstain, and on ties. Raises as `predict_proba`."""
        table = self._patterns(L)
        soft = SoftLabels(self._model.predict_proba(table).astype(np.float32), table.covered)
        return table.expand(soft.hard())

    def fit_predict(self, L: Any, y: object = None) -> npt.NDArray[np.int16]:  # noqa: N803
        """Fit to votes and label the same rows; raises as `fit`."""
        return self.fit(L).predict(L)

    def _patterns(self, votes: Any) -> VotePatterns:
        if not hasattr(self, "_model"):
            raise LabelModelError("This label model is not fitted yet.", hint="Call fit(L) first.")
        matrix, k = LabelMatrix.of(votes), len(self.classes_)
        if matrix.shape[1] != self.n_features_in_:
            raise LabelModelError(
                f"The label model was fitted on {self.n_features_in_} voters, but L has {matrix.shape[1]} columns."
            )
        if matrix.votes.max(initial=-1) >= k:
            raise LabelModelError(f"A vote for class {matrix.votes.max()}, but the label model knows {k} classes.")
        return VotePatterns.from_votes(matrix.votes)


def _classes_in(balance: Sequence[float] | Mapping[str, float] | None, votes: npt.NDArray[np.int16]) -> int:
    """Return the number of classes that is not given: as many as there are shares, or votes tell, but at least 2."""
    return max(2, int(votes.max(initial=-1)) + 1) if balance is None else len(balance)
