"""Losses for soft labels, and how certain these are.

`k` classes. All losses are weighted means over a batch. Only methods of tensors are used, so this module is light.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from torch import Tensor

PerClass = Sequence[float] | npt.NDArray[np.floating]


class Loss(Protocol):
    """What a fit minimises."""

    def __call__(self, logits: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
        """Return the weighted mean loss of a batch, a scalar."""

    def plain(self) -> Loss:
        """Return what models are compared by."""


@dataclass(frozen=True, eq=False)
class SoftLoss:
    """Cross-entropy under soft labels, with the usual answers to rare classes.

    Parameters
    ----------
    focal_gamma : float
        0 for plain cross-entropy; see `focal`.
    class_weights : Sequence[float] or ndarray, shape (k,), optional
        Factor on each class's share of the loss; they should average to 1 over the rows.
    log_prior : Sequence[float] or ndarray, shape (k,), optional
        Logarithm of the class balance, added to the logits inside the loss only ("logit adjustment", Menon et al.
        2021, "Long-tail learning via logit adjustment"): the bare logits then rank as if classes were equally common.
    """

    focal_gamma: float = 0.0
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
        return focal(adjusted, targets, weights, gamma=self.focal_gamma, class_weights=self.class_weights)

    def constant(self, targets: npt.NDArray[np.floating], weights: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
        """Return the logits, the same for all rows, that have the least cross-entropy; shape (k,)."""
        shares = weights.astype(np.float64) @ targets
        if self.class_weights is not None:
            shares *= self.class_weights
        logits: npt.NDArray[np.float64] = np.log(np.maximum(shares / shares.sum(), 1e-6))
        return logits if self.log_prior is None else logits - np.asarray(self.log_prior, np.float64)

    def plain(self) -> SoftLoss:
        """Return the soft cross-entropy of the same predictions: what models are compared by."""
        return SoftLoss(log_prior=self.log_prior)


def soft_cross_entropy(
    logits: Tensor, targets: Tensor, weights: Tensor, *, class_weights: PerClass | None = None
) -> Tensor:
    """Return the expected cross-entropy when the class is drawn from the soft label.

    This is the noise-aware loss of Ratner et al. (2016), "Data programming". Shapes as in `SoftLoss`.
    """
    return focal(logits, targets, weights, gamma=0.0, class_weights=class_weights)


def focal(
    logits: Tensor, targets: Tensor, weights: Tensor, *, gamma: float, class_weights: PerClass | None = None
) -> Tensor:
    """Return the expected focal loss: each class's term is scaled by ``(1 - p) ** gamma``.

    Source: Lin et al. (2017), "Focal loss for dense object detection", here under soft labels. Shapes as in `SoftLoss`.
    """
    log_probs = logits.log_softmax(dim=-1)
    terms = targets * log_probs
    if gamma:
        terms = terms * (1 - log_probs.exp()).clamp(min=0) ** gamma
    if class_weights is not None:
        terms = terms * logits.new_tensor(class_weights)
    return _weighted_mean(-terms.sum(dim=-1), weights)


def confidence_weights(probs: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
    """Weigh rows by certainty: one minus the entropy over its maximum, ``1 - H / log k``.

    Source: COSINE's sample reweighting (Yu et al. 2021). Their code divides by the logarithm of the batch size; the
    paper's is that of the number of classes.

    Parameters
    ----------
    probs : ndarray, shape (n, k)
        Rows sum to 1.

    Returns
    -------
    ndarray of float32, shape (n,)
        0 for uniform rows, 1 for certain ones.
    """
    exact = np.asarray(probs, dtype=np.float64)
    entropy = -(exact * np.log(np.where(exact > 0, exact, 1.0))).sum(axis=1)
    weights: npt.NDArray[np.float32] = np.clip(1 - entropy / math.log(exact.shape[1]), 0.0, 1.0).astype(np.float32)
    return weights


def _weighted_mean(values: Tensor, weights: Tensor) -> Tensor:
    return (values * weights).sum() / weights.sum().clamp(min=1e-12)
