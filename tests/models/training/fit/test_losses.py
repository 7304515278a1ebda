"""The losses are what their papers say, and the formulas of self-training keep their bounds."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from labeler.models.training.fit.losses import SoftLoss, confidence_weights, focal, soft_cross_entropy

LOGITS = torch.tensor([[2.0, -1.0, 0.5], [0.1, 0.2, 3.0], [-4.0, 1.0, 1.0]])
TARGETS = torch.tensor([[0.7, 0.2, 0.1], [0.0, 0.0, 1.0], [0.3, 0.3, 0.4]])
WEIGHTS = torch.tensor([1.0, 2.0, 0.5])

PROBS = arrays.arrays(np.float64, st.tuples(st.integers(1, 12), st.integers(2, 5)), elements=st.floats(0.01, 1)).map(
    lambda values: values / values.sum(axis=1, keepdims=True)
)


def test_soft_cross_entropy_is_torchs_weighted_by_row() -> None:
    rows = torch.nn.functional.cross_entropy(LOGITS, TARGETS, reduction="none")
    expected = (rows * WEIGHTS).sum() / WEIGHTS.sum()
    torch.testing.assert_close(soft_cross_entropy(LOGITS, TARGETS, WEIGHTS), expected)


def test_class_weights_scale_each_classs_share() -> None:
    expected = torch.nn.functional.cross_entropy(LOGITS, TARGETS, weight=torch.tensor([2.0, 0.5, 1.0]))
    found = soft_cross_entropy(LOGITS, TARGETS, torch.ones(3), class_weights=(2.0, 0.5, 1.0))
    torch.testing.assert_close(found, expected)


def test_focal_scales_a_certain_label_by_its_easiness() -> None:
    target = torch.tensor([[0.0, 1.0, 0.0]])
    p = float(LOGITS[:1].softmax(dim=1)[0, 1])
    found = focal(LOGITS[:1], target, torch.ones(1), gamma=2.0)
    assert float(found) == pytest.approx(-((1 - p) ** 2) * math.log(p), rel=1e-5)


def test_focal_without_gamma_is_cross_entropy() -> None:
    torch.testing.assert_close(focal(LOGITS, TARGETS, WEIGHTS, gamma=0.0), soft_cross_entropy(LOGITS, TARGETS, WEIGHTS))


def test_the_log_prior_is_added_to_the_logits() -> None:
    prior = np.log([0.7, 0.2, 0.1])
    shifted = LOGITS + torch.tensor(prior, dtype=torch.float32)
    loss = SoftLoss(focal_gamma=1.5, class_weights=np.array([1.0, 2.0, 3.0]), log_prior=prior)
    expected = focal(shifted, TARGETS, WEIGHTS, gamma=1.5, class_weights=(1.0, 2.0, 3.0))
    torch.testing.assert_close(loss(LOGITS, TARGETS, WEIGHTS), expected)
    torch.testing.assert_close(loss.plain()(LOGITS, TARGETS, WEIGHTS), soft_cross_entropy(shifted, TARGETS, WEIGHTS))


def test_with_logit_adjustment_predicting_the_prior_leaves_no_gradient() -> None:
    prior = np.array([0.9, 0.1])
    logits = torch.zeros(1, 2, requires_grad=True)
    SoftLoss(log_prior=np.log(prior))(logits, torch.tensor([[0.9, 0.1]]), torch.ones(1)).backward()  # type: ignore[no-untyped-call]
    assert logits.grad is not None
    torch.testing.assert_close(logits.grad, torch.zeros(1, 2), atol=1e-6, rtol=0)


def test_rows_without_weight_count_nothing() -> None:
    loss = SoftLoss(focal_gamma=1.0)
    torch.testing.assert_close(
        loss(LOGITS, TARGETS, torch.tensor([1.0, 0.0, 3.0])),
        loss(LOGITS[[0, 2]], TARGETS[[0, 2]], torch.tensor([1.0, 3.0])),
    )
    assert float(loss(LOGITS, TARGETS, torch.zeros(3))) == 0


def test_extreme_logits_stay_finite() -> None:
    logits = torch.tensor([[1e4, -1e4, 0.0]], requires_grad=True)
    SoftLoss(focal_gamma=2.0)(logits, TARGETS[:1], torch.ones(1)).backward()  # type: ignore[no-untyped-call]
    assert logits.grad is not None
    assert bool(logits.grad.isfinite().all())


@given(PROBS)
def test_weights_keep_their_bounds(probs: npt.NDArray[np.float64]) -> None:
    weights = confidence_weights(probs)
    assert weights.dtype == np.float32
    assert (weights >= 0).all()
    assert (weights <= 1).all()


def test_certain_rows_weigh_one_and_uniform_rows_nothing() -> None:
    weights = confidence_weights(np.array([[1.0, 0.0, 0.0, 0.0], [0.25, 0.25, 0.25, 0.25], [0.5, 0.5, 0.0, 0.0]]))
    np.testing.assert_allclose(weights, [1.0, 0.0, 0.5], atol=1e-7)


@pytest.mark.parametrize(
    "loss", [SoftLoss(), SoftLoss(class_weights=(0.5, 1.5, 1.0)), SoftLoss(log_prior=(-1.0, -2.0, 0.0))]
)
def test_no_other_constant_has_a_lower_loss(loss: SoftLoss) -> None:
    start = torch.tensor(loss.constant(TARGETS.numpy(), WEIGHTS.numpy()), dtype=torch.float32)
    least = loss(start.expand(3, 3), TARGETS, WEIGHTS)
    for step in 0.3 * torch.eye(3):
        assert least < loss((start + step).expand(3, 3), TARGETS, WEIGHTS)
        assert least < loss((start - step).expand(3, 3), TARGETS, WEIGHTS)
