from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from labeler.data.errors import ConfigError
from labeler.labeling.label_models.class_balance import checked_balance, estimate_class_balance
from labeler.labeling.label_models.patterns import VotePatterns

from ...simulated_votes import skewed_votes


def test_a_skewed_balance_is_found_without_gold() -> None:
    for copies in (0, 3):
        votes, truth = skewed_votes(copies=copies)
        estimate = estimate_class_balance(VotePatterns.from_votes(votes), 2)
        assert estimate[0] == pytest.approx((truth == 0).mean(), abs=0.02)


def test_a_class_that_was_voted_never_collapses() -> None:
    rng = np.random.default_rng(0)
    for seed in range(20):
        votes = rng.integers(-1, 3, (50, 2 + seed % 4)).astype(np.int16)
        estimate = estimate_class_balance(VotePatterns.from_votes(votes), 3)
        assert estimate.min() > 0.01
        assert estimate.sum() == pytest.approx(1)


def test_a_balance_by_hand_is_normalised() -> None:
    assert np.allclose(checked_balance([1, 3], 2), [0.25, 0.75])


@pytest.mark.parametrize(
    ("balance", "message"),
    [([0.5], "1 number"), ([0.0, 1.0], "positive in every class"), ([np.nan, 1], "positive"), (["a", "b"], "numbers")],
)
def test_an_impossible_balance_is_refused(balance: list[Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        checked_balance(balance, 2)
