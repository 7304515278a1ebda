"""Training the word embeddings of the tokens that the training texts have, and of no others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch

_MIN_COUNT = 3  # rarer tokens learn more noise than meaning
_SCALE = 10.0  # a row is seen in few steps, so it moves faster than weights that every step moves


class SeenTokenEmbedding(torch.nn.Module):
    """Frozen word embeddings plus trainable changes to some of them.

    With most of a multilingual model's weights in its word embeddings and a few thousand tokens in the reviews of a
    shop, an optimiser over all of them spends its time on zeros. This is the same training without them.

    Parameters
    ----------
    words : torch.nn.Embedding
        Embeddings of all v tokens, d wide; they are frozen.
    seen : Tensor of int64, shape (m,)
        The tokens to train.
    """

    def __init__(self, words: torch.nn.Embedding, seen: torch.Tensor) -> None:
        super().__init__()
        self.words = words.requires_grad_(False)
        self.change = torch.nn.Parameter(torch.zeros(len(seen) + 1, words.embedding_dim))  # the first row stays 0
        self.place: torch.Tensor
        self.register_buffer("place", torch.zeros(words.num_embeddings, dtype=torch.int64), persistent=False)
        self.place[seen] = torch.arange(1, len(seen) + 1)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Return the embeddings of tokens; shape (..., d)."""
        change = torch.nn.functional.embedding(self.place[ids], self.change, padding_idx=0)
        embeddings: torch.Tensor = self.words(ids) + _SCALE * change
        return embeddings

    def merged(self) -> torch.nn.Embedding:
        """Return ordinary embeddings with the changes in them."""
        with torch.no_grad():
            seen = self.place.nonzero().squeeze(1)
            self.words.weight[seen] += _SCALE * self.change[self.place[seen]]
        return self.words


def train_seen_tokens(backbone: Any, rows: Iterable[Sequence[int]]) -> None:
    """Let an encoder with frozen word embeddings train those of the tokens in `rows`, in place.

    Parameters
    ----------
    backbone : transformers.PreTrainedModel
    rows : iterable of sequence of int
        Token ids of the training texts.
    """
    words = backbone.get_input_embeddings()
    counts = np.zeros(words.num_embeddings, np.int64)
    for row in rows:
        np.add.at(counts, row, 1)
    seen = torch.from_numpy(np.flatnonzero(counts >= _MIN_COUNT))
    backbone.set_input_embeddings(SeenTokenEmbedding(words, seen))


def merge_seen_tokens(backbone: Any) -> None:
    """Make the word embeddings ordinary again, with what they learned; does nothing if they are."""
    words = backbone.get_input_embeddings()
    if isinstance(words, SeenTokenEmbedding):
        backbone.set_input_embeddings(words.merged())
