"""Normal scores of log-odds."""

from __future__ import annotations

import numpy as np
import pytest

from labeler.labeling.refine.normal_scores import fit_normal_scores, log_odds


def test_scores_keep_the_order_and_are_normal_whatever_the_gaps() -> None:
    odds = np.random.default_rng(0).normal(size=(2000, 1)) ** 5
    found = fit_normal_scores(odds, np.ones(2000)).of(odds)[:, 0]
    assert np.array_equal(np.argsort(found), np.argsort(odds[:, 0]))
    assert found.std() == pytest.approx(1, abs=0.01)


def test_equal_odds_share_a_score_and_other_rows_lie_between() -> None:
    odds = np.array([[-1.0], [0.0], [0.0], [3.0]])
    scores = fit_normal_scores(odds, np.ones(4))
    found = scores.of(np.array([[-9.0], [-1.0], [-0.5], [0.0], [3.0], [9.0]]))[:, 0]
    assert np.all(np.diff(found) >= 0)
    assert found[0] == found[1] < found[2] < found[3] < found[4] == found[5]


def test_a_row_counts_as_often_as_it_occurs() -> None:
    odds, counts = np.array([[-1.0], [0.0], [3.0]]), np.array([1, 5, 2])
    repeated = np.repeat(odds, counts, axis=0)
    found = fit_normal_scores(odds, counts.astype(np.float64)).of(odds)
    np.testing.assert_allclose(found, fit_normal_scores(repeated, np.ones(8)).of(odds))


def test_log_odds_stay_exact_and_finite_near_certainty() -> None:
    probs = np.array([[1e-5, 1 - 1e-5], [0.0, 1.0], [0.5, 0.5]], np.float32)
    found = log_odds(probs)
    np.testing.assert_allclose(found[0], [-11.5129, 11.5129], rtol=1e-4)
    np.testing.assert_allclose(found[:, 0], -found[:, 1], rtol=1e-6)
    assert np.isfinite(found).all()


def test_of_several_classes_each_is_held_against_the_others() -> None:
    found = log_odds(np.array([[0.2, 0.3, 0.5]]))
    np.testing.assert_allclose(found, np.log([[0.25, 3 / 7, 1]]))
