"""The loss for soft labels of k classes; only methods of tensors are used, so this module is light."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from torch import Tensor

PerClass = Sequence[float] | npt.NDArray[np.floating]


Loss: TypeAlias = "Callable[[Tensor, Tensor, Tensor], Tensor]"
"""What a fit minimises: takes logits, targets and weights, returns the weighted mean loss of a batch, a scalar."""


@dataclass(frozen=True, eq=False)
class SoftLoss:
    """Cross-entropy under soft labels: the noise-aware loss of Ratner et al. (2016), "Data programming".

    Parameters
    ----------
    class_weights : Sequence[float] or ndarray, shape (k,), optional
        Factor on each class's share of the loss; they should average to 1 over the rows.
    log_prior : Sequence[float] or ndarray, shape (k,), optional
        Logarithm of the class balance, added to the logits inside the loss only ("logit adjustment", Menon et al.
        2021, "Long-tail learning via logit adjustment"): the bare logits then rank as if classes were equally common.
    """

    class_weights: PerClass | None = None
    log_prior: PerClass | None = None

    def __call__(self, logits: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
        """Return the weighted mean loss of a batch.

        Parameters
        ----------
        logits : Tensor, shape (b, k)
        targets : Tensor, shape (b, k)
            Rows sum to 1.
        weights : Tensor, shape (b,)
            Not negative.

        Returns
        -------
        Tensor, scalar
            0 if all weights are 0.
        """
        adjusted = logits if self.log_prior is None else logits + logits.new_tensor(self.log_prior)
        terms = targets * adjusted.log_softmax(dim=-1)
        if self.class_weights is not None:
            terms = terms * logits.new_tensor(self.class_weights)
        return -(terms.sum(dim=-1) * weights).sum() / weights.sum().clamp(min=1e-12)

    def constant(self, targets: npt.NDArray[np.floating], weights: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
        """Return the logits, the same for all rows, that have the least cross-entropy; shape (k,)."""
        shares = weights.astype(np.float64) @ targets
        if self.class_weights is not None:
            shares *= self.class_weights
        logits: npt.NDArray[np.float64] = np.log(np.maximum(shares / shares.sum(), 1e-6))
        return logits if self.log_prior is None else logits - np.asarray(self.log_prior, np.float64)

    def mean(self, logits: npt.NDArray[np.floating], targets: npt.NDArray[np.floating]) -> float:
        """Return the mean soft cross-entropy of n rows, without class weights; shapes (n, k)."""
        adjusted = logits.astype(np.float64) + (0 if self.log_prior is None else np.asarray(self.log_prior))
        return float((np.logaddexp.reduce(adjusted, axis=1) - (targets * adjusted).sum(axis=1)).mean())

    def plain(self) -> SoftLoss:
        """Return the soft cross-entropy of the same predictions: what models are compared by."""
        return SoftLoss(log_prior=self.log_prior)
