"""Blends of several scores, and temperatures that make them probabilities."""

from __future__ import annotations

import numpy as np
import pytest

from labeler.models.scoring.blending import Blend, fit_blend, tempered
from labeler.models.scoring.priors import softmax
from labeler.models.scoring.temperatures import agreement_temperatures, gold_temperatures

RNG = np.random.default_rng(0)
PRIOR = np.array([0.2, 0.8])


def two_parts(n: int = 2000) -> tuple[np.ndarray, np.ndarray]:
    truth = RNG.random(n) < PRIOR[0]
    scores = [np.where(truth, 1.0, -1.0) + RNG.normal(size=n) for _ in range(2)]
    return np.stack([scores[0], -scores[0]], axis=1), 30 * np.stack([scores[1], -scores[1]], axis=1)


def test_a_blend_follows_the_class_balance_and_does_not_depend_on_scales() -> None:
    first, second = two_parts()
    blend = fit_blend([first, second], [1, 0.5], PRIOR)
    found = blend.logits([first, second])
    assert (found.argmax(axis=1) == 0).mean() == pytest.approx(0.2, abs=0.001)
    rescaled = fit_blend([100 * first + 7, second / 9], [1, 0.5], PRIOR).logits([100 * first + 7, second / 9])
    np.testing.assert_allclose(rescaled, found, rtol=1e-6, atol=1e-6)


def test_a_blend_labels_one_row_as_it_does_all() -> None:
    first, second = two_parts()
    blend = fit_blend([first, second], [1, 0.75], PRIOR)
    one = blend.probs([first[5:6], second[5:6]])
    np.testing.assert_allclose(one[0], blend.probs([first, second])[5], rtol=1e-6)


def test_a_row_counts_as_often_as_it_occurs() -> None:
    parts, counts = two_parts(300), RNG.integers(1, 4, 300)
    blend = fit_blend(parts, [1, 1], PRIOR, counts)
    repeated = fit_blend([np.repeat(part, counts, axis=0) for part in parts], [1, 1], PRIOR)
    np.testing.assert_allclose(blend.coefficients, repeated.coefficients, rtol=1e-9)
    np.testing.assert_allclose(blend.logits(parts).argmax(axis=1), repeated.logits(parts).argmax(axis=1))


def test_temperatures_leave_the_most_likely_class() -> None:
    logits = RNG.normal(size=(500, 4))
    found = tempered(logits, [0.1, 9.0, 1.0, 3.0])
    np.testing.assert_array_equal(found.argmax(axis=1), logits.argmax(axis=1))
    np.testing.assert_allclose(found.sum(axis=1), 1)
    blend = Blend((1.0,), (0.0,) * 4, (2.0,) * 4)
    np.testing.assert_allclose(blend.probs([logits]), softmax((logits - logits.mean(axis=1, keepdims=True)) / 2), 1e-5)


def calibrated(n: int, k: int, temperature: float) -> tuple[np.ndarray, np.ndarray]:
    """Logits that are `temperature` times as sharp as they should be, and classes drawn by the true probabilities."""
    true = 2 * RNG.normal(size=(n, k))
    gold = np.array([RNG.choice(k, p=p) for p in softmax(true)])
    return true * temperature, gold


@pytest.mark.parametrize("k", [2, 5])
def test_many_gold_rows_find_the_temperature(k: int) -> None:
    logits, gold = calibrated(5000, k, temperature=3.0)
    found = gold_temperatures(logits, gold, np.ones(5000), np.ones(k), spread=2.0)
    np.testing.assert_allclose(found, 3.0, rtol=0.2)


def test_few_gold_rows_leave_temperatures_near_where_they_were() -> None:
    logits, gold = calibrated(5, 2, temperature=3.0)
    found = gold_temperatures(logits, gold, np.ones(5), np.array([2.0, 2.0]))
    assert np.all(np.abs(np.log(found / 2)) < 0.5)


def test_rows_without_gold_and_the_scale_of_weights_do_not_count() -> None:
    logits, gold = calibrated(400, 3, temperature=2.0)
    gold[::2] = -1
    found = gold_temperatures(logits, gold, np.full(400, 17.0), np.ones(3))
    half = gold_temperatures(logits[1::2], gold[1::2], np.ones(200), np.ones(3))
    np.testing.assert_allclose(found, half, rtol=1e-6)


def test_a_class_without_gold_rows_keeps_its_temperature() -> None:
    logits = np.array([[3.0, 0.0, 0.0], [0.0, 3.0, 0.0]])
    found = gold_temperatures(logits, np.array([0, -1]), np.ones(2), np.array([1.0, 4.0, 5.0]))
    assert found[1:].tolist() == [4.0, 5.0]


def test_the_more_student_and_teacher_disagree_the_less_confident_labels_are() -> None:
    truth = RNG.integers(2, size=3000)
    logits = np.where(truth[:, np.newaxis] == np.arange(2), 1.0, -1.0) + RNG.normal(size=(3000, 2))
    confidence = []
    for noise in (0.1, 1.0, 3.0):
        student, teacher = (logits + noise * RNG.normal(size=logits.shape) for _ in range(2))
        temperatures = agreement_temperatures(logits, student, teacher, np.ones(3000))
        confidence.append(tempered(logits, temperatures).max(axis=1).mean())
    assert confidence[0] > confidence[1] > confidence[2] > 0.5


def test_a_class_that_is_never_predicted_keeps_temperature_one() -> None:
    logits = np.tile([2.0, 1.0, -9.0], (50, 1)) + RNG.normal(size=(50, 3)) / 10
    assert agreement_temperatures(logits, logits, logits, np.ones(50))[2] == 1
