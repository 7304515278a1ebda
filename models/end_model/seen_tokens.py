"""Training the word embeddings of the tokens that the training texts have, and of no others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

_FEWEST = 3  # times a token must be met: rarer ones learn more noise than meaning
_SCALE = 10.0  # rows are met in few steps, so they move faster than weights that every step moves


class MetWords(torch.nn.Module):
    """Frozen word embeddings plus trained changes to some of them.

    With most of a multilingual model's weights in its word embeddings and a few thousand tokens in the reviews of a
    shop, an optimiser that looks after all of them spends its time on zeros. This is the same training without them.

    Parameters
    ----------
    words : torch.nn.Embedding
        Embeddings of all v tokens, d wide; they are frozen.
    met : Tensor of int64, shape (m,)
        The tokens to train.
    """

    def __init__(self, words: torch.nn.Embedding, met: torch.Tensor) -> None:
        super().__init__()
        self.words = words.requires_grad_(False)
        self.change = torch.nn.Parameter(torch.zeros(len(met) + 1, words.embedding_dim))  # the first row stays 0
        self.place: torch.Tensor
        self.register_buffer("place", torch.zeros(words.num_embeddings, dtype=torch.int64), persistent=False)
        self.place[met] = torch.arange(1, len(met) + 1)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Return the embeddings of tokens; shape (..., d)."""
        change = torch.nn.functional.embedding(self.place[ids], self.change, padding_idx=0)
        embeddings: torch.Tensor = self.words(ids) + _SCALE * change
        return embeddings

    def merged(self) -> torch.nn.Embedding:
        """Return ordinary embeddings with the changes in them."""
        with torch.no_grad():
            met = self.place.nonzero().squeeze(1)
            self.words.weight[met] += _SCALE * self.change[self.place[met]]
        return self.words


def train_met_words(backbone: Any, rows: Sequence[Sequence[int]]) -> None:
    """Let an encoder with frozen word embeddings train those of the tokens in `rows`, in place.

    Parameters
    ----------
    backbone : transformers.PreTrainedModel
    rows : Sequence[Sequence[int]]
        Token ids of the training texts.
    """
    words = backbone.get_input_embeddings()
    counts = np.zeros(words.num_embeddings, np.int64)
    for row in rows:
        np.add.at(counts, row, 1)
    backbone.set_input_embeddings(MetWords(words, torch.from_numpy(np.flatnonzero(counts >= _FEWEST))))


def merge_met_words(backbone: Any) -> None:
    """Make the word embeddings ordinary again, with what they learned; does nothing if they are."""
    words = backbone.get_input_embeddings()
    if isinstance(words, MetWords):
        backbone.set_input_embeddings(words.merged())
