import numpy as np
import pytest

from labeler.models.training.rows.imbalance import class_weights, log_prior

SKEWED = np.repeat([0, 1], [90, 10]).astype(np.int16)


def test_class_weights_follow_inverse_frequency_and_average_to_one() -> None:
    targets = np.eye(2)[SKEWED]
    weights = class_weights(targets)
    assert weights[1] / weights[0] == pytest.approx(3)
    assert weights[SKEWED].mean() == pytest.approx(1)


def test_a_class_without_rows_weighs_nothing() -> None:
    assert class_weights(np.eye(3)[SKEWED])[2] == 0


def test_log_prior_is_the_logarithm_of_the_shares() -> None:
    assert np.exp(log_prior(np.eye(2)[SKEWED])) == pytest.approx([0.9, 0.1])
