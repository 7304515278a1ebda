"""Logistic regression on class probabilities instead of classes, for sparse and for dense features."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

Floats = npt.NDArray[np.floating]
Float32s = npt.NDArray[np.float32]
Features: TypeAlias = "csr_matrix | Float32s"

_TOLERANCE = 3e-6  # of the loss, relative
_MAX_STEPS = 50
_MAX_PRODUCTS = 100  # with the Hessian, in a step
_MIN_GAIN = 0.1  # of a product with the Hessian, relative to the mean of those before it
_MAX_HALVINGS = 20


def fit_logistic(features: Features, targets: Floats, weights: Floats, *, penalty: float) -> Float32s:
    """Minimise the weighted cross-entropy to soft targets plus a squared penalty, by truncated Newton steps.

    The usual way to give scikit-learn soft targets is to repeat every row for every class with the probability as its
    weight. This is the same model without the copies. Newton's equations are solved approximately by conjugate
    gradients (Nash & Sofer 1990, "Assessing a search direction within a truncated-Newton method"), which reach a loss
    in half the products with the features that L-BFGS needs.

    Parameters
    ----------
    features : csr_matrix or ndarray of float32, shape (n, d)
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
        Coefficients, centred in each row; the last row holds the intercepts.
    """
    if targets.shape[1] > 2:
        parameters = _minimise(_Problem.of(features, targets, weights, penalty))
        parameters -= parameters.mean(axis=1, keepdims=True)
        return parameters
    # One column, the difference of both, has twice their size: four times the square, for half the penalty.
    difference = _minimise(_Problem.of(features, targets[:, 1:], weights, penalty / 2))
    return difference * np.array([-0.5, 0.5], np.float32)


def logits(features: Features, parameters: Float32s) -> Float32s:
    """Return the logits of the classes, centred in each row, shape (n, k), by what `fit_logistic` returned."""
    result: Float32s = features @ parameters[:-1] + parameters[-1]
    return result


def cross_fitted(
    features: Features, targets: Floats, weights: Floats, fold: npt.NDArray[np.integer], *, penalty: float
) -> tuple[list[Float32s], Float32s]:
    """Fit one model for each fold to the rows of all others, several at a time.

    Parameters
    ----------
    features, targets, weights, penalty
        See `fit_logistic`.
    fold : ndarray of int, shape (n,)
        Each row's fold, from 0.

    Returns
    -------
    list of ndarray of float32, shape (d + 1, k)
        The model of each fold.
    ndarray of float32, shape (n, k)
        The logits of each row by the model of its fold, which was not fitted to it.
    """
    result = np.empty(targets.shape, np.float32)

    def model_without(number: int) -> Float32s:
        own = fold == number
        model = fit_logistic(features, targets, weights * ~own, penalty=penalty)  # copies would take memory
        result[own] = logits(features, model)[own]
        return model

    folds = range(int(fold.max()) + 1)
    with ThreadPoolExecutor(min(len(folds), os.cpu_count() or 1)) as executor:  # products hold no interpreter lock
        return list(executor.map(model_without, folds)), result


@dataclass(frozen=True, eq=False)
class _Problem:
    """What is minimised, as a function of the parameters or of the scores that they give.

    There are c columns: one for each class, or of two classes the second one's, while the first one's are 0.

    Parameters
    ----------
    features : csr_matrix or ndarray of float32, shape (n, d)
    targets : ndarray of float32, shape (n, c)
    weights : ndarray of float32, shape (n, 1)
    penalty : ndarray of float32, shape (d + 1, 1)
        Of each coefficient.
    """

    features: Features
    targets: Float32s
    weights: Float32s
    penalty: Float32s

    @classmethod
    def of(cls, features: Features, targets: Floats, weights: Floats, penalty: float) -> _Problem:
        penalties = np.full((features.shape[1] + 1, 1), penalty, np.float32)
        penalties[-1] = 0
        return cls(features, targets.astype(np.float32), weights.astype(np.float32)[:, np.newaxis], penalties)

    def softmax(self, scores: Float32s) -> tuple[Float32s, Float32s]:
        """Return probabilities, shape (n, c), and the logarithm of the sum of powers, shape (n, 1)."""
        single = scores.shape[1] == 1
        top = np.maximum(scores, 0) if single else scores.max(axis=1, keepdims=True)
        powers = np.exp(scores - top)
        total = powers + np.exp(-top) if single else powers.sum(axis=1, keepdims=True)
        return powers / total, top + np.log(total)

    def loss(self, parameters: Float32s, scores: Float32s) -> float:
        entropies = self.softmax(scores)[1] - (self.targets * scores).sum(axis=1, keepdims=True)
        squares = (self.penalty * parameters**2).sum(dtype=np.float64)
        return float((self.weights * entropies).sum(dtype=np.float64) + squares / 2)

    def scores(self, parameters: Float32s) -> Float32s:
        return logits(self.features, parameters)

    def gradient(self, parameters: Float32s, residuals: Float32s) -> Float32s:
        """Return the gradient of the penalty at `parameters` and of scores with the gradient `residuals`."""
        gradient: Float32s = np.vstack([self.features.T @ residuals, residuals.sum(axis=0)])
        return gradient + self.penalty * parameters

    def newton_step(self, probs: Float32s, gradient: Float32s, enough: float) -> tuple[Float32s, Float32s]:
        """Return a step, and what it adds to the scores, by conjugate gradients from 0.

        They end when a product lowers the quadratic approximation by less than `enough`, or by little compared with
        the others.
        """
        step, added = np.zeros_like(gradient), np.zeros_like(probs)
        rest = direction = -gradient
        square, gained = _dot(rest, rest), 0.0
        for number in range(1, _MAX_PRODUCTS + 1):
            change = self.scores(direction)
            curved = self.weights * probs * (change - (probs * change).sum(axis=1, keepdims=True))
            product = self.gradient(direction, curved)
            if not (curvature := _dot(direction, product)) > 0:
                break
            length = np.float32(square / curvature)
            step, added, rest = step + length * direction, added + length * change, rest - length * product
            gain = square * float(length) / 2
            gained += gain
            if gain <= enough or number * gain <= _MIN_GAIN * gained:
                break
            before, square = square, _dot(rest, rest)
            direction = rest + np.float32(square / before) * direction
        return step, added


def _minimise(problem: _Problem) -> Float32s:
    """Take Newton steps, each halved until it lowers the loss, and return the parameters, shape (d + 1, c)."""
    parameters = np.zeros((len(problem.penalty), problem.targets.shape[1]), np.float32)
    scores = np.zeros_like(problem.targets)
    loss = problem.loss(parameters, scores)
    for _ in range(_MAX_STEPS):
        probs = problem.softmax(scores)[0]
        gradient = problem.gradient(parameters, problem.weights * (probs - problem.targets))
        step, added = problem.newton_step(probs, gradient, _TOLERANCE * loss)
        slope = _dot(gradient, step)
        for length in np.float32(0.5) ** np.arange(_MAX_HALVINGS, dtype=np.float32):
            moved = parameters + length * step, scores + length * added
            if (lower := problem.loss(*moved)) <= loss + 1e-4 * float(length) * slope:  # Armijo's condition
                break
        else:
            break  # no better in single precision
        (parameters, scores), before, loss = moved, loss, lower
        if before - loss <= _TOLERANCE * before:
            break
    return parameters


def _dot(first: Float32s, second: Float32s) -> float:
    return float(np.vdot(first, second))
