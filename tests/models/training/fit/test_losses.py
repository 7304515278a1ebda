"""The loss is what its papers say."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from labeler.models.training.fit.losses import SoftLoss

LOGITS = torch.tensor([[2.0, -1.0, 0.5], [0.1, 0.2, 3.0], [-4.0, 1.0, 1.0]])
TARGETS = torch.tensor([[0.7, 0.2, 0.1], [0.0, 0.0, 1.0], [0.3, 0.3, 0.4]])
WEIGHTS = torch.tensor([1.0, 2.0, 0.5])


def test_soft_cross_entropy_is_torchs_weighted_by_row() -> None:
    rows = torch.nn.functional.cross_entropy(LOGITS, TARGETS, reduction="none")
    expected = (rows * WEIGHTS).sum() / WEIGHTS.sum()
    torch.testing.assert_close(SoftLoss()(LOGITS, TARGETS, WEIGHTS), expected)


def test_class_weights_scale_each_classs_share() -> None:
    expected = torch.nn.functional.cross_entropy(LOGITS, TARGETS, weight=torch.tensor([2.0, 0.5, 1.0]))
    found = SoftLoss(class_weights=(2.0, 0.5, 1.0))(LOGITS, TARGETS, torch.ones(3))
    torch.testing.assert_close(found, expected)


def test_the_log_prior_is_added_to_the_logits() -> None:
    prior = np.log([0.7, 0.2, 0.1])
    shifted = LOGITS + torch.tensor(prior, dtype=torch.float32)
    loss = SoftLoss(class_weights=np.array([1.0, 2.0, 3.0]), log_prior=prior)
    expected = SoftLoss(class_weights=(1.0, 2.0, 3.0))(shifted, TARGETS, WEIGHTS)
    torch.testing.assert_close(loss(LOGITS, TARGETS, WEIGHTS), expected)
    torch.testing.assert_close(loss.plain()(LOGITS, TARGETS, WEIGHTS), SoftLoss()(shifted, TARGETS, WEIGHTS))


def test_with_logit_adjustment_predicting_the_prior_leaves_no_gradient() -> None:
    prior = np.array([0.9, 0.1])
    logits = torch.zeros(1, 2, requires_grad=True)
    SoftLoss(log_prior=np.log(prior))(logits, torch.tensor([[0.9, 0.1]]), torch.ones(1)).backward()  # type: ignore[no-untyped-call]
    assert logits.grad is not None
    torch.testing.assert_close(logits.grad, torch.zeros(1, 2), atol=1e-6, rtol=0)


def test_rows_without_weight_count_nothing() -> None:
    loss = SoftLoss()
    torch.testing.assert_close(
        loss(LOGITS, TARGETS, torch.tensor([1.0, 0.0, 3.0])),
        loss(LOGITS[[0, 2]], TARGETS[[0, 2]], torch.tensor([1.0, 3.0])),
    )
    assert float(loss(LOGITS, TARGETS, torch.zeros(3))) == 0


def test_extreme_logits_stay_finite() -> None:
    logits = torch.tensor([[1e4, -1e4, 0.0]], requires_grad=True)
    SoftLoss()(logits, TARGETS[:1], torch.ones(1)).backward()  # type: ignore[no-untyped-call]
    assert logits.grad is not None
    assert bool(logits.grad.isfinite().all())


@pytest.mark.parametrize(
    "loss", [SoftLoss(), SoftLoss(class_weights=(0.5, 1.5, 1.0)), SoftLoss(log_prior=(-1.0, -2.0, 0.0))]
)
def test_no_other_constant_has_a_lower_loss(loss: SoftLoss) -> None:
    start = torch.tensor(loss.constant(TARGETS.numpy(), WEIGHTS.numpy()), dtype=torch.float32)
    least = loss(start.expand(3, 3), TARGETS, WEIGHTS)
    for step in 0.3 * torch.eye(3):
        assert least < loss((start + step).expand(3, 3), TARGETS, WEIGHTS)
        assert least < loss((start - step).expand(3, 3), TARGETS, WEIGHTS)
