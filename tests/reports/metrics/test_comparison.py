from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labeler.data.errors import InputError
from labeler.data.gold.scores import gold_scores
from labeler.data.types.label_space import LabelSpace
from labeler.reports.metrics.comparison import compare, mcnemar

Labels = npt.NDArray[np.int16]
SPACE = LabelSpace(("negative", "neutral", "positive"))


def noisy(truth: Labels, accuracy: float, seed: int) -> Labels:
    """Labels that are right with this probability, else the next class, and now and then none."""
    rng = np.random.default_rng(seed)
    found = np.where(rng.random(len(truth)) < accuracy, truth, (truth + 1) % 3)
    return np.where(rng.random(len(truth)) < 0.03, -1, found).astype(np.int16)


def gold(rows: int, seed: int = 0) -> Labels:
    return np.random.default_rng(seed).choice(3, rows, p=[0.1, 0.2, 0.7]).astype(np.int16)


rows = st.lists(st.tuples(st.integers(0, 2), st.integers(-1, 2), st.integers(-1, 2)), min_size=1, max_size=40)


@settings(max_examples=40, deadline=None)
@given(rows)
def test_the_difference_is_that_of_the_scores_and_counts_add_up(rows: list[tuple[int, int, int]]) -> None:
    truth, first, second = np.array(rows, np.int16).T
    found = compare(truth, first, second, labels=SPACE, resamples=50)
    expected = gold_scores(truth, first)["macro_f1"] - gold_scores(truth, second)["macro_f1"]
    difference = found.macro_f1_difference
    assert difference.value == pytest.approx(expected, abs=1e-12)
    assert -1 <= difference.low <= difference.value <= difference.high <= 1
    counts = (found.both_right, found.only_first_right, found.only_second_right, found.both_wrong)
    assert sum(counts) == found.rows == len(rows)
    assert 0 < found.p_value <= 1


def test_swapping_the_two_turns_the_difference_around() -> None:
    truth = gold(120)
    first, second = noisy(truth, 0.9, 1), noisy(truth, 0.7, 2)
    one, other = compare(truth, first, second, labels=SPACE), compare(truth, second, first, labels=SPACE)
    assert other.macro_f1_difference.value == pytest.approx(-one.macro_f1_difference.value)
    assert other.macro_f1_difference.low == pytest.approx(-one.macro_f1_difference.high, abs=0.03)
    assert (other.only_first_right, other.only_second_right) == (one.only_second_right, one.only_first_right)
    assert other.mcnemar_p_value == one.mcnemar_p_value


def test_a_clear_difference_is_found() -> None:
    truth = gold(300)
    found = compare(truth, noisy(truth, 0.95, 1), noisy(truth, 0.7, 2), labels=SPACE)
    assert found.macro_f1_difference.low > 0.1
    assert found.p_value < 0.01
    assert found.mcnemar_p_value < 0.001


def test_labels_that_agree_everywhere_are_not_proven_equal() -> None:
    truth = gold(100)
    labels = noisy(truth, 0.9, 1)
    found = compare(truth, labels, labels, labels=SPACE)
    assert found.macro_f1_difference.value == 0
    assert found.macro_f1_difference.low < -0.01 < 0.01 < found.macro_f1_difference.high
    assert found.p_value > 0.5
    assert found.mcnemar_p_value == 1


def test_one_row_proves_nothing() -> None:
    truth = gold(100)
    better = noisy(truth, 0.9, 1)
    worse = better.copy()
    worse[np.flatnonzero(better == truth)[0]] = -1
    found = compare(truth, better, worse, labels=SPACE)
    assert found.macro_f1_difference.value > 0
    assert found.p_value > 0.1
    assert found.mcnemar_p_value == 1


def test_weights_count() -> None:
    truth, first = np.array([0, 0, 2, 2], np.int16), np.array([0, 0, 0, 0], np.int16)
    second = np.array([2, 2, 2, 2], np.int16)
    assert compare(truth, first, second, labels=SPACE).macro_f1_difference.value == pytest.approx(0)
    heavy = compare(truth, first, second, labels=SPACE, weights=np.array([9.0, 9, 1, 1]))
    assert heavy.macro_f1_difference.value > 0.3


@pytest.mark.parametrize(("only_first", "only_second", "p_value"), [(0, 0, 1), (5, 0, 0.0625), (0, 1, 1), (3, 3, 1)])
def test_mcnemar_is_exact(only_first: int, only_second: int, p_value: float) -> None:
    assert mcnemar(only_first, only_second) == pytest.approx(p_value)


def test_no_gold_row_is_an_error() -> None:
    empty = np.zeros(0, np.int16)
    with pytest.raises(InputError, match="no gold row"):
        compare(empty, empty, empty, labels=SPACE)


@pytest.mark.parametrize("second", [[0], [0, 3], [0, -2]])
def test_impossible_arrays_are_refused(second: list[int]) -> None:
    with pytest.raises(ValueError, match=r"shapes|in \[-1, 3\)"):
        compare(np.zeros(2, np.int16), np.zeros(2, np.int16), np.array(second, np.int16), labels=SPACE)


@pytest.mark.slow
def test_equal_labels_are_told_apart_no_more_often_than_promised() -> None:
    """Two label sets of the same quality: about 5 % of samples may show a difference at the 5 % level."""
    samples = 400
    significant = outside = 0
    for seed in range(samples):
        truth = gold(150, seed)
        found = compare(
            truth, noisy(truth, 0.85, 2 * seed), noisy(truth, 0.85, 2 * seed + 1), labels=SPACE, resamples=400
        )
        significant += found.p_value < 0.05
        outside += not found.macro_f1_difference.low <= 0 <= found.macro_f1_difference.high
    assert 0.01 < significant / samples < 0.085
    assert 0.01 < outside / samples < 0.085
