"""What labels must beat to be worth having: always the most frequent class, and a model of the gold rows alone."""

from __future__ import annotations

import numpy as np

from .evaluation_data import EvaluationData, Predictions
from .label_issues import out_of_fold

_MIN_PER_CLASS = 5


def baselines(data: EvaluationData) -> list[Predictions]:
    """Return the majority class and, with enough gold rows, a cross-validated text model of them.

    The text model is a logistic regression on words; each gold row is labelled by a model of the others.
    """
    truth, k = data.truth, data.labels.k
    every = np.ones(len(truth), np.bool_)
    counts = np.bincount(truth, data.gold.weights, minlength=k)
    found = [Predictions("majority class", np.full(len(truth), counts.argmax(), np.int16), None, every)]
    rows = np.bincount(truth, minlength=k)
    if np.count_nonzero(rows) > 1 and rows[rows > 0].min() >= _MIN_PER_CLASS:
        probs = np.zeros((len(truth), k), np.float32)
        learned = out_of_fold(data.gold.texts, truth, balanced=True)
        probs[:, : learned.shape[1]] = learned
        found.append(Predictions("gold rows only", probs.argmax(axis=1).astype(np.int16), probs, every))
    return found
