"""Probabilistic labels and when they become hard ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from labeler.data.types.soft_labels import SoftLabels


def soft(probs: Any, covered: Any) -> SoftLabels:
    return SoftLabels(np.array(probs, dtype=np.float32), np.array(covered, dtype=bool))


@pytest.mark.parametrize(
    ("probs", "covered", "message"),
    [
        ([[0.5, 0.5]], [True, False], "covered of shape"),
        ([0.5, 0.5], [True, True], "shape"),
        ([[0.5, np.nan]], [True], "finite and not negative"),
        ([[1.5, -0.5]], [True], "finite and not negative"),
        ([[0.5, 0.4]], [True], "must sum to 1"),
    ],
)
def test_impossible_probabilities_are_refused(probs: Any, covered: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        soft(probs, covered)


def test_an_uncovered_row_has_neither_label_nor_confidence() -> None:
    labels = soft([[0.1, 0.9], [0.1, 0.9]], [True, False])
    assert labels.hard().tolist() == [1, -1]
    assert labels.confidence.tolist() == pytest.approx([0.9, np.nan], nan_ok=True)


def test_an_exact_tie_has_no_label() -> None:
    assert soft([[0.5, 0.5], [0.4, 0.6]], [True, True]).hard().tolist() == [-1, 1]


def test_below_the_threshold_there_is_no_label() -> None:
    assert soft([[0.3, 0.7], [0.1, 0.9]], [True, True]).hard(0.8).tolist() == [-1, 1]


def test_no_rows_are_fine() -> None:
    empty = soft(np.zeros((0, 3)), [])
    assert (len(empty), empty.hard().shape, empty.confidence.shape) == (0, (0,), (0,))


def test_rows_of_other_classes_are_not_covered_when_some_are_kept() -> None:
    kept = soft([[0.2, 0.3, 0.5], [0.6, 0.1, 0.3], [0.1, 0.2, 0.7]], [True, True, False]).of_classes([2, 1])
    np.testing.assert_allclose(kept.probs, [[0.625, 0.375], [0.75, 0.25], [7 / 9, 2 / 9]], rtol=1e-6)
    assert kept.covered.tolist() == [True, False, False]
