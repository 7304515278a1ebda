from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from labeler.labeling.label_models.correlation import cohen_kappa, correlated_groups, suspected_kappa
from labeler.labeling.label_models.em import group_weights
from labeler.labeling.label_models.patterns import VotePatterns, cooccurrence

from ...simulated_votes import independent_votes, skewed_votes


def test_kappa_equals_scikit_learns() -> None:
    votes, _ = independent_votes(500, [0.9, 0.7], prior=[0.2, 0.5, 0.3])
    joint = cooccurrence(VotePatterns.from_votes(votes), 3)[0, :, 1, :]
    assert cohen_kappa(joint)[0] == pytest.approx(cohen_kappa_score(votes[:, 0], votes[:, 1]))


def test_copies_are_grouped_and_share_one_vote() -> None:
    votes, _ = skewed_votes(copies=3)
    groups = correlated_groups(VotePatterns.from_votes(votes), 2)
    assert groups.tolist() == [*range(12), 10, 10, 10]
    assert group_weights(groups)[-4:].tolist() == [1.0, 0.25, 0.25, 0.25]


def test_independent_voters_that_agree_because_they_are_right_stay_apart() -> None:
    votes, _ = independent_votes(20_000, [0.95, 0.95, 0.75, 0.7, 0.75], prior=[0.5, 0.5])
    table = VotePatterns.from_votes(votes)
    kappa, _ = suspected_kappa(table, 2)
    assert kappa[0, 1] > 0.5  # kappa alone would have grouped them
    assert correlated_groups(table, 2).tolist() == [0, 1, 2, 3, 4]


def test_a_rule_written_twice_is_found_though_it_votes_one_class_only() -> None:
    votes, _ = independent_votes(5000, [0.8] * 4, prior=[0.5, 0.5])
    rule = np.where(np.random.default_rng(1).random(5000) < 0.1, 1, -1).astype(np.int16)[:, np.newaxis]
    groups = correlated_groups(VotePatterns.from_votes(np.concatenate([votes, rule, rule], axis=1)), 2)
    assert groups.tolist() == [0, 1, 2, 3, 4, 4]


def test_kappa_decides_where_too_few_others_can_judge() -> None:
    votes, _ = independent_votes(1000, [0.95, 0.95, 0.7], prior=[0.5, 0.5])
    assert correlated_groups(VotePatterns.from_votes(votes), 2).tolist() == [0, 0, 1]


def test_families_settle_what_agreement_cannot() -> None:
    votes, _ = independent_votes(1000, [0.95, 0.95, 0.7], prior=[0.5, 0.5])
    table = VotePatterns.from_votes(votes)
    assert correlated_groups(table, 2, families=["a", "a", "b"]).tolist() == [0, 0, 1]
    assert correlated_groups(table, 2, families=["a", "b", "c"]).tolist() == [0, 1, 2]


@pytest.mark.parametrize("m", [2, 5, 8, 12])
@pytest.mark.parametrize("accuracy", [0.86, 0.93])
def test_voters_who_all_agree_are_no_group(m: int, accuracy: float) -> None:
    votes, _ = independent_votes(3000, [accuracy] * m, prior=[0.5, 0.5], coverage=0.7)
    assert correlated_groups(VotePatterns.from_votes(votes), 2).tolist() == list(range(m))


def test_a_handful_of_shared_rows_means_nothing() -> None:
    votes = np.full((1000, 2), -1, np.int16)
    votes[:20] = np.arange(20)[:, np.newaxis] % 2
    assert correlated_groups(VotePatterns.from_votes(votes), 2).tolist() == [0, 1]
