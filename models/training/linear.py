"""Linear classifiers on features that stay as they are: solved, not trained in steps."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from ..scoring.logistic import Features, Float32s, Floats, fit_logistic, logits
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
    parts = targets if loss.class_weights is None else targets * np.asarray(loss.class_weights)
    totals = parts.sum(axis=1)
    parameters = fit_logistic(features, parts / totals[:, np.newaxis], weights * totals, penalty=penalty)
    if loss.log_prior is not None:  # free intercepts make up for what logit adjustment adds
        parameters[-1] -= np.asarray(loss.log_prior)
    return parameters


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
