"""What gold rows say of refined labels."""

from __future__ import annotations

import numpy as np
import pytest

from labeler.data.types.soft_labels import SoftLabels
from labeler.labeling.refine.check import calibrated_on_gold, does_harm, own_logits, recalibrated

GOLD = np.array([0] * 20 + [1] * 80, np.int16)
WEIGHTS = np.ones(100)


def with_mistakes(count: int) -> np.ndarray:
    found = GOLD.copy()
    found[:count] = 1
    return found


def test_much_worse_labels_do_harm() -> None:
    assert does_harm(with_mistakes(15), with_mistakes(3), GOLD, WEIGHTS, 2)


@pytest.mark.parametrize(("refined", "before"), [(4, 3), (3, 3), (3, 15), (3, 0)])
def test_labels_within_chance_and_better_ones_do_none(refined: int, before: int) -> None:
    assert not does_harm(with_mistakes(refined), with_mistakes(before), GOLD, WEIGHTS, 2)


def test_rows_of_weight_zero_do_not_count() -> None:
    weights = WEIGHTS.copy()
    weights[:15] = 0
    assert not does_harm(with_mistakes(15), with_mistakes(0), GOLD, weights, 2)


def test_probabilities_of_gold_rows_do_not_know_their_own_label() -> None:
    random = np.random.default_rng(0)
    logits = random.normal(size=(60, 2)) * 4
    gold = random.integers(2, size=60).astype(np.int16)
    before = calibrated_on_gold(logits, gold, np.ones(60), np.ones(2), spread=1.0)[1]
    gold[7] = 1 - gold[7]
    after = calibrated_on_gold(logits, gold, np.ones(60), np.ones(2), spread=1.0)[1]
    np.testing.assert_array_equal(before[7], after[7])
    assert not np.array_equal(before, after)


def test_tempered_labels_keep_ties_and_rows_without_votes() -> None:
    soft = SoftLabels(np.array([[0.9, 0.1], [0.5, 0.5], [0.2, 0.8]]), np.array([True, True, False]))
    found = recalibrated(soft, own_logits(soft), np.array([2.0, 3.0]))
    assert found.hard().tolist() == soft.hard().tolist() == [0, -1, -1]
    np.testing.assert_allclose(found.probs[0], [0.75, 0.25], rtol=1e-5)  # odds of 9 become 3
    np.testing.assert_array_equal(found.probs[2], soft.probs[2])
