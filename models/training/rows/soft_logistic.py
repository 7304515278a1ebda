"""Logistic regression on class probabilities instead of classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

_ITERATIONS = 100
_FLAT = 1e-6  # relative improvement of the loss below which it counts as flat


@dataclass(frozen=True, eq=False)
class SoftLogistic:
    """A fitted model.

    Parameters
    ----------
    parameters : ndarray of float32, shape (d + 1, k)
        Coefficients; the last row holds the intercepts.
    """

    parameters: npt.NDArray[np.float32]

    def log_probs(self, features: csr_matrix) -> npt.NDArray[np.float32]:
        """Log-probabilities of the classes, shape (n, k)."""
        return _log_softmax(features @ self.parameters[:-1] + self.parameters[-1])


def fit_soft_logistic(
    features: csr_matrix,
    targets: npt.NDArray[np.floating],
    weights: npt.NDArray[np.floating],
    *,
    penalty: float = 2.0,
    start: SoftLogistic | None = None,
) -> SoftLogistic:
    """Minimise the weighted cross-entropy to soft targets plus a squared penalty, by L-BFGS.

    The usual way to give scikit-learn soft targets is to repeat every row for every class with the probability as its
    weight. This is the same model without the copies.

    Parameters
    ----------
    features : csr_matrix of float32, shape (n, d)
    targets : ndarray, shape (n, k)
        Rows sum to 1.
    weights : ndarray, shape (n,)
        How many examples each row stands for.
    penalty : float
        Half of it times the sum of squared coefficients is added to the summed cross-entropy; intercepts are free.
        For two classes it is twice the 1 / C of scikit-learn's binary model.
    start : SoftLogistic, optional
        Where to begin; zeros by default.

    Returns
    -------
    SoftLogistic
    """
    from scipy.optimize import minimize

    shape = (features.shape[1] + 1, targets.shape[1])
    wanted, weight = targets.astype(np.float32), weights.astype(np.float32)[:, np.newaxis]
    total = float(weights.sum())

    def loss_and_gradient(flat: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        parameters = flat.reshape(shape).astype(np.float32)
        logs = _log_softmax(features @ parameters[:-1] + parameters[-1])
        excess = weight * (np.exp(logs) - wanted)
        gradient = np.vstack([features.T @ excess + penalty * parameters[:-1], excess.sum(axis=0)])
        fit = -float(np.vdot((weight * wanted).astype(np.float64), logs))
        loss = fit + penalty / 2 * float((flat.reshape(shape)[:-1] ** 2).sum())
        return loss / total, gradient.ravel().astype(np.float64) / total

    first = np.zeros(shape) if start is None else start.parameters
    found = minimize(
        loss_and_gradient,
        first.ravel().astype(np.float64),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": _ITERATIONS, "ftol": _FLAT, "gtol": 1e-6},
    )
    return SoftLogistic(found.x.reshape(shape).astype(np.float32))


def _log_softmax(logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    shifted = logits - logits.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))  # type: ignore[no-any-return]
