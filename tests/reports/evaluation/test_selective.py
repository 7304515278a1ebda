"""Keeping fewer, surer labels."""

import numpy as np
import pytest

from labeler.reports.evaluation.evaluation_data import Predictions
from labeler.reports.evaluation.selective import selective_accuracy


def predictions(confidence: np.ndarray[tuple[int], np.dtype[np.float64]], found: list[int]) -> Predictions:
    probs = np.column_stack([1 - confidence, confidence]).astype(np.float32)
    return Predictions("x", np.array(found, np.int16), probs, np.ones(len(found), np.bool_))


def test_surer_labels_are_right_more_often() -> None:
    confidence = np.linspace(0.5, 1, 100)
    truth = np.where(np.arange(100) < 40, np.arange(100) % 2, 1).astype(np.int16)  # the unsure ones are a coin toss
    retained = selective_accuracy(truth, predictions(confidence, [1] * 100))
    assert [round(k.share, 1) for k in retained] == [1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2]
    assert retained[0].accuracy.value == pytest.approx(0.8)
    assert retained[4].accuracy.value == 1.0
    assert retained[4].accuracy.low < 1.0
    assert all(k.accuracy.low <= k.accuracy.value <= k.accuracy.high for k in retained)


def test_rows_without_a_label_are_never_kept() -> None:
    found = [-1] * 30 + [1] * 70
    retained = selective_accuracy(np.ones(100, np.int16), predictions(np.linspace(0.9, 0.6, 100), found))
    assert max(k.rows for k in retained) == 70


def test_equal_confidence_gives_one_point() -> None:
    retained = selective_accuracy(np.ones(50, np.int16), predictions(np.full(50, 0.9), [1] * 50))
    assert [(k.share, k.rows) for k in retained] == [(1.0, 50)]


def test_shares_are_of_weight() -> None:
    weights = np.concatenate([np.full(50, 9.0), np.full(50, 1.0)])
    labels = predictions(np.linspace(0.5, 1, 100), [1] * 100)
    retained = selective_accuracy(np.ones(100, np.int16), labels, weights=weights)
    assert retained[-1].share == pytest.approx(0.2, abs=0.02)
    assert retained[-1].rows < 62
