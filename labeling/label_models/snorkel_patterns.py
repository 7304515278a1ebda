"""Snorkel's label model, fed with vote patterns instead of rows. Import it lazily: it loads snorkel and torch.

Source: snorkel 0.10.0, ``snorkel/labeling/model/label_model.py``. Results equal Snorkel's own up to rounding: ``O`` is
exact integers divided once, the starting point draws the same random number, and the descent takes the same steps.
Time and memory depend on the number of patterns, not of rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt
import torch
from scipy.special import softmax
from snorkel.labeling.model import LabelModel
from snorkel.labeling.model.label_model import TrainConfig

from .patterns import VotePatterns, cooccurrence, indicators
from .snorkel_descent import MOMENTUM, Objective, one_thread

_BLOCK = 1 << 14  # patterns predicted at a time, to bound the one-hot matrix


class PatternLabelModel(LabelModel):  # type: ignore[misc]
    """A thin subclass of Snorkel's `LabelModel`: `start`, then `descend` (as often as wanted), then `finish`.

    Parameters
    ----------
    k : int
        Number of classes.
    """

    mu: torch.Tensor

    def __init__(self, k: int) -> None:
        super().__init__(cardinality=k, verbose=False)

    def start(
        self,
        table: VotePatterns,
        *,
        class_balance: npt.NDArray[np.float64],
        seed: int,
        groups: npt.NDArray[np.int64] | None = None,
    ) -> None:
        """Compute the overlaps and the starting point.

        Parameters
        ----------
        table : VotePatterns
            At least 3 voters.
        class_balance : ndarray of float64, shape (k,)
            Positive, sums to 1.
        seed : int
            Scales the starting point; NumPy's global generator is left as it was found.
        groups : ndarray of int64, shape (m,), optional
            Voters with equal numbers are not assumed independent: their joint votes are masked out of the objective,
            exactly as Snorkel masks voters that share a clique.

        Raises
        ------
        ValueError
            From Snorkel, for fewer than 3 voters or an impossible class balance.
        """
        self.train_config = TrainConfig(seed=seed)
        self._set_constants(table.patterns)
        self.n = table.n  # Snorkel took the number of patterns for the number of rows
        self._set_class_balance(list(class_balance), None)
        joint = cooccurrence(table, self.cardinality)
        self.coverage = np.einsum("icic->i", joint) / self.n
        self.d = self.m * self.cardinality
        self.O = torch.from_numpy(joint.reshape(self.d, self.d) / self.n).float()
        self.groups = np.arange(self.m) if groups is None else np.asarray(groups)
        with numpy_seed(seed):
            self._init_params()
        self.occurring = torch.diag(self.O) > 0  # a vote that never occurs starts at 0, and its gradient stays 0
        overlaps, mask = (matrix[self.occurring][:, self.occurring] for matrix in (self.O, self.mask.float()))
        self.objective = Objective(overlaps, self.P.diag(), mask)
        self.restart()

    def restart(self) -> None:
        """Go back to the starting point."""
        self.point = self.mu.detach()[self.occurring]
        self.velocity = torch.zeros_like(self.point)

    def _build_mask(self) -> None:
        """Explain only joint votes of voters that may be taken as independent; Snorkel walks its clique tree for it."""
        same = np.equal.outer(self.groups, self.groups)
        self.mask = torch.from_numpy(~same.repeat(self.cardinality, 0).repeat(self.cardinality, 1))

    def descend(self, n_epochs: int, *, lr: float) -> float:
        """Continue the descent and return the loss after its last step, not finite once it has diverged."""
        with torch.no_grad(), one_thread():
            for _ in range(n_epochs):
                self.velocity.mul_(MOMENTUM).add_(self.objective.gradient(self.point))
                self.point.add_(self.velocity, alpha=-lr)
            return self.objective.loss(self.point)

    def finish(self) -> npt.NDArray[np.float32]:
        """Clamp `mu` and undo column permutations as Snorkel does; the descent can go on afterwards.

        Returns
        -------
        ndarray of float32, shape (m, k, k)
            ``P(voter j votes c | class y)`` at ``[j, c, y]``.
        """
        mu = torch.zeros(self.d, self.cardinality)
        mu[self.occurring] = self.point
        self.mu = torch.nn.Parameter(mu)
        self._clamp_params()
        self._break_col_permutation_symmetry()
        learned: npt.NDArray[np.float32] = self.mu.detach().numpy()
        return learned.reshape(self.m, self.cardinality, self.cardinality)

    def evidence(
        self, table: VotePatterns, *, weights: npt.NDArray[np.float64] | None = None
    ) -> npt.NDArray[np.float64]:
        """Log-likelihood of each pattern in each class, shape (p, k); abstentions say nothing.

        Parameters
        ----------
        table : VotePatterns
            Columns as in `start`.
        weights : ndarray of float64, shape (m,), optional
            Factor of each voter's log-likelihood; None is Snorkel's own.
        """
        mu = np.log(self.mu.detach().numpy())  # float32, as in Snorkel
        if weights is not None:
            mu = mu * np.repeat(weights, self.cardinality)[:, np.newaxis]
        total = np.empty((len(table), self.cardinality))
        for start in range(0, len(table), _BLOCK):
            block = slice(start, start + _BLOCK)
            total[block] = indicators(table.patterns[block], self.cardinality) @ mu
        return total

    def predict_patterns(
        self, table: VotePatterns, *, weights: npt.NDArray[np.float64] | None = None
    ) -> npt.NDArray[np.float64]:
        """Class probabilities of each pattern, shape (p, k); `weights` as in `evidence`."""
        # Shifted before exp, unlike Snorkel's own formula, which hundreds of voters make underflow.
        probs: npt.NDArray[np.float64] = softmax(self.evidence(table, weights=weights) + np.log(self.p), axis=1)
        return probs


@contextmanager
def numpy_seed(seed: int) -> Iterator[None]:
    """Seed NumPy's global generator, which Snorkel draws from, and put its old state back."""
    state = np.random.get_state()  # noqa: NPY002 - Snorkel uses the global generator
    np.random.seed(seed)  # noqa: NPY002
    try:
        yield
    finally:
        np.random.set_state(state)  # noqa: NPY002
