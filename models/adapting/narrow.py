"""Guessing among the tokens that a corpus has, where a vocabulary is much wider."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from .masking import Ids

_OTHERS = 4096


class NarrowDecoder(torch.nn.Module):
    """An output layer over m of v tokens, with frozen weights and a trained bias.

    A softmax over a multilingual vocabulary of 146,000 tokens doubles the time of a training step; the reviews of a
    shop have a tenth of these tokens. A random few stand for all the others, each with the weight of many (sampled
    softmax, Jean et al. 2015, "On Using Very Large Target Vocabulary"), or the others would rise unseen.

    Parameters
    ----------
    whole : torch.nn.Linear
        The layer over all tokens.
    met : ndarray of int64, shape (m,)
        The tokens that are guessed.
    seed : int
        Of the choice among the others.
    """

    def __init__(self, whole: Any, met: Ids, *, seed: int) -> None:
        super().__init__()
        others = np.setdiff1d(np.arange(whole.out_features), met)
        few = np.random.default_rng(seed).permutation(others)[:_OTHERS]
        weight, bias = whole.weight.detach(), whole.bias.detach()
        self._whole = [whole]  # in a list, its weights are not this module's
        self._met = torch.from_numpy(met).to(bias.device)
        self.bias = torch.nn.Parameter(bias[self._met].clone())
        self.weight: torch.Tensor
        self.others_bias: torch.Tensor
        self.register_buffer("weight", weight[np.concatenate([met, few])], persistent=False)
        each = math.log(len(others) / len(few)) if len(few) else 0.0
        self.register_buffer("others_bias", bias[few] + each, persistent=False)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """Return logits of shape (..., m + others): those of the tokens `met` come first."""
        return torch.nn.functional.linear(hidden, self.weight, torch.cat([self.bias, self.others_bias]))

    def widened(self) -> Any:
        """Return the layer over all tokens with what was learned."""
        whole = self._whole[0]
        with torch.no_grad():
            whole.bias[self._met] = self.bias
        return whole
