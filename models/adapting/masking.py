"""Which tokens of a text are hidden, to be guessed from the others.

Source: Devlin et al. (2019), "BERT": 15 % of the tokens are guessed; 80 % of these are replaced by the mask, 10 % by
any token, 10 % stay. As in RoBERTa (Liu et al. 2019) each pass over the texts hides other tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..scoring.batching import pad_rows, padded_length
from ..training.fit.batches import cut_into_parts

if TYPE_CHECKING:
    from torch import Tensor

SHARE = 0.15
"""Of a text's tokens that are guessed; at least one."""

Ids = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """What masking must know of a tokenizer with v tokens.

    Parameters
    ----------
    mask : int
        The mask token.
    special : ndarray of bool, shape (v,)
        Tokens that are never guessed nor put in the place of others.
    lead : tuple of int
        What every text begins with, which is not guessed either.
    """

    mask: int
    special: npt.NDArray[np.bool_]
    lead: tuple[int, ...] = ()

    def open_places(self, row: Sequence[int] | Ids) -> Ids:
        """Return the positions of a text's tokens that may be guessed."""
        places = np.flatnonzero(~self.special[np.asarray(row)])
        return places[places >= len(self.lead)] if tuple(row[: len(self.lead)]) == self.lead else places

    @cached_property
    def ordinary(self) -> Ids:
        """The tokens that may be put in the place of others."""
        return np.flatnonzero(~self.special)


@dataclass(frozen=True, eq=False)
class MaskedTexts:
    """Texts with hidden tokens; the same number always hides the same tokens.

    Example i is text ``i % n`` in its own way of hiding: several passes over the texts are one pass over this.

    Parameters
    ----------
    rows : Sequence[Sequence[int]]
        Token ids of n texts, each with at least one that may be guessed.
    vocabulary : Vocabulary
    count : int
        Number of examples.
    seed : int
        Masks are drawn from it.
    always_mask : bool
        Replace all guessed tokens by the mask: for measuring.
    outputs : ndarray of int64, shape (v,), optional
        Column of each token among a model's outputs, where these are not all tokens.
    """

    rows: Sequence[Sequence[int]]
    vocabulary: Vocabulary
    count: int
    seed: int
    always_mask: bool = False
    outputs: Ids | None = None

    are_vectors = False

    def __len__(self) -> int:
        return self.count

    @cached_property
    def lengths(self) -> Ids:
        """Tokens per example, shape (count,)."""
        return np.resize(np.fromiter(map(len, self.rows), np.int64, len(self.rows)), self.count)

    @cached_property
    def guessed(self) -> Ids:
        """Guessed tokens per example, shape (count,)."""
        places = np.array([len(self.vocabulary.open_places(row)) for row in self.rows])
        return np.resize(np.maximum(1, np.rint(SHARE * places)).astype(np.int64), self.count)

    def weight(self, rows: Ids) -> float:
        """Return how many tokens of some examples are guessed: a loss is their mean."""
        return float(self.guessed[rows].sum())

    def parts(self, rows: Ids, *, budget: int) -> list[tuple[Ids, int]]:
        """Cut some examples into parts that fit a token budget; see `cut_into_parts`."""
        return cut_into_parts(self.lengths, rows, budget=budget)

    def batch(self, part: Ids, width: int, *, pad: int) -> tuple[dict[str, Any], Tensor, Tensor]:
        """Return what a masked language model is called with for some examples, and what it should guess.

        The guessed tokens are filled up to one of few numbers: for each number oneDNN keeps compiled code.

        Parameters
        ----------
        part : ndarray of int64, shape (b,)
            Their positions.
        width : int
            Tokens to pad to.
        pad : int
            The padding token's id.

        Returns
        -------
        (dict[str, Tensor], Tensor of int64, shape (g,), Tensor of float32, shape (g,))
            ``input_ids`` and ``attention_mask`` of shape (b, width) and ``positions`` of shape (g,), which count
            through the rows; the tokens there (or their columns); 1 for each of them, 0 for filling.
        """
        import torch

        texts = [self.rows[i % len(self.rows)] for i in part]
        ids = pad_rows(texts, width, pad)
        size = padded_length(int(self.guessed[part].sum()))
        positions, targets, weights = np.zeros(size, np.int64), np.zeros(size, np.int64), np.zeros(size, np.float32)
        at = 0
        for line, example in enumerate(part):
            places, tokens = self._hide(int(example))
            filled = slice(at, at := at + len(places))
            positions[filled], targets[filled], weights[filled] = line * width + places, ids[line, places], 1
            ids[line, places] = tokens
        mask = np.arange(width) < self.lengths[part, None]
        inputs = {"input_ids": ids, "attention_mask": mask.astype(np.int64), "positions": positions}
        columns = targets if self.outputs is None else self.outputs[targets]
        tensors = {name: torch.from_numpy(array) for name, array in inputs.items()}
        return tensors, torch.from_numpy(columns), torch.from_numpy(weights)

    def _hide(self, example: int) -> tuple[Ids, Ids]:
        """Choose the guessed positions of an example, and what stands there instead."""
        row, words = np.asarray(self.rows[example % len(self.rows)]), self.vocabulary
        generator = np.random.default_rng([self.seed, example])
        places = generator.permutation(words.open_places(row))[: self.guessed[example]]
        tokens = np.full(len(places), words.mask)
        if not self.always_mask:
            fate = generator.random(len(places))
            others = generator.choice(words.ordinary, len(places))
            tokens = np.where(fate < 0.8, tokens, np.where(fate < 0.9, others, row[places]))
        return places, tokens
