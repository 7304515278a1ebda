"""Shares of classes on simulated reviews of which the truth is known."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labeler.data.errors import InputError
from labeler.reports.shares.assumptions import constant_bias_fits_better
from labeler.reports.shares.estimates import ClassRates, class_rates, group_shares, overall_shares

Labels = npt.NDArray[np.int16]
TPR, FPR = 0.7, 0.06


def simulated(shares: npt.NDArray[np.float64], tpr: float, fpr: float, seed: int) -> tuple[Labels, Labels]:
    """Truth and labels of reviews of which these shares are of class 1."""
    rng = np.random.default_rng(seed)
    truth = rng.random(len(shares)) < shares
    labels = rng.random(len(shares)) < np.where(truth, tpr, fpr)
    return truth.astype(np.int16), labels.astype(np.int16)


def label_shares(labels: Labels, k: int = 2) -> npt.NDArray[np.float64]:
    shares: npt.NDArray[np.float64] = (labels[:, np.newaxis] == np.arange(k)).mean(axis=0)
    return shares


def rates_of(truth: Labels, labels: Labels, rows: slice, resamples: int = 400) -> ClassRates:
    return class_rates(truth[rows], labels[rows], None, label_shares(labels), resamples=resamples)


@pytest.mark.parametrize("share", [0.03, 0.2, 0.4])
def test_intervals_of_all_reviews_hold_the_truth(share: float) -> None:
    hits = []
    for seed in range(80):
        truth, labels = simulated(np.full(5000, share), TPR, FPR, seed)
        _, low, high = overall_shares(rates_of(truth, labels, slice(150)))[:, 1]
        hits.append(low <= truth.mean() <= high)
    assert np.mean(hits) >= 0.85  # 0.95 less four standard errors


def test_a_known_mistake_is_corrected() -> None:
    truth = np.array([1] * 4 + [0] * 12, np.int16)
    labels = np.array([1, 1, 1, 0] + [1] * 3 + [0] * 9, np.int16)
    found = class_rates(truth, labels, None, np.array([0.5, 0.5]), resamples=200)
    assert found.precision[0, 1] == pytest.approx(3 / 6)
    assert found.omission[0, 1] == pytest.approx(1 / 10)
    assert found.share[0, 1] == pytest.approx(0.5 * 3 / 6 + 0.5 * 1 / 10)
    assert found.share[0].sum() == pytest.approx(1)
    assert found.tpr[0, 1] == pytest.approx(0.25 / 0.3)


def test_rows_that_were_drawn_more_often_count_less() -> None:
    truth, labels = simulated(np.full(40_000, 0.2), TPR, FPR, 0)
    probability = np.where(labels == 1, 0.04, 0.01)
    drawn = np.random.default_rng(1).random(len(truth)) < probability
    weights = 1 / probability[drawn]
    found = class_rates(truth[drawn], labels[drawn], weights, label_shares(labels), resamples=400)
    value, low, high = overall_shares(found)[:, 1]
    assert low <= truth.mean() <= high
    assert value == pytest.approx(truth.mean(), abs=0.04)


@pytest.mark.parametrize("share", [0.1, 0.3])
def test_constant_error_rates_find_shares_that_moved(share: float) -> None:
    hits, own, counted = [], [], []
    for seed in range(30):
        month = np.arange(6000) % 4
        truth, labels = simulated(share * np.array([0.5, 0.8, 1.2, 1.5])[month], TPR, FPR, seed)
        rates = rates_of(truth, labels, slice(300))
        for m in range(4):
            rows = month == m
            _, (value, low, high) = (each[:, 1] for each in group_shares(rates, label_shares(labels[rows]), 1500))
            hits.append(low <= truth[rows].mean() <= high)
            own.append(abs(value - truth[rows].mean()))
            counted.append(abs(labels[rows].mean() - truth[rows].mean()))
    assert np.mean(hits) >= 0.85
    assert np.mean(own) < 0.9 * np.mean(counted)


def test_constant_bias_moves_as_the_labels_do() -> None:
    truth, labels = simulated(np.full(2000, 0.2), TPR, FPR, 0)
    rates = rates_of(truth, labels, slice(300))
    moved = rates.labelled + np.array([-0.05, 0.05])
    bias, errors = group_shares(rates, moved, 10_000)
    overall = overall_shares(rates)[0]
    assert bias[0] - overall == pytest.approx([-0.05, 0.05])
    assert errors[0, 1] - overall[1] > 0.05


def test_small_groups_are_less_certain() -> None:
    truth, labels = simulated(np.full(2000, 0.2), TPR, FPR, 0)
    rates = rates_of(truth, labels, slice(300))
    widths = []
    for reviews in (10, 100, 10_000):
        found = np.stack(group_shares(rates, rates.labelled, reviews))
        widths.append(found[:, 2, 1] - found[:, 1, 1])
    assert np.all(np.diff(widths, axis=0) < 0)


def test_labels_that_tell_nothing_measure_no_change() -> None:
    truth, labels = simulated(np.full(3000, 0.2), 0.5, 0.5, 0)
    rates = rates_of(truth, labels, slice(300))
    _, errors = group_shares(rates, rates.labelled, 500)
    assert not rates.measurable.any()
    assert np.isnan(errors).all()
    value, low, high = overall_shares(rates)[:, 1]
    assert low <= truth.mean() <= high
    assert value == pytest.approx(truth[:300].mean(), abs=0.03)


def test_the_hand_labels_tell_what_moves_where_they_can() -> None:
    group = np.arange(20_000) % 4
    shares = np.array([0.1, 0.3, 0.5, 0.7])[group]
    sizes = np.full(4, 5000)
    decided = []
    truth, moved_shares = simulated(shares, 0.6, 0.1, 0)
    # No bias in any group: as many labels are wrong one way as the other.
    chance = 0.075 / np.where(truth == 1, shares, 1 - shares)
    swapped = truth ^ (np.random.default_rng(1).random(len(truth)) < chance)
    for labels in (moved_shares, swapped.astype(np.int16)):
        rates = rates_of(truth, labels, slice(4000))
        labelled = np.stack([label_shares(labels[group == g]) for g in range(4)])
        rows = slice(4000)
        decided.append(
            constant_bias_fits_better(truth[rows], labels[rows], group[rows], np.ones(4000), rates, labelled, sizes)
        )
    assert decided == [[False, False], [True, True]]
    few = (truth[:20], labels[:20], group[:20], np.ones(20))
    assert constant_bias_fits_better(*few, rates, labelled, sizes) == [None, None]


rows = st.lists(st.tuples(st.integers(0, 2), st.integers(-1, 2)), min_size=1, max_size=30)


@settings(max_examples=40, deadline=None)
@given(rows, st.integers(1, 50))
def test_shares_are_shares_whatever_the_labels(rows: list[tuple[int, int]], reviews: int) -> None:
    truth, labels = np.array(rows, np.int16).T
    found = class_rates(truth, labels, None, label_shares(labels, 3), resamples=50)
    for shares in (overall_shares(found), *group_shares(found, label_shares(labels[:1], 3), reviews)):
        known = shares[:, ~np.isnan(shares[0])]
        assert np.all((known >= 0) & (known <= 1))
        assert np.all((known[1] <= known[0]) & (known[0] <= known[2]))


def test_without_a_row_there_is_nothing_to_estimate_from() -> None:
    none = np.zeros(0, np.int16)
    with pytest.raises(InputError):
        class_rates(none, none, None, np.array([0.5, 0.5]), resamples=50)
