"""The reliability model of an on-demand voter."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeler.labeling.cascade.reliability import combine, fit_confusion

CONFUSION = np.array([[0.9, 0.08, 0.02], [0.2, 0.7, 0.1], [0.05, 0.05, 0.9]])


def simulated(
    confusion: npt.NDArray[np.float64], n: int = 4000, *, sure: float = 0.5, seed: int = 0
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Draw calibrated class probabilities, a share of them sure, true classes from them, and answers."""
    rng = np.random.default_rng(seed)
    k = len(confusion)
    spread = np.where(rng.random(n) < sure, 0.05, 2.0)
    posteriors = np.stack([rng.dirichlet(np.full(k, alpha)) for alpha in spread])
    truth = (rng.random(n)[:, np.newaxis] > posteriors.cumsum(axis=1)).sum(axis=1).clip(max=k - 1)
    answers = (rng.random(n)[:, np.newaxis] > confusion[truth].cumsum(axis=1)).sum(axis=1).clip(max=k - 1)
    return posteriors, answers, truth


def test_a_simulated_confusion_matrix_is_found_again() -> None:
    posteriors, answers, _ = simulated(CONFUSION)
    assert fit_confusion(posteriors, answers, np.ones(len(answers))) == pytest.approx(CONFUSION, abs=0.04)


def test_a_perfect_voter_decides_uncertain_rows() -> None:
    posteriors, answers, truth = simulated(np.eye(3))
    confusion = fit_confusion(posteriors, answers, np.ones(len(answers)))
    assert confusion.diagonal().min() > 0.98
    combined = combine(posteriors, answers, confusion).argmax(axis=1)
    assert np.mean(combined == truth) > 0.99 > np.mean(posteriors.argmax(axis=1) == truth)


def test_a_voter_that_guesses_changes_next_to_nothing() -> None:
    posteriors, answers, truth = simulated(np.full((3, 3), 1 / 3))
    combined = combine(posteriors, answers, fit_confusion(posteriors, answers, np.ones(len(answers))))
    assert np.abs(combined - posteriors).mean() < 0.02
    assert np.mean(combined.argmax(axis=1) == truth) > np.mean(posteriors.argmax(axis=1) == truth) - 0.01


def test_the_answers_of_a_voter_improve_the_labels() -> None:
    posteriors, answers, truth = simulated(CONFUSION, sure=0.1)
    combined = combine(posteriors, answers, fit_confusion(posteriors, answers, np.ones(len(answers))))
    assert np.mean(combined.argmax(axis=1) == truth) > np.mean(posteriors.argmax(axis=1) == truth) + 0.1


def test_without_answers_the_prior_belief_stands() -> None:
    confusion = fit_confusion(np.zeros((0, 3)), np.zeros(0, np.int64), np.zeros(0))
    assert confusion.diagonal() == pytest.approx([0.85] * 3)


def test_rows_that_share_an_answer_count_once() -> None:
    posteriors, answers, _ = simulated(CONFUSION, n=50)
    once = fit_confusion(posteriors, answers, np.ones(50))
    copied = fit_confusion(np.repeat(posteriors, 4, axis=0), np.repeat(answers, 4), np.full(200, 0.25))
    assert copied == pytest.approx(once)


@given(
    st.integers(2, 5).flatmap(
        lambda k: st.lists(
            st.tuples(st.lists(st.floats(0.001, 1), min_size=k, max_size=k), st.integers(0, k - 1)), min_size=1
        )
    )
)
def test_results_are_probabilities_in_any_order(rows: list[tuple[list[float], int]]) -> None:
    posteriors = np.array([row for row, _ in rows])
    posteriors /= posteriors.sum(axis=1, keepdims=True)
    answers = np.array([answer for _, answer in rows])
    confusion = fit_confusion(posteriors, answers, np.ones(len(rows)))
    assert confusion.sum(axis=1) == pytest.approx(1)
    assert confusion.min() > 0
    assert combine(posteriors, answers, confusion).sum(axis=1) == pytest.approx(1)
    backwards = fit_confusion(posteriors[::-1], answers[::-1], np.ones(len(rows)))
    assert backwards == pytest.approx(confusion)
