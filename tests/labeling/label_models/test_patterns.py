from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from labeler.labeling.label_models import patterns as module
from labeler.labeling.label_models.patterns import VotePatterns, cooccurrence

matrices = st.tuples(st.integers(0, 40), st.integers(1, 6)).flatmap(
    lambda shape: arrays(np.int16, shape, elements=st.integers(-1, 3))
)


@given(matrices)
def test_patterns_are_the_sorted_distinct_rows_with_their_counts(votes: npt.NDArray[np.int16]) -> None:
    table = VotePatterns.from_votes(votes)
    rows, counts = np.unique(votes, axis=0, return_counts=True)
    assert np.array_equal(table.patterns, rows)
    assert np.array_equal(table.counts, counts)
    assert np.array_equal(table.expand(table.patterns), votes)
    assert [a.dtype.name for a in (table.patterns, table.counts, table.inverse)] == ["int16", "int64", "int32"]


def test_counting_in_a_table_equals_sorting(monkeypatch: pytest.MonkeyPatch) -> None:
    votes = np.random.default_rng(0).integers(-1, 3, (5000, 5)).astype(np.int16)
    whole = VotePatterns.from_votes(votes)
    monkeypatch.setattr(module, "_CHUNK", 64)
    counted = VotePatterns.from_votes(votes)
    monkeypatch.setattr(module, "_LARGEST_TABLE", 0)
    sorted_rows = VotePatterns.from_votes(votes)
    for table in (counted, sorted_rows):
        assert np.array_equal(table.patterns, whole.patterns)
        assert np.array_equal(table.counts, whole.counts)
        assert np.array_equal(table.inverse, whole.inverse)
        assert [a.dtype.name for a in (table.patterns, table.counts, table.inverse)] == ["int16", "int64", "int32"]


def test_rows_too_wide_for_one_number_keep_order_and_equality() -> None:
    votes = np.random.default_rng(0).integers(-1, 9, (300, 90)).astype(np.int16)
    votes[100:200] = votes[:100]
    votes[5, 89], votes[6] = 0, votes[5]
    votes[6, 89] = 1  # differs in the last digit only
    table = VotePatterns.from_votes(votes)
    assert np.array_equal(table.patterns, np.unique(votes, axis=0))
    assert np.array_equal(table.expand(table.patterns), votes)


def test_cooccurrence_counts_pairs_of_votes() -> None:
    votes = np.array([[0, 1], [0, 1], [1, -1], [0, 0]], np.int16)
    joint = cooccurrence(VotePatterns.from_votes(votes), 2)
    assert joint[0, 0, 1, 1] == 2
    assert joint[0, 0, 0, 0] == 3
    assert joint[0, 1].sum() == 1  # with itself only


def test_tables_that_contradict_themselves_are_refused() -> None:
    row, empty = np.zeros((1, 2), np.int16), np.zeros(0, np.int32)
    with pytest.raises(ValueError, match="counts of shape"):
        VotePatterns(row, np.ones(2, np.int64), empty)
    with pytest.raises(ValueError, match="at least once"):
        VotePatterns(row, np.zeros(1, np.int64), empty)
    with pytest.raises(ValueError, match="3 rows, but 1 rows"):
        VotePatterns(row, np.array([3]), np.zeros(1, np.int32))
    with pytest.raises(ValueError, match="2 dimensions"):
        VotePatterns.from_votes(np.zeros(3, np.int16))


@given(matrices)
def test_some_voters_have_the_patterns_of_their_columns(votes: npt.NDArray[np.int16]) -> None:
    columns = list(range(0, votes.shape[1], 2))
    some, alone = VotePatterns.from_votes(votes).of_voters(columns), VotePatterns.from_votes(votes[:, columns])
    assert np.array_equal(some.patterns, alone.patterns)
    assert np.array_equal(some.counts, alone.counts)
