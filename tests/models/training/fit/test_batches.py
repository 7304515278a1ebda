"""Batches hold each row once, rows of similar length together, in an order that can be repeated."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeler.models.training.fit.batches import Examples, LengthGroupedSampler

LENGTHS = st.lists(st.integers(1, 120), min_size=1, max_size=200)


def make(rows: Any) -> Examples:
    return Examples(rows, np.full((len(rows), 2), 0.5, np.float32), np.ones(len(rows), np.float32))


def examples(lengths: list[int]) -> Examples:
    return make([[7] * length for length in lengths])


@given(LENGTHS, st.integers(1, 300))
def test_parts_cover_the_rows_once_within_the_budget(lengths: list[int], budget: int) -> None:
    data = examples(lengths)
    rows = np.arange(len(lengths))[::2]
    parts = data.parts(rows, budget=budget)
    assert sorted(row for part, _ in parts for row in part) == rows.tolist()
    for part, width in parts:
        assert max(lengths[row] for row in part) <= width <= max(lengths)
        assert len(part) == 1 or len(part) * width <= budget


def test_full_parts_have_few_token_counts() -> None:
    data = examples(list(range(1, 257)) * 4)
    parts = data.parts(np.arange(len(data)), budget=2048)
    assert len({len(part) * width for part, width in parts}) <= 12


def test_padding_is_masked() -> None:
    inputs = examples([3, 1]).inputs(np.array([1, 0]), 4, pad=9)
    assert inputs["input_ids"].tolist() == [[7, 9, 9, 9], [7, 7, 7, 9]]
    assert inputs["attention_mask"].tolist() == [[1, 0, 0, 0], [1, 1, 1, 0]]


def test_vectors_are_handed_out_as_they_are() -> None:
    vectors = np.arange(6, dtype=np.float32).reshape(3, 2)
    data = make(vectors)
    assert data.inputs(np.array([2, 0]), 1, pad=0)["vectors"].tolist() == [[4, 5], [0, 1]]
    assert [len(part) for part, _ in data.parts(np.arange(3), budget=4)] == [3]


@given(LENGTHS, st.integers(1, 70), st.integers(0, 3))
def test_an_epoch_is_a_permutation(lengths: list[int], batch_size: int, epoch: int) -> None:
    sampler = LengthGroupedSampler(np.array(lengths), batch_size=batch_size, seed=1)
    sampler.set_epoch(epoch)
    assert sorted(sampler) == list(range(len(lengths)))
    assert len(sampler) == len(lengths)


def test_epochs_differ_and_repeat_whatever_the_global_random_state() -> None:
    lengths = np.random.default_rng(0).integers(1, 100, 500)
    sampler = LengthGroupedSampler(lengths, batch_size=8, seed=1)
    first = list(sampler)
    np.random.default_rng().random()
    sampler.set_epoch(1)
    second = list(sampler)
    again = LengthGroupedSampler(lengths, batch_size=8, seed=1)
    assert first == list(again)
    assert first != second
    again.set_epoch(1)
    assert second == list(again)


def test_batches_hold_rows_of_similar_length_in_random_order() -> None:
    lengths = np.random.default_rng(0).integers(1, 400, 1600)
    order = lengths[list(LengthGroupedSampler(lengths, batch_size=32, seed=0))].reshape(-1, 32)
    assert (np.ptp(order, axis=1) < 30).all()
    means = order.mean(axis=1)
    assert (np.diff(means) > 0).any()
    assert (np.diff(means) < 0).any()


@pytest.mark.parametrize(
    ("targets", "weights", "message"),
    [
        (np.ones((2, 2)), np.ones(1), "do not belong together"),
        (np.ones(1), np.ones(1), "do not belong together"),
        (np.array([[np.nan, 1.0]]), np.ones(1), "must be finite"),
        (np.ones((1, 2)), np.array([-1.0]), "not negative"),
    ],
)
def test_wrong_shapes_and_values_are_refused(targets: Any, weights: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Examples([[1]], targets, weights)


def test_a_row_without_tokens_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one token"):
        make([[1], []])
