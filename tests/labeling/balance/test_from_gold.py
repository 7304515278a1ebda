"""The class balance from hand labels: unbiased, better than counting them, honest about what is uncertain."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from labeler.labeling.balance.from_gold import GoldBalance, RuleLabels, class_balance_from_gold
from labeler.labeling.label_models.patterns import VotePatterns

Array = npt.NDArray[np.float64]


def reviews(n: int = 4000, share: float = 0.07, right: float = 0.95) -> tuple[VotePatterns, npt.NDArray[np.int16]]:
    """Three rules, and the truth: class 0 is rare."""
    rng = np.random.default_rng(1)
    truth = (rng.random(n) >= share).astype(np.int16)
    votes = np.where(rng.random((n, 3)) < right, truth[:, np.newaxis], 1 - truth[:, np.newaxis])
    return VotePatterns.from_votes(np.where(rng.random((n, 3)) < 0.2, -1, votes).astype(np.int16)), truth


def balances(prior: Array, *, right: float = 0.95, rows: int = 100) -> tuple[list[GoldBalance], float, Array]:
    """Balances from 100 random samples, the true share of class 0, and what counting hand labels gives."""
    table, truth = reviews(right=right)
    rules, rng = RuleLabels.of(table, prior, len(truth), np.arange(len(truth))), np.random.default_rng(0)
    samples = [rng.choice(len(truth), rows, replace=False) for _ in range(100)]
    found = [class_balance_from_gold(truth[s], np.ones(rows), rules, s, prior) for s in samples]
    return found, float((truth == 0).mean()), np.array([(truth[s] == 0).mean() for s in samples])


def rmse(found: list[GoldBalance], truth: float) -> float:
    return float(np.sqrt(np.mean([(b.shares[0] - truth) ** 2 for b in found])))


@pytest.mark.parametrize("prior", [0.04, 0.07, 0.2])
def test_it_beats_counting_hand_labels(prior: float) -> None:
    found, truth, counted = balances(np.array([prior, 1 - prior]))
    assert rmse(found, truth) < 0.7 * float(np.sqrt(((counted - truth) ** 2).mean()))
    assert np.mean([b.shares[0] for b in found]) == pytest.approx(truth, abs=0.01)


def test_rules_that_are_noise_do_little_harm() -> None:
    prior = np.array([0.5, 0.5])
    found, truth, counted = balances(prior, right=0.5, rows=400)
    assert rmse(found, truth) < 1.5 * float(np.sqrt(((counted - truth) ** 2).mean()))
    assert np.mean([b.power for b in found]) < 0.4


def test_intervals_hold_the_truth_and_never_end_at_the_estimate() -> None:
    found, truth, _ = balances(np.array([0.07, 0.93]))
    assert np.mean([b.low[0] <= truth <= b.high[0] for b in found]) >= 0.93
    assert all(np.all((b.low < b.shares) & (b.shares < b.high)) for b in found)
    assert np.mean([b.high[0] - b.low[0] for b in found]) < 0.1


def test_few_hand_labels_leave_the_rules_estimate_where_it_is() -> None:
    table, truth = reviews()
    prior = np.array([0.1, 0.9])
    rules = RuleLabels.of(table, prior, len(truth), np.arange(len(truth)))
    few = np.flatnonzero(truth == 1)[:3]
    found = class_balance_from_gold(truth[few], np.ones(3), rules, few, prior)
    assert found.shares[0] == pytest.approx(0.1, abs=0.01)
    assert found.low[0] < 0.07 < 0.13 < found.high[0]


def test_an_estimate_that_hand_labels_contradict_is_given_up() -> None:
    table, truth = reviews(right=0.99)
    prior, rows = np.array([0.6, 0.4]), np.arange(300)
    found = class_balance_from_gold(
        truth[:300], np.ones(300), RuleLabels.of(table, prior, len(truth), rows), rows, prior
    )
    assert found.shares[0] == pytest.approx((truth == 0).mean(), abs=0.015)


def test_without_rules_hand_labels_are_counted_with_one_more_of_each_class() -> None:
    gold = np.repeat(np.array([0, 1], np.int16), [5, 89])
    found = class_balance_from_gold(gold, np.ones(94), None, np.arange(94), np.array([0.5, 0.5]))
    assert found.shares == pytest.approx([6 / 96, 90 / 96])
    assert (found.low[0], found.high[0]) == pytest.approx((0.026, 0.124), abs=0.002)  # Wilson: 0.023 to 0.119


def test_a_class_without_a_hand_label_stays_possible() -> None:
    table, truth = reviews(share=0.0)
    prior = np.array([0.01, 0.99])
    found = class_balance_from_gold(
        truth[:500], np.ones(500), RuleLabels.of(table, prior, 4000, np.arange(500)), np.arange(500), prior
    )
    assert 0 < found.shares[0] < 0.01


def test_rules_that_cannot_vote_on_reviews_outside_of_the_input_are_left_out() -> None:
    votes = np.array([[0, -1], [1, 1], [1, 1], [1, 1], [1, -1], [1, -1]], np.int16)  # the second reads a column
    rules = RuleLabels.of(VotePatterns.from_votes(votes), np.array([0.5, 0.5]), 4, np.array([4, 5]))
    assert rules.table.patterns.tolist() == [[0], [1]]
    assert rules.counts.tolist() == [1, 3]
    assert rules.look_like(np.array([4, 5]), np.ones(2))
