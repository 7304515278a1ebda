"""From class scores to votes."""

from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from labeler.data.types.votes import Votes
from labeler.labeling.voters.shared import scoring
from labeler.labeling.voters.shared.scoring import DecisionRule, fit_rule, fit_rule_to_rows, vote_by_margin
from labeler.models.scoring.priors import Floats

EVEN = np.array([0.5, 0.5])
PRIORS = {2: np.array([0.05, 0.95]), 5: np.array([0.05, 0.1, 0.15, 0.3, 0.4])}
SCORES = arrays.arrays(np.float64, st.tuples(st.integers(0, 150), st.just(3)), elements=st.floats(-1e6, 1e6))


def noise(n: int, k: int) -> npt.NDArray[np.float64]:
    return np.random.default_rng(0).normal(size=(n, k))


def vote_by_score(scores: Floats, prior: Floats, weights: Floats, *, coverage: float = 1.0) -> Votes:
    return fit_rule(scores, prior, weights, coverage=coverage).apply(scores)


def vote_on_rows(scores: Floats, prior: Floats, *, coverage: float = 1.0) -> Votes:
    return fit_rule_to_rows(scores, prior, coverage=coverage).apply(scores)


@pytest.mark.parametrize("k", [2, 5])
@pytest.mark.parametrize("n", [100, 3000])
def test_a_batch_follows_the_prior(k: int, n: int) -> None:
    votes = vote_by_score(noise(n, k) + np.arange(k), PRIORS[k], np.ones(n))
    shares = np.bincount(votes.labels, minlength=k) / n
    assert shares == pytest.approx(PRIORS[k], abs=0.03)


@pytest.mark.parametrize("k", [2, 5])
def test_weights_count_as_rows(k: int) -> None:
    weights = np.random.default_rng(1).integers(1, 20, 500)
    votes = vote_by_score(noise(500, k), PRIORS[k], weights.astype(float))
    shares = np.bincount(votes.labels, weights, minlength=k) / weights.sum()
    assert shares == pytest.approx(PRIORS[k], abs=0.03)


def test_of_millions_some_are_matched(monkeypatch: pytest.MonkeyPatch) -> None:
    scores = noise(5000, 5)
    whole = vote_on_rows(scores, PRIORS[5])
    monkeypatch.setattr(scoring, "_MATCHED", 1000)
    votes = vote_on_rows(scores, PRIORS[5])
    shares = np.bincount(votes.labels, minlength=5) / 5000
    assert shares == pytest.approx(PRIORS[5], abs=0.03)
    assert 0 < np.mean(votes.labels != whole.labels) < 0.05
    scores[[0, -1]] = scores[[-1, 0]]
    assert np.array_equal(vote_on_rows(scores, PRIORS[5]).labels[1:-1], votes.labels[1:-1])


def test_a_small_batch_is_not_matched() -> None:
    scores = noise(99, 2)
    votes = vote_by_score(scores, PRIORS[2], np.ones(99))
    assert votes.labels.tolist() == scores.argmax(axis=1).tolist()


def test_repeated_texts_make_a_batch_large() -> None:
    scores = noise(50, 2)
    votes = vote_by_score(scores, np.array([0.9, 0.1]), np.full(50, 2.0))
    assert np.mean(votes.labels == 0) == pytest.approx(0.9, abs=0.03)


@pytest.mark.parametrize("coverage", [0.1, 0.5, 1.0])
def test_coverage_is_a_share_of_each_class(coverage: float) -> None:
    full = vote_by_score(noise(2000, 5), PRIORS[5], np.ones(2000))
    part = vote_by_score(noise(2000, 5), PRIORS[5], np.ones(2000), coverage=coverage)
    wanted = coverage * np.bincount(full.labels, minlength=5)
    kept = np.bincount(part.labels[part.labels >= 0], minlength=5)
    assert np.all((kept >= wanted) & (kept < wanted + 1))
    assert set(np.flatnonzero(part.labels >= 0)) <= set(np.flatnonzero(full.labels >= 0))


def test_the_most_confident_rows_are_kept() -> None:
    votes = vote_by_score(np.array([[3.0, 0], [1, 0], [0, 1], [0, 3]]), EVEN, np.ones(4), coverage=0.5)
    assert votes.labels.tolist() == [0, -1, -1, 1]


@pytest.mark.parametrize("n", [1, 99, 100, 500])
@pytest.mark.parametrize("value", [0.0, 1e-300, 1e9])
def test_constant_scores_do_not_crash(n: int, value: float) -> None:
    votes = vote_by_score(np.full((n, 2), value), np.array([0.3, 0.7]), np.ones(n))
    assert len(votes) == n
    assert not np.isnan(votes.confidence).any()


@settings(max_examples=40)
@given(scores=SCORES, coverage=st.floats(0.01, 1))
def test_any_scores_give_valid_votes(scores: Floats, coverage: float) -> None:
    votes = vote_by_score(scores, np.array([0.2, 0.3, 0.5]), np.ones(len(scores)), coverage=coverage)
    assert np.all((votes.labels >= -1) & (votes.labels < 3))
    assert np.nanmin(votes.confidence, initial=1) >= 1 / 3 - 1e-6


def test_shifting_or_scaling_the_scores_changes_nothing() -> None:
    scores = noise(300, 3)
    moved = vote_by_score(scores * 1e-3 + 70, np.array([0.2, 0.3, 0.5]), np.ones(300))
    assert moved.labels.tolist() == vote_by_score(scores, np.array([0.2, 0.3, 0.5]), np.ones(300)).labels.tolist()


@settings(max_examples=40)
@given(scores=SCORES, coverage=st.floats(0.01, 1), seed=st.integers(0, 99))
def test_the_order_of_the_rows_does_not_matter(scores: Floats, coverage: float, seed: int) -> None:
    scores = np.repeat(scores, 2, axis=0).round(-5).astype(np.float32)
    order = np.random.default_rng(seed).permutation(len(scores))
    prior = np.array([0.2, 0.3, 0.5])
    plain, mixed = (vote_on_rows(some, prior, coverage=coverage) for some in (scores, scores[order]))
    np.testing.assert_array_equal(mixed.labels, plain.labels[order])
    np.testing.assert_array_equal(mixed.confidence, plain.confidence[order])


def test_rows_that_are_equally_sure_are_treated_alike() -> None:
    votes = vote_on_rows(np.array([[1.0, 0], [1, 0], [1, 0], [0, 1]], np.float32), EVEN, coverage=0.4)
    assert votes.labels.tolist() == [0, 0, 0, 1]


@pytest.mark.parametrize("coverage", [0.3, 1.0])
def test_a_single_row_gets_the_vote_that_it_has_among_all(coverage: float) -> None:
    scores = noise(400, 5).astype(np.float32)
    rule = fit_rule_to_rows(scores, PRIORS[5], coverage=coverage)
    kept = DecisionRule(**json.loads(json.dumps(asdict(rule))))
    alone = [kept.apply(row[np.newaxis]).labels[0] for row in scores]
    assert alone == rule.apply(scores).labels.tolist()


@pytest.mark.parametrize(
    ("scores", "min_margin", "label"),
    [([2, 1], 1, 0), ([2, 1], 1.5, -1), ([1, 1], 0, -1), ([0, 0], 0, -1), ([0, 0.1], 0, 1), ([0, 3, 5], 2, 2)],
)
def test_a_margin_decides(scores: list[float], min_margin: float, label: int) -> None:
    assert vote_by_margin(np.array([scores], dtype=float), min_margin).labels.tolist() == [label]


def test_more_evidence_gives_more_confidence() -> None:
    confidence = vote_by_margin(np.array([[1.0, 0], [5, 0], [5, 4]]), 0.5).confidence
    assert confidence.tolist() == pytest.approx([0.75, 5.5 / 6, 5.5 / 10])
