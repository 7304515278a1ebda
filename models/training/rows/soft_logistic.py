"""Logistic regression on class probabilities instead of classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

Floats = npt.NDArray[np.floating]

_MAX_ITERATIONS = 100
_TOLERANCE = 1e-6  # of the loss, relative


def fit_soft_logistic(
    features: csr_matrix, targets: Floats, weights: Floats, *, penalty: float
) -> npt.NDArray[np.float32]:
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

    Returns
    -------
    ndarray of float32, shape (d + 1, k)
        Coefficients; the last row holds the intercepts.
    """
    from scipy.optimize import minimize

    shape = (features.shape[1] + 1, targets.shape[1])
    targets, weight = targets.astype(np.float32), weights.astype(np.float32)[:, np.newaxis]
    total = float(weights.sum())

    def loss_and_gradient(flat: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        parameters = flat.reshape(shape).astype(np.float32)
        logs = log_probs(features, parameters)
        residuals = weight * (np.exp(logs) - targets)
        gradient = np.vstack([features.T @ residuals + penalty * parameters[:-1], residuals.sum(axis=0)])
        fit = -float(np.vdot((weight * targets).astype(np.float64), logs))
        loss = fit + penalty / 2 * float((flat.reshape(shape)[:-1] ** 2).sum())
        return loss / total, gradient.ravel().astype(np.float64) / total

    options = {"maxiter": _MAX_ITERATIONS, "ftol": _TOLERANCE, "gtol": 1e-6}
    found = minimize(loss_and_gradient, np.zeros(shape).ravel(), jac=True, method="L-BFGS-B", options=options)
    parameters: npt.NDArray[np.float32] = found.x.reshape(shape).astype(np.float32)
    return parameters


def log_probs(features: csr_matrix, parameters: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return the log-probabilities of the classes, shape (n, k), by what `fit_soft_logistic` returned."""
    from scipy.special import log_softmax

    logs: npt.NDArray[np.float32] = log_softmax(features @ parameters[:-1] + parameters[-1], axis=1)
    return logs
