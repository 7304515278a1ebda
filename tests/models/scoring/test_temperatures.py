"""Predictions that are as sure as soft labels say that they are right."""

from __future__ import annotations

import numpy as np
import pytest

from labeler.models.scoring.blending import tempered
from labeler.models.scoring.priors import softmax
from labeler.models.scoring.temperatures import expected_temperatures


@pytest.mark.parametrize("sharpness", [0.3, 1.0, 6.0])
def test_the_mean_confidence_of_each_predicted_class_is_its_accuracy(sharpness: float) -> None:
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(5_000, 3)) * 2 + [2.0, 0.0, -1.0]
    labels, logits = softmax(truth), sharpness * (truth + rng.normal(size=truth.shape))
    found = tempered(logits, expected_temperatures(logits, labels, np.ones(5_000)))
    predicted = logits.argmax(axis=1)
    assert np.array_equal(found.argmax(axis=1), predicted)
    for label in range(3):
        rows = predicted == label
        assert found[rows].max(axis=1).mean() == pytest.approx(labels[rows, label].mean(), abs=0.02)


def test_a_class_that_is_never_predicted_has_the_scale_of_all() -> None:
    logits = np.array([[2.0, 0.0, -1.0]] * 20)
    assert expected_temperatures(logits, softmax(logits / 3), np.ones(20)) == pytest.approx([3.0] * 3, rel=0.01)
