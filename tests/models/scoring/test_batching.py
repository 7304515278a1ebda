"""Batches are a partition, fit the budget, and have few shapes."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from labeler.models.scoring.batching import (
    MIN_TOKENS,
    filled_up,
    pad_rows,
    padded_length,
    sorted_batches,
)

LENGTHS = st.lists(st.integers(1, 512), max_size=300)


@given(LENGTHS, st.integers(8, 8192))
def test_batches_are_a_partition_within_the_budget(lengths: list[int], budget: int) -> None:
    batches = list(sorted_batches([[0] * length for length in lengths], budget=budget, limit=512))
    assert sorted(i for batch, _ in batches for i in batch) == list(range(len(lengths)))
    found = [lengths[i] for batch, _ in batches for i in batch]
    assert found == sorted(lengths, reverse=True)
    for batch, width in batches:
        assert max(lengths[i] for i in batch) <= width <= 512
        assert len(batch) == 1 or len(batch) * width <= budget


@given(st.integers(1, 10_000))
def test_padding_adds_little(length: int) -> None:
    width = padded_length(length)
    assert width % 8 == 0
    assert length <= width <= max(8, length * 5 / 4 + 8)


def test_there_are_few_widths() -> None:
    assert len({padded_length(length) for length in range(1, 513)}) <= 32
    assert padded_length(512) == 512


def test_a_limit_that_is_no_multiple_of_8_is_kept() -> None:
    assert padded_length(77, limit=77) == 77


@given(st.lists(st.lists(st.integers(5, 9), min_size=1, max_size=40), max_size=60))
def test_rows_of_any_order_are_covered_once(rows: list[list[int]]) -> None:
    batches = list(sorted_batches(rows, budget=64))
    assert sorted(i for batch, _ in batches for i in batch) == list(range(len(rows)))
    widths = [width for _, width in batches]
    assert widths == sorted(widths, reverse=True)


def test_rows_are_padded_on_the_right() -> None:
    np.testing.assert_array_equal(pad_rows([[7, 8], [9]], 3, 1), [[7, 8, 1], [9, 1, 1]])


@given(st.lists(st.lists(st.integers(3, 9), min_size=1, max_size=12), min_size=1, max_size=80))
def test_a_small_batch_is_filled_up_with_its_last_row(rows: list[list[int]]) -> None:
    width = padded_length(max(map(len, rows)))
    filled = filled_up(rows, width)
    assert filled[: len(rows)] == rows
    assert all(row == rows[-1] for row in filled[len(rows) :])
    assert len(filled) * width >= MIN_TOKENS
    assert len(filled) == len(rows) or len(filled) * width < MIN_TOKENS + width
