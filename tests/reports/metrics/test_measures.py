from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, average_precision_score, f1_score, precision_recall_fscore_support

from labeler.data.errors import InputError
from labeler.data.gold.scores import gold_scores
from labeler.data.types.label_space import LabelSpace
from labeler.reports.metrics.measures import Measures, measure
from labeler.reports.metrics.resampling import Estimate

Table = tuple[npt.NDArray[np.int16], npt.NDArray[np.int16], npt.NDArray[np.float32], npt.NDArray[np.float64]]


def space(k: int) -> LabelSpace:
    return LabelSpace(tuple(f"class {c}" for c in range(k)))


@st.composite
def tables(draw: st.DrawFn) -> Table:
    """Gold, labels, probabilities with ties, weights: any numbers of rows and classes, classes may be missing."""
    k, rows = draw(st.integers(2, 4)), draw(st.integers(1, 40))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    truth = rng.integers(0, draw(st.integers(1, k)), rows).astype(np.int16)
    found = rng.integers(-1, k, rows).astype(np.int16)
    probs = rng.integers(1, 4, (rows, k)).astype(np.float32)
    return truth, found, probs / probs.sum(axis=1, keepdims=True), rng.choice([0.5, 1.0, 3.0], rows)


def estimates(found: Measures) -> list[Estimate]:
    scores = [found.coverage, found.accuracy, found.macro_f1, found.weighted_f1]
    scores += [score for c in found.classes for score in (c.precision, c.recall, c.f1, c.pr_auc) if score is not None]
    return scores + ([] if found.calibration is None else [found.calibration.error])


@settings(max_examples=40, deadline=None)
@given(tables())
def test_scores_equal_those_of_scikit_learn(table: Table) -> None:
    truth, found, probs, weights = table
    k = probs.shape[1]
    measured = measure(truth, found, probs, labels=space(k), weights=weights, resamples=20)
    options: dict[str, Any] = {"labels": range(k), "zero_division": 0.0, "sample_weight": weights}
    precision, recall, f1, _ = precision_recall_fscore_support(truth, found, average=None, **options)
    assert measured.accuracy.value == pytest.approx(accuracy_score(truth, found, sample_weight=weights), abs=1e-12)
    assert [c.precision.value for c in measured.classes] == pytest.approx(precision, abs=1e-12)
    assert [c.recall.value for c in measured.classes] == pytest.approx(recall, abs=1e-12)
    assert [c.f1.value for c in measured.classes] == pytest.approx(f1, abs=1e-12)
    assert measured.weighted_f1.value == pytest.approx(f1_score(truth, found, average="weighted", **options), abs=1e-12)
    options["labels"] = np.union1d(truth, found[found >= 0])
    assert measured.macro_f1.value == pytest.approx(f1_score(truth, found, average="macro", **options), abs=1e-12)
    for c, scores in enumerate(measured.classes):
        if scores.support:
            area = average_precision_score(truth == c, probs[:, c], sample_weight=weights)
            assert scores.pr_auc is not None
            assert scores.pr_auc.value == pytest.approx(area, abs=1e-12)
        else:
            assert scores.pr_auc is None


@settings(max_examples=30, deadline=None)
@given(tables())
def test_scores_without_weights_are_those_of_the_other_commands(table: Table) -> None:
    truth, found, probs, _ = table
    measured = measure(truth, found, None, labels=space(probs.shape[1]), resamples=20)
    expected = gold_scores(truth, found)
    for name in ("macro_f1", "weighted_f1", "accuracy"):
        assert getattr(measured, name).value == pytest.approx(expected[name], abs=1e-12)
    assert measured.coverage.value == pytest.approx(np.mean(found >= 0))
    assert measured.calibration is None


@settings(max_examples=30, deadline=None)
@given(tables())
def test_every_interval_holds_its_score_and_stays_between_0_and_1(table: Table) -> None:
    truth, found, probs, weights = table
    for score in estimates(measure(truth, found, probs, labels=space(probs.shape[1]), weights=weights, resamples=50)):
        assert 0 <= score.low <= score.value <= score.high <= 1 + 1e-12


@settings(max_examples=20, deadline=None)
@given(tables(), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(table: Table, random: Any) -> None:
    order = random.sample(range(len(table[0])), len(table[0]))
    k = table[2].shape[1]
    one, other = (
        measure(truth, found, None, labels=space(k), weights=weights, resamples=20)
        for truth, found, _, weights in (table, tuple(column[order] for column in table))
    )
    for edge in ("value", "low", "high"):
        expected = [getattr(score, edge) for score in estimates(one)]
        assert [getattr(score, edge) for score in estimates(other)] == pytest.approx(expected)


def test_confusion_counts_rows_and_keeps_the_unlabelled_apart() -> None:
    truth, found = np.array([0, 0, 1, 1], np.int16), np.array([0, -1, 0, 1], np.int16)
    measured = measure(truth, found, None, labels=space(2), weights=np.array([9.0, 1, 1, 1]))
    assert measured.confusion == ((1, 0, 1), (1, 1, 0))
    assert [(c.name, c.support, c.predicted) for c in measured.classes] == [("class 0", 2, 2), ("class 1", 2, 1)]


def test_equal_weights_change_nothing() -> None:
    rng = np.random.default_rng(0)
    truth, found = rng.integers(0, 2, (2, 80)).astype(np.int16)
    assert measure(truth, found, None, labels=space(2), weights=np.full(80, 7.0)) == measure(
        truth, found, None, labels=space(2)
    )


def test_more_rows_give_narrower_intervals() -> None:
    truth, found = np.array([0, 1, 1, 0, 1], np.int16), np.array([0, 1, 0, 0, -1], np.int16)
    few = measure(np.tile(truth, 4), np.tile(found, 4), None, labels=space(2))
    many = measure(np.tile(truth, 400), np.tile(found, 400), None, labels=space(2))
    for a, b in zip(estimates(few), estimates(many), strict=True):
        assert b.high - b.low < 0.2 * (a.high - a.low)


def test_uneven_weights_widen_the_interval() -> None:
    truth, found = np.tile(np.array([0, 1], np.int16), 50), np.tile(np.array([0, 1, 1, 1], np.int16), 25)
    even = measure(truth, found, None, labels=space(2)).accuracy
    uneven = measure(truth, found, None, labels=space(2), weights=np.repeat([1.0, 20.0], [80, 20])).accuracy
    assert uneven.high - uneven.low > 1.5 * (even.high - even.low)


def test_a_perfect_score_on_few_rows_is_no_certainty() -> None:
    truth = np.repeat(np.array([0, 1], np.int16), [5, 95])
    probs = np.eye(2, dtype=np.float32)[truth] * 0.8 + 0.1
    measured = measure(truth, truth, probs, labels=space(2))
    rare, common = measured.classes
    assert rare.f1.value == rare.f1.high == 1
    assert rare.f1.low < 0.85 < 0.97 < common.f1.low
    assert rare.pr_auc is not None
    assert rare.pr_auc.value == pytest.approx(1)
    assert rare.pr_auc.low < 0.85


def test_a_class_nobody_saw_is_unknown() -> None:
    truth = np.zeros(50, np.int16)
    unseen = measure(truth, truth, None, labels=space(2)).classes[1]
    assert unseen.recall.value == 0
    assert unseen.recall.high > 0.9


def test_intervals_are_reproducible() -> None:
    truth, found = np.random.default_rng(0).integers(0, 3, (2, 60)).astype(np.int16)
    probs = np.full((60, 3), 1 / 3, np.float32)
    one, again, other = (measure(truth, found, probs, labels=space(3), seed=seed) for seed in (1, 1, 2))
    assert one == again
    assert one.macro_f1.low != other.macro_f1.low


@pytest.mark.parametrize(
    ("truth", "found", "message"),
    [([0, 2], [0, 0], r"in \[0, 2\)"), ([0, -1], [0, 0], r"in \[0, 2\)"), ([0, 1], [0], "shapes")],
)
def test_impossible_arrays_are_refused(truth: list[int], found: list[int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        measure(np.array(truth, np.int16), np.array(found, np.int16), None, labels=space(2))


@pytest.mark.parametrize("weights", [[1.0], [1.0, 0.0], [1.0, np.nan]])
def test_impossible_weights_are_refused(weights: list[float]) -> None:
    with pytest.raises(ValueError, match="2 positive weights"):
        measure(
            np.zeros(2, np.int16), np.zeros(2, np.int16), None, labels=space(2), weights=np.array(weights, np.float64)
        )


def test_no_gold_row_is_an_error_that_says_what_to_do() -> None:
    with pytest.raises(InputError, match="no gold row"):
        measure(np.zeros(0, np.int16), np.zeros(0, np.int16), None, labels=space(2))


def population(rare: float) -> npt.NDArray[np.float64]:
    """How often each true class (down) gets each label, the last for none: 80 % of the rare class are found."""
    return np.array([[rare], [1 - rare]]) * [[0.76, 0.19, 0.05], [0.03, 0.92, 0.05]]


def drawn(shares: npt.NDArray[np.float64], rows: list[int], rng: np.random.Generator) -> tuple[Any, Any, Any]:
    """Draw that many rows of each label (or so many of all): gold, labels, weights."""
    if len(rows) == 1:
        cells = rng.choice(6, rows[0], p=shares.ravel())
        truth, column, weights = cells // 3, cells % 3, None
    else:
        parts = [shares[:, j] / shares[:, j].sum() for j in range(3)]
        truth = np.concatenate([rng.choice(2, n, p=part) for n, part in zip(rows, parts, strict=True)])
        column = np.repeat(np.arange(3), rows)
        weights = (shares.sum(axis=0) / rows)[column]
    return truth.astype(np.int16), np.where(column == 2, -1, column).astype(np.int16), weights


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rare", "rows"), [(0.18, [100]), (0.05, [100]), (0.18, [1000]), (0.05, [35, 55, 10]), (0.18, [35, 55, 10])]
)
def test_95_percent_intervals_hold_the_truth_95_times_in_100(rare: float, rows: list[int]) -> None:
    """Few rare rows are what the percentile bootstrap fails at; the last two samples are stratified and weighted."""
    samples, shares, rng = 400, population(rare), np.random.default_rng(7)
    hits, false, missed = np.diag(shares), shares[[1, 0], [0, 1]], shares.sum(axis=1) - np.diag(shares)
    f1 = 2 * hits / (2 * hits + false + missed)
    expected = [f1.mean(), hits.sum(), f1[0]]
    inside = np.zeros(3)
    for seed in range(samples):
        truth, found, weights = drawn(shares, rows, rng)
        measured = measure(truth, found, None, labels=space(2), weights=weights, resamples=800, seed=seed)
        for j, score in enumerate((measured.macro_f1, measured.accuracy, measured.classes[0].f1)):
            inside[j] += score.low <= expected[j] <= score.high
    share = inside / samples
    assert np.all(share > 0.915), share
    assert np.all(share[[0, 2]] < 0.99), share  # the accuracy of a stratified sample is surer than its interval says
