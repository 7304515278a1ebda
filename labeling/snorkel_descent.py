"""The gradient descent inside Snorkel's ``LabelModel.fit``, without the overhead of one optimizer step per epoch.

An epoch of `snorkel.labeling.model.LabelModel` (0.10.0) works on an ``(mk, mk)`` matrix and costs mostly Python:
autograd, optimizer, scheduler and logger objects. The gradient is written out here with the same floating-point
operations in the same order as autograd's, so every `mu` is bit-for-bit the one Snorkel reaches. Only heavy-ball SGD
(Snorkel's default optimizer) without l2 is covered.

Source: Ratner et al., "Training Complex Models with Multi-Task Weak Supervision", AAAI 2019 (arXiv 1810.02840).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch

MOMENTUM = 0.9  # snorkel.utils.optimizers.SGDOptimizerConfig
_ONE_THREAD = 512  # up to this mk, one thread is as fast as many and (measured) rounds the same


@dataclass(frozen=True, eq=False)
class Objective:
    r"""What `mu` has to explain: ``\|(O - mu P mu^T)[mask]\|^2 + \|mu p - diag O\|^2``.

    Parameters
    ----------
    overlaps : Tensor of float32, shape (mk, mk)
        Snorkel's `O`: share of rows on which two votes occur together.
    prior : Tensor of float32, shape (k, k)
        Snorkel's `P`: the class balance on a diagonal.
    mask : Tensor of bool, shape (mk, mk)
        True for the entries of `overlaps` to be explained.
    """

    overlaps: torch.Tensor
    prior: torch.Tensor
    mask: torch.Tensor


@dataclass(eq=False)
class Descent:
    """A descent that can be continued.

    Parameters
    ----------
    mu : Tensor of float32, shape (mk, k)
        ``P(voter j votes c | class y)`` at row ``j * k + c``, column `y`; changed in place.
    velocity : Tensor of float32, shape (mk, k), or None
        Momentum buffer; None before the first step.
    """

    mu: torch.Tensor
    velocity: torch.Tensor | None = None

    def run(self, objective: Objective, *, n_epochs: int, lr: float) -> float:
        """Take `n_epochs` steps and return the loss just before the last one (NaN once it has diverged).

        Raises nothing on divergence: the caller decides.
        """
        seen = objective.mask.reshape(-1).nonzero().reshape(-1)
        diagonal = torch.diag(objective.overlaps)
        loss = math.nan
        with torch.no_grad(), _one_thread(len(self.mu)):
            for epoch in range(n_epochs):
                gradient, pair_norm, single_norm = _gradient(self.mu, objective, seen, diagonal)
                if self.velocity is None:
                    self.velocity = gradient
                else:
                    self.velocity.mul_(MOMENTUM).add_(gradient)
                self.mu.add_(self.velocity, alpha=-lr)
                if epoch == n_epochs - 1:
                    loss = float(pair_norm**2 + single_norm**2)
        return loss


def _gradient(
    mu: torch.Tensor, objective: Objective, seen: torch.Tensor, diagonal: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Gradient of the objective in `mu` (mk, k), and the norms of its two residuals.

    Mathematically the norms cancel (the objective is a sum of squares), but Snorkel squares a norm, whose derivative
    ``2 * norm * (residual / norm)`` rounds differently from ``2 * residual``; so do sums in another order.
    """
    weighted = mu @ objective.prior
    residual = (objective.overlaps - weighted @ mu.t()).view(-1)[seen]
    pair_norm = torch.norm(residual)
    back = torch.zeros(len(mu) * len(mu), dtype=mu.dtype)
    back[seen] = _unit(residual, pair_norm).mul_(2 * pair_norm)
    back = back.view(len(mu), len(mu)).neg_()

    single = torch.sum(weighted, 1) - diagonal
    single_norm = torch.norm(single)
    single_back = _unit(single, single_norm).mul_(2 * single_norm)

    # Autograd adds up the three paths to mu in this order: the later an operation ran, the earlier its gradient.
    gradient = single_back.unsqueeze(1).expand(weighted.shape) @ objective.prior.t()
    gradient = gradient + (weighted.t() @ back).t()
    gradient = gradient + (back @ mu) @ objective.prior.t()
    return gradient, pair_norm, single_norm


def _unit(vector: torch.Tensor, norm: torch.Tensor) -> torch.Tensor:
    """``vector / norm``, and 0 for a zero vector, as autograd's derivative of the norm has it."""
    return (vector / norm).masked_fill_(norm == 0, 0)


@contextmanager
def _one_thread(size: int) -> Iterator[None]:
    """Run small products on one thread: on a busy machine two threads wait for each other 60 times longer."""
    threads = torch.get_num_threads()
    if size <= _ONE_THREAD:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
