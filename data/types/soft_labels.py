"""Probabilistic labels, with the rows that no voter voted on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .label_space import ABSTAIN


@dataclass(frozen=True, eq=False)
class SoftLabels:
    """Class probabilities for n examples.

    Parameters
    ----------
    probs : ndarray of float32, shape (n, k)
        Rows sum to 1.
    covered : ndarray of bool, shape (n,)
        True where some voter voted. Elsewhere `probs` is only the class prior.

    Raises
    ------
    ValueError
        If shapes differ, a value is negative or not finite, or a row does not sum to 1.
    """

    probs: npt.NDArray[np.float32]
    covered: npt.NDArray[np.bool_]

    def __post_init__(self) -> None:
        object.__setattr__(self, "probs", np.asarray(self.probs, dtype=np.float32))
        object.__setattr__(self, "covered", np.asarray(self.covered, dtype=np.bool_))
        if self.probs.ndim != 2 or self.covered.shape != self.probs.shape[:1]:
            raise ValueError(f"Probabilities of shape {self.probs.shape} but covered of shape {self.covered.shape}.")
        if not np.all(np.isfinite(self.probs)) or np.any(self.probs < 0):
            raise ValueError("Probabilities must be finite and not negative.")
        if not np.allclose(self.probs.sum(axis=1), 1.0, atol=1e-4):
            raise ValueError("Every row of probabilities must sum to 1.")

    def __len__(self) -> int:
        return len(self.probs)

    @property
    def confidence(self) -> npt.NDArray[np.float32]:
        """Probability of the most likely class, NaN on uncovered rows; shape (n,)."""
        top = self.probs.max(axis=1) if len(self) else np.zeros(0, np.float32)
        return np.where(self.covered, top, np.nan).astype(np.float32)

    def hard(self, threshold: float = 0.0) -> npt.NDArray[np.int16]:
        """Return the most likely class of each row, or -1.

        Parameters
        ----------
        threshold : float
            Rows whose most likely class has a lower probability stay -1.

        Returns
        -------
        ndarray of int16, shape (n,)
            -1 on every uncovered row, below `threshold`, and on exact ties.
        """
        if not len(self):
            return np.zeros(0, np.int16)
        ordered = np.sort(self.probs, axis=1)
        decided = self.covered & (ordered[:, -1] > ordered[:, -2]) & (ordered[:, -1] >= threshold)
        return np.where(decided, self.probs.argmax(axis=1), ABSTAIN).astype(np.int16)

    def of_classes(self, kept: Sequence[int] | npt.NDArray[np.integer]) -> SoftLabels:
        """Keep some classes, in that order; rows whose label is another one are no longer covered."""
        probs = np.maximum(self.probs[:, kept], 1e-12)
        return SoftLabels(probs / probs.sum(axis=1, keepdims=True), np.isin(self.hard(), kept))
