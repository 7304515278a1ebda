"""Moving scores until predictions follow a class balance."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.metrics import f1_score

from labeler.models.scoring.priors import Floats, match_prior, prior_offset, softmax, tuned_offset

EVEN = np.array([0.5, 0.5])
PRIORS = {2: np.array([0.05, 0.95]), 5: np.array([0.05, 0.1, 0.15, 0.3, 0.4])}
LOGITS = arrays.arrays(
    np.float32, st.tuples(st.integers(0, 60), st.integers(2, 4)), elements=st.floats(-1e6, 1e6, width=32)
)


def noise(n: int, k: int, seed: int = 0) -> npt.NDArray[np.float64]:
    return np.random.default_rng(seed).normal(size=(n, k))


def shares(logits: Floats, weights: Floats | None = None) -> Floats:
    won: Floats = np.bincount(logits.argmax(axis=1), weights, minlength=logits.shape[1]).astype(np.float64)
    return won / won.sum()  # type: ignore[no-any-return]


@pytest.mark.parametrize("k", [2, 5])
def test_matching_reaches_the_prior(k: int) -> None:
    scores, prior = noise(1000, k), PRIORS[k]
    bias = match_prior(scores, prior, np.ones(1000))
    assert softmax((scores + bias) / 0.05).mean(axis=0) == pytest.approx(prior, abs=1e-3)


def test_a_matched_batch_needs_no_further_bias() -> None:
    scores = noise(1000, 2)
    matched = scores + match_prior(scores, EVEN, np.ones(1000))
    assert match_prior(matched, EVEN, np.ones(1000)) == pytest.approx([0, 0], abs=1e-3)


def test_softmax_is_safe_for_large_numbers() -> None:
    assert softmax(np.array([[1e300, 0.0], [-1e300, -1e300]])).tolist() == [[1.0, 0.0], [0.5, 0.5]]


@pytest.mark.parametrize("scale", [1e-5, 1.0, 1e5])
@pytest.mark.parametrize("k", [2, 5])
def test_shares_follow_the_prior_at_any_scale(k: int, scale: float) -> None:
    logits = scale * (noise(2000, k) ** 3 + 7 * np.arange(k))
    assert shares(logits + prior_offset(logits, PRIORS[k])) == pytest.approx(PRIORS[k], abs=0.002)


def test_two_classes_are_matched_to_the_row() -> None:
    logits = noise(1000, 2).astype(np.float32)
    assert shares(logits + prior_offset(logits, np.array([0.123, 0.877]))).tolist() == [0.123, 0.877]


@pytest.mark.parametrize("k", [2, 5])
def test_weighted_rows_count_as_many(k: int) -> None:
    logits, weights = noise(2000, k), np.random.default_rng(1).integers(1, 20, 2000).astype(float)
    offset = prior_offset(logits, PRIORS[k], weights)
    assert shares(logits + offset, weights) == pytest.approx(PRIORS[k], abs=0.005)


def test_tied_rows_stay_together() -> None:
    logits = np.repeat([[3.0, 0], [1, 0], [0, 1]], [10, 60, 30], axis=0)
    assert shares(logits + prior_offset(logits, EVEN)).tolist() == [0.7, 0.3]
    assert shares(logits + prior_offset(logits, np.array([0.3, 0.7]))).tolist() == [0.1, 0.9]


def test_a_class_of_no_share_wins_no_row() -> None:
    logits = noise(300, 3)
    matched = shares(logits + prior_offset(logits, np.array([0.0, 0.4, 0.6])))
    assert matched == pytest.approx([0, 0.4, 0.6], abs=0.01)


@settings(max_examples=60)
@given(logits=LOGITS)
def test_an_offset_is_finite_and_sums_to_zero(logits: Floats) -> None:
    k = logits.shape[1]
    offset = prior_offset(logits, np.arange(1, k + 1) / (k * (k + 1) / 2))
    assert offset.dtype == np.float64
    assert np.all(np.isfinite(offset))
    assert offset.sum() == pytest.approx(0, abs=1e-6 * max(1, np.abs(offset).max()))


def sampled(n: int, prior: Floats, seed: int = 0) -> tuple[Floats, npt.NDArray[np.int16]]:
    """Return logits with a constant bias, and the truth."""
    rng = np.random.default_rng(seed)
    truth = rng.choice(len(prior), n, p=prior).astype(np.int16)
    return rng.normal(size=(n, len(prior))) + 2.5 * np.eye(len(prior))[truth] + 3 * np.arange(len(prior)), truth


def test_a_small_sample_does_not_move_the_threshold() -> None:
    logits, truth = sampled(5000, np.array([0.2, 0.8]))
    prior = np.array([0.2, 0.8])
    offset = tuned_offset(logits[:60], truth[:60], prior, pool=logits)
    assert offset == pytest.approx(prior_offset(logits, prior), abs=0.3)


@pytest.mark.parametrize(
    ("true", "believed"), [((0.2, 0.8), (0.45, 0.55)), ((0.1, 0.2, 0.3, 0.4), (0.25, 0.15, 0.25, 0.35))]
)
def test_a_large_sample_corrects_a_wrong_balance(true: tuple[float, ...], believed: tuple[float, ...]) -> None:
    logits, truth = sampled(6000, np.array(true))
    gold = np.where(np.arange(6000) < 2000, truth, np.int16(-1)).astype(np.int16)

    def score(offset: Floats) -> float:
        return float(f1_score(truth[2000:], (logits + offset)[2000:].argmax(axis=1), average="macro"))

    prior = np.array(believed)
    assert score(tuned_offset(logits, gold, prior, pool=logits)) > score(prior_offset(logits, prior)) + 0.02


@pytest.mark.parametrize("gold", [[], [-1, -1], [1, 1, 1]], ids=["no rows", "unlabelled", "one class"])
def test_gold_that_says_nothing_leaves_the_balance(gold: list[int]) -> None:
    pool, prior = noise(500, 2), np.array([0.3, 0.7])
    logits = noise(len(gold), 2, seed=1)
    offset = tuned_offset(logits, np.array(gold, dtype=np.int16), prior, pool=pool)
    assert offset.tolist() == prior_offset(pool, prior).tolist()


def test_a_class_without_gold_rows_is_not_given_away() -> None:
    logits, truth = sampled(6000, np.array([0.4, 0.2, 0.4]))
    gold = np.where((truth == 1) | (np.arange(6000) >= 300), np.int16(-1), truth).astype(np.int16)
    offset = tuned_offset(logits, gold, np.array([0.4, 0.2, 0.4]), pool=logits)
    assert shares(logits + offset)[1] > 0.1
