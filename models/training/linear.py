"""Linear classifiers on features that stay as they are: solved, not trained in steps."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from ..scoring.logistic import fit_logistic, logits
from .fit.losses import SoftLoss, soft_cross_entropy
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
    parts = examples.targets if loss.class_weights is None else examples.targets * np.asarray(loss.class_weights)
    totals = parts.sum(axis=1)
    parameters = fit_logistic(features, parts / totals[:, np.newaxis], examples.weights * totals, penalty=_PENALTY)
    found = logits(features, parameters)
    coefficients = parameters[:-1] / spread[:, np.newaxis]
    intercepts = parameters[-1] - mean @ coefficients
    # Free intercepts make up for what logit adjustment adds in the loss.
    classifier.set_final_layer(coefficients, intercepts if loss.log_prior is None else intercepts - loss.log_prior)
    seconds = time.perf_counter() - started
    return Fit(
        loss=soft_cross_entropy(found, examples.targets),
        steps=1,
        epochs=1.0,
        seconds=seconds,
        rows_per_second=len(examples) / seconds,
    )
