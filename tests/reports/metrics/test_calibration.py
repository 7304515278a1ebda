from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta
from sklearn.calibration import calibration_curve

from labeler.reports.metrics.calibration import calibrate

Sample = tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]


def sample(rows: int, seed: int = 0, *, bias: float = 0.0) -> Sample:
    """Labels that are right as often as their confidence says, less the bias."""
    rng = np.random.default_rng(seed)
    confidence = 1 - 0.5 * rng.random(rows) ** 2
    return confidence, rng.random(rows) < confidence - bias


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 30), st.integers(0, 1000))
def test_the_curve_is_that_of_scikit_learn(tens: int, seed: int) -> None:
    """Where its interpolated quantiles cut between the same rows: at multiples of ten distinct confidences."""
    confidence, right = sample(10 * tens, seed)
    accuracy, mean = calibration_curve(right, confidence, n_bins=10, strategy="quantile")
    bins = calibrate(confidence, right, resamples=10).bins
    assert [b.accuracy.value for b in bins] == pytest.approx(accuracy)
    assert [b.confidence for b in bins] == pytest.approx(mean)
    assert [b.rows for b in bins] == [tens] * 10


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 60), st.integers(0, 1000), st.integers(1, 8))
def test_the_error_is_the_mean_distance_of_the_bins(rows: int, seed: int, levels: int) -> None:
    confidence, right = sample(rows, seed)
    confidence = np.round(confidence * levels) / levels  # ties
    found = calibrate(confidence, right, resamples=50)
    assert sum(b.rows for b in found.bins) == rows
    expected = sum(b.rows * abs(b.confidence - b.accuracy.value) for b in found.bins) / rows
    assert found.error.value == pytest.approx(expected)
    assert 0 <= found.error.low <= found.error.value <= found.error.high <= 1
    means = [b.confidence for b in found.bins]
    assert means == sorted(set(means))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 4), min_size=1, max_size=40), st.integers(0, 1000))
def test_a_weight_counts_like_repeated_rows(copies: list[int], seed: int) -> None:
    confidence, right = sample(len(copies), seed)
    weighted = calibrate(confidence, right, weights=np.array(copies, np.float64), resamples=10)
    repeated = calibrate(np.repeat(confidence, copies), np.repeat(right, copies), resamples=10)
    assert weighted.error.value == pytest.approx(repeated.error.value)
    assert [b.confidence for b in weighted.bins] == pytest.approx([b.confidence for b in repeated.bins])


def test_overconfidence_is_seen() -> None:
    calibrated, boastful = (calibrate(*sample(3000, bias=bias)).error for bias in (0.0, 0.2))
    assert calibrated.value < 0.04
    assert boastful.low > 0.15
    assert boastful.high < 0.25


def test_one_confidence_makes_one_bin() -> None:
    found = calibrate(np.full(20, 0.75), np.arange(20) < 10)
    assert len(found.bins) == 1
    assert found.error.value == pytest.approx(0.25)


@pytest.mark.parametrize(("hits", "rows"), [(0, 12), (3, 10), (10, 10), (49, 50)])
def test_bins_have_jeffreys_intervals(hits: int, rows: int) -> None:
    (found,) = calibrate(np.full(rows, 0.8), np.arange(rows) < hits).bins
    low, high = beta(hits + 0.5, rows - hits + 0.5).ppf([0.025, 0.975])
    share = hits / rows
    expected = (share, min(low, share), max(high, share))
    assert (found.accuracy.value, found.accuracy.low, found.accuracy.high) == pytest.approx(expected)


def test_uneven_weights_widen_a_bin() -> None:
    confidence, right = np.full(40, 0.8), np.tile([True, False], 20)
    even = calibrate(confidence, right).bins[0].accuracy
    uneven = calibrate(confidence, right, weights=np.repeat([1.0, 9.0], 20)).bins[0].accuracy
    assert uneven.high - uneven.low > 1.2 * (even.high - even.low)
