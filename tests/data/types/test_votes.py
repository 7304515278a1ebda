"""Votes of one voter, and of several side by side."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labeler.data.types.votes import LabelMatrix, Votes

NAN = float("nan")


def test_dtypes_are_settled_on_construction() -> None:
    votes = Votes(np.array([1, -1]), np.array([0.5, NAN]))
    assert votes.labels.dtype == np.int16
    assert votes.confidence.dtype == np.float32
    assert len(votes) == 2


@pytest.mark.parametrize(
    ("labels", "confidence", "message"),
    [
        ([0, 1], [0.5], "shape"),
        ([[0]], [[0.5]], "1 dimension"),
        ([0.0], [0.5], "must be integers, got float64"),
        ([True], [0.5], "must be integers, got bool"),
        ([-2], [0.5], r"in \[-1, k\), found -2"),
        ([40_000], [0.5], "found 40000"),
        ([0], [NAN], "NaN exactly where"),
        ([-1], [0.5], "NaN exactly where"),
        ([0], [1.5], r"Confidence must lie in \[0, 1\], found 0.0 to 1.5"),
        ([0], [-0.1], r"Confidence must lie in \[0, 1\]"),
        ([0], [float("inf")], r"Confidence must lie in \[0, 1\]"),
    ],
)
def test_impossible_votes_are_refused(labels: Any, confidence: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Votes(np.array(labels), np.array(confidence))


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(-1, 4), st.floats(0, 1, width=32))))
def test_from_scores_blanks_the_confidence_of_abstentions(rows: list[tuple[int, float]]) -> None:
    votes = Votes.from_scores([label for label, _ in rows], [score for _, score in rows])
    assert np.array_equal(np.isnan(votes.confidence), votes.labels == -1)
    assert votes.labels.tolist() == [label for label, _ in rows]


def test_take_gathers_and_repeats_rows() -> None:
    votes = Votes.from_scores([0, -1, 1], [0.1, 0.2, 0.3]).take(np.array([2, 2, 1]))
    assert votes.labels.tolist() == [1, 1, -1]
    assert votes.confidence[:2].tolist() == pytest.approx([0.3, 0.3])


def test_votes_stand_side_by_side_in_order() -> None:
    matrix = LabelMatrix(np.array([[0, -1], [-1, -1]]), ("b", "a"))
    assert matrix.voters == ("b", "a")
    assert matrix.votes.tolist() == [[0, -1], [-1, -1]]
    assert matrix.covered.tolist() == [True, False]
    assert len(matrix) == 2


@pytest.mark.parametrize(
    ("votes", "voters", "message"),
    [
        ([[0, 1]], ("a",), "2 columns of votes but 1 voter names"),
        ([[0, 1]], ("a", "a"), "must be unique"),
        ([0, 1], ("a", "b"), "2 dimension"),
    ],
)
def test_impossible_matrices_are_refused(votes: Any, voters: tuple[str, ...], message: str) -> None:
    array = np.array(votes)
    with pytest.raises(ValueError, match=message):
        LabelMatrix(array, voters)
