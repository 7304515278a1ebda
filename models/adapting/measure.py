"""How well hidden tokens are guessed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from ...data.progress import progress
from ..loading.device import Compute
from ..training.fit.memory import MemoryBudget

if TYPE_CHECKING:
    from torch import Tensor

    from .masking import Ids, MaskedTexts
    from .model import MaskedModel

_TOKENS = 2048  # padded, computed at a time
_WINDOW = 256  # examples between two steps of progress


@dataclass(frozen=True)
class TokenLoss:
    """Cross-entropy of the hidden tokens: a mean over those that count."""

    def __call__(self, logits: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
        """Return the weighted mean loss of g guesses: logits (g, v), targets (g,), weights (g,)."""
        from torch.nn.functional import cross_entropy

        losses = cross_entropy(logits.float(), targets, reduction="none")
        return (losses * weights).sum() / weights.sum()

    def plain(self) -> TokenLoss:
        """Return itself."""
        return self


def masked_loss(model: MaskedModel, texts: MaskedTexts, *, compute: Compute, what: str) -> float:
    """Return the mean cross-entropy of the hidden tokens of some texts, over the whole vocabulary.

    Its exponential is the pseudo-perplexity of Salazar et al. (2020), "Masked Language Model Scoring", but that a share
    of the tokens is hidden at once and not each token alone.

    Parameters
    ----------
    model : MaskedModel
        Afterwards in evaluation mode.
    texts : MaskedTexts
        At least one example.
    compute : Compute
        Device and number format.
    what : str
        Name of the work, for its progress.
    """
    import torch

    loss, memory = TokenLoss(), MemoryBudget(_TOKENS)
    model.eval()

    @torch.inference_mode()
    def attempt(rows: Ids, tokens: int) -> float:
        total = 0.0
        for part, width in texts.parts(rows, budget=tokens):
            inputs, targets, weights = texts.batch(part, width, pad=model.pad_token_id)
            with torch.autocast(compute.device, dtype=torch.bfloat16, enabled=compute.dtype == "bfloat16"):
                logits = model(**{name: tensor.to(compute.device) for name, tensor in inputs.items()})
            total += float(loss(logits, targets.to(compute.device), weights.to(compute.device))) * texts.weight(part)
        return total

    order, total = np.argsort(-texts.lengths, kind="stable"), 0.0
    with progress(what, total=len(texts)) as advance:
        for start in range(0, len(order), _WINDOW):
            rows = order[start : start + _WINDOW]
            total += memory.run(partial(attempt, rows), widest=int(texts.lengths[rows].max()))
            advance(len(rows))
    return total / texts.weight(order)
