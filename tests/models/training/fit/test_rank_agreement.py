"""Agreement in rank: what it is equal to, what chance gives, and which models it refuses."""

from __future__ import annotations

import numpy as np
import pytest

from labeler.models.training.fit.rank_agreement import RankAgreement, agreement, are_telling

GENERATOR = np.random.default_rng(0)


def two_classes(rows: int = 400, *, share: float = 0.07, skill: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Return the logits of a classifier and the hard labels of rows of which few are of the first class."""
    rare = GENERATOR.random(rows) < share
    rare[:2] = True, False
    score = skill * rare + GENERATOR.normal(size=rows)
    return np.stack([score, -score], axis=1), np.eye(2)[np.where(rare, 0, 1)]


def test_with_hard_labels_of_two_classes_it_is_the_area_under_the_roc_curve() -> None:
    from sklearn.metrics import roc_auc_score

    logits, targets = two_classes()
    logits = np.round(logits, 1)  # with ties
    assert agreement(logits, targets).auc == pytest.approx(roc_auc_score(targets[:, 0], logits[:, 0]))
    assert agreement(-logits, targets).auc == pytest.approx(1 - agreement(logits, targets).auc)


@pytest.mark.parametrize("k", [2, 4])
def test_the_order_of_the_labels_is_1_whatever_the_scale_and_the_threshold(k: int) -> None:
    targets = GENERATOR.dirichlet(np.linspace(0.2, 1, k), 100)
    assert agreement(np.log(targets), targets).auc == pytest.approx(1)
    shifted = agreement(np.log(targets) + 7, targets)
    assert (shifted.auc, shifted.spread) == pytest.approx((1, agreement(np.log(targets), targets).spread))
    if k == 2:
        assert agreement(3 * np.log(targets) + [5, 0], targets).auc == pytest.approx(1)


@pytest.mark.parametrize("k", [2, 3])
def test_z_has_mean_0_and_deviation_1_over_shuffled_rows(k: int) -> None:
    targets, logits = GENERATOR.dirichlet(np.linspace(0.3, 1, k), 150), GENERATOR.normal(size=(150, k))
    found = [agreement(logits[GENERATOR.permutation(150)], targets).z for _ in range(600)]
    assert np.mean(found) == pytest.approx(0, abs=0.15)
    assert np.std(found) == pytest.approx(1, abs=0.12)


@pytest.mark.parametrize("targets", [np.full((5, 2), 0.5), np.eye(2)[[1, 1, 1]], np.zeros((0, 2)), np.eye(2)[[0]]])
def test_labels_that_are_all_equal_tell_nothing(targets: np.ndarray) -> None:
    assert not are_telling(targets)
    if len(targets):
        found = agreement(GENERATOR.normal(size=targets.shape), targets)
        assert (found.auc, found.z) == (0.5, 0)


def test_more_rows_and_more_rare_ones_tell_more() -> None:
    assert not are_telling(np.eye(2)[[0] * 4 + [1] * 15])
    assert not are_telling(np.eye(2)[[0] * 2 + [1] * 94])
    assert are_telling(np.eye(2)[[0] * 14 + [1] * 186])


def test_a_classifier_that_works_is_accepted() -> None:
    assert agreement(*two_classes(skill=3.0)).failure() is None


def test_equal_scores_are_refused_even_in_the_right_order() -> None:
    logits, targets = two_classes(skill=3.0)
    assert "nearly the same scores" in str(agreement(logits / 1e4, targets).failure())


def test_a_random_order_is_refused() -> None:
    assert "0.5 is chance" in str(agreement(*two_classes(skill=0.0)).failure())


def test_what_may_be_chance_is_refused_where_the_rows_could_tell() -> None:
    found = RankAgreement(auc=0.72, z=2.4, spread=1.0, rows=100, is_telling=True)
    assert "may be chance" in str(found.failure())
    assert RankAgreement(auc=0.72, z=2.4, spread=1.0, rows=20, is_telling=False).failure() is None
