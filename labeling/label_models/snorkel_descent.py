"""The gradient descent inside Snorkel's ``LabelModel.fit``, without the overhead of one optimizer step per epoch.

An epoch of `snorkel.labeling.model.LabelModel` (0.10.0) works on an ``(mk, mk)`` matrix and costs mostly Python:
autograd, optimizer, scheduler and logger objects. Here the gradient is written out. Only heavy-ball SGD (Snorkel's
default optimizer) without l2 is covered.

Source: Ratner et al., "Training Complex Models with Multi-Task Weak Supervision", AAAI 2019 (arXiv 1810.02840).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch

MOMENTUM = 0.9  # snorkel.utils.optimizers.SGDOptimizerConfig
_POWER_STEPS = 20  # from the diagonal of a non-negative matrix; the bound needs no more than a rough figure


@dataclass(frozen=True, eq=False)
class Objective:
    r"""What `mu` has to explain: ``\|mask * (O - mu P mu^T)\|^2 + \|mu p - diag O\|^2``.

    Parameters
    ----------
    overlaps : Tensor of float32, shape (v, v)
        Snorkel's `O`: share of rows on which two votes ("voter j votes c") occur together; symmetric.
    balance : Tensor of float32, shape (k,)
        Snorkel's `p`: the class balance.
    mask : Tensor of float32, shape (v, v)
        1 for the entries of `overlaps` to be explained, 0 for the others; symmetric.
    """

    overlaps: torch.Tensor
    balance: torch.Tensor
    mask: torch.Tensor

    def residuals(self, mu: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return what `mu` leaves unexplained of the pairs of votes, shape (v, v), and of single votes, shape (v,)."""
        pairs = torch.addmm(self.overlaps, mu * self.balance, mu.t(), alpha=-1).mul_(self.mask)
        return pairs, mu @ self.balance - torch.diag(self.overlaps)

    def loss(self, mu: torch.Tensor) -> float:
        """Sum of the squared residuals."""
        return sum(float(torch.sum(residual**2)) for residual in self.residuals(mu))

    def stable_rate(self) -> float:
        r"""Learning rate at which the descent stays at a solution, with as much again to spare for the way there.

        The curvature at a `mu` that explains the overlaps is at most ``8 s max(p) + 2 \|p\|^2``, `s` being the largest
        eigenvalue of `O` (found by power iteration); heavy ball is stable below ``2 (1 + momentum) / curvature``.
        """
        votes = torch.diag(self.overlaps)
        with one_thread():
            for _ in range(_POWER_STEPS):
                votes = self.overlaps @ (votes / torch.linalg.norm(votes))
        curvature = 8 * torch.linalg.norm(votes) * self.balance.max() + 2 * torch.sum(self.balance**2)
        return float((1 + MOMENTUM) / curvature)

    def gradient(self, mu: torch.Tensor) -> torch.Tensor:
        """Gradient of the loss in `mu`, shape (v, k)."""
        pairs, singles = self.residuals(mu)
        # pairs is symmetric, so pairs @ w is (w.T @ pairs).T, which takes a quarter of the time where v is large
        return 2 * torch.outer(singles, self.balance) - 4 * ((mu * self.balance).t() @ pairs).t()


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep torch to one thread: on a busy machine two threads wait for each other, up to 600 times longer."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
