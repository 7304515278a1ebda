"""Linear classifiers on features that stay as they are: solved, not trained in steps."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ..scoring.logistic import Features, Float32s, Floats, cross_fitted, fit_logistic, logits
from .fit.losses import SoftLoss
from .fit.schedule import Fit

if TYPE_CHECKING:
    from ..end_model.classifier import TextClassifier
    from .fit.batches import Examples

_PENALTY = 300.0  # the best, or as good, from 150 to 23,000 reviews


def fit_frozen(classifier: TextClassifier, examples: Examples, loss: SoftLoss) -> Fit:
    """Fit the last layer of a classifier by logistic regression on the sentence vectors of n examples.

    With features of unit variance the penalty means the same for every encoder; mean and variance end up in the layer.
    """
    started = time.perf_counter()
    vectors = np.asarray(examples.rows)
    mean, spread = vectors.mean(axis=0), np.maximum(vectors.std(axis=0), 1e-6)
    features = (vectors - mean) / spread
    parameters = solve(features, examples.targets, examples.weights, loss, penalty=_PENALTY)
    coefficients = parameters[:-1] / spread[:, np.newaxis]
    classifier.set_final_layer(coefficients, parameters[-1] - mean @ coefficients)
    return solved(logits(features, parameters), examples.targets, loss, started)


def solve(features: Features, targets: Floats, weights: Floats, loss: SoftLoss, *, penalty: float) -> Float32s:
    """Find the parameters that minimise a loss; see `fit_logistic`."""
    parts, totals = _counted(targets, loss)
    parameters = fit_logistic(features, parts, weights * totals, penalty=penalty)
    if loss.log_prior is not None:  # free intercepts make up for what logit adjustment adds
        parameters[-1] -= np.asarray(loss.log_prior)
    return parameters


def solve_without(
    features: Features, targets: Floats, loss: SoftLoss, fold: npt.NDArray[np.integer], *, penalty: float
) -> Float32s:
    """Return the logits of n rows, shape (n, k), each by parameters that were found without its fold."""
    parts, totals = _counted(targets, loss)
    found = cross_fitted(features, parts, totals, fold, penalty=penalty)[1]
    return found if loss.log_prior is None else found - np.asarray(loss.log_prior, np.float32)


def _counted(targets: Floats, loss: SoftLoss) -> tuple[Floats, Floats]:
    """Return soft labels and weights, shapes (n, k) and (n,), whose plain loss is the one with class weights."""
    parts = targets if loss.class_weights is None else targets * np.asarray(loss.class_weights)
    totals = parts.sum(axis=1)
    return parts / totals[:, np.newaxis], totals


def solved(logits: Float32s, targets: Floats, loss: SoftLoss, started: float) -> Fit:
    """Return the numbers of a fit that began at a time of `time.perf_counter`, by the logits of its n rows."""
    seconds = time.perf_counter() - started
    return Fit(
        loss=loss.mean(logits, targets),
        steps=1,
        epochs=1.0,
        seconds=seconds,
        rows_per_second=len(logits) / seconds,
    )
