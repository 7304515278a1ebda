"""Turning texts into sentence vectors, fast."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from ..loading.device import Compute, choose_compute
from ..loading.folders import hidden_size, sentence_settings
from ..loading.open_model import load_model, load_tokenizer, longest_input
from .batching import BUDGET, filled_up, padded_inputs, text_batches

if TYPE_CHECKING:
    from ..loading.resolve import ModelRef

Batches: TypeAlias = Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.floating]]]
"""Positions of texts, shape (b,), and a row for each, shape (b, d)."""


class SentenceEncoder:
    """A transformers encoder with pooling and L2 normalisation, loaded on first use.

    Length-sorted batches under a token budget, in bfloat16 where the machine has units for it.

    Parameters
    ----------
    ref : ModelRef
        The model, as `resolve_model` returns it.
    compute : Compute, optional
        Device and number format; by default what the machine reports.
    budget : int
        Padded tokens per batch.

    Raises
    ------
    ModelError
        From `encode`, if the folder cannot be loaded.
    """

    def __init__(self, ref: ModelRef, *, compute: Compute | None = None, budget: int = BUDGET) -> None:
        self.ref = ref
        self.compute = compute or choose_compute()
        self.budget = budget

    def encode(self, texts: Sequence[str], *, progress: Callable[[int], None] | None = None) -> npt.NDArray[np.float32]:
        """Embed texts; equal texts are computed once.

        Parameters
        ----------
        texts : Sequence[str]
            n texts.
        progress : callable, optional
            Called with how many more of the n texts are done.

        Returns
        -------
        ndarray of float32, shape (n, d)
            L2-normalised rows.
        """
        return of_unique_texts(texts, self.batches, width=self.width, progress=progress)

    @cached_property
    def width(self) -> int:
        """Length d of a vector, read from the folder's ``config.json``."""
        return hidden_size(self.ref.path)

    def batches(self, texts: Sequence[str]) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]]:
        """Embed distinct texts batch by batch, longest first.

        Yields
        ------
        (ndarray of int64, shape (b,), ndarray of float32, shape (b, d))
            Positions in `texts` and their vectors.
        """
        batches = text_batches(texts, self._token_ids, budget=self.budget, limit=self._max_length)
        for places, ids, width in batches:
            yield places, self._forward(ids, width)

    def _token_ids(self, texts: list[str]) -> list[list[int]]:
        prefix = self.ref.prefix
        ids: list[list[int]] = self._tokenizer(
            [prefix + text for text in texts],
            truncation=True,
            max_length=self._max_length,
            return_attention_mask=False,
            return_token_type_ids=False,
        )["input_ids"]
        return ids

    def _forward(self, ids: Sequence[Sequence[int]], width: int) -> npt.NDArray[np.float32]:
        import torch

        pad = self._tokenizer.pad_token_id or 0
        inputs = padded_inputs(filled_up(ids, width), width, pad=pad, device=self.compute.device)
        with torch.inference_mode():
            hidden = self._model(**inputs).last_hidden_state
            if self._settings.pooling == "cls":
                pooled = hidden[:, 0].float()
            else:  # summed in float32: bfloat16 would lose digits over hundreds of tokens
                weights = inputs["attention_mask"].unsqueeze(-1).float()
                pooled = (hidden.float() * weights).sum(dim=1) / weights.sum(dim=1)
            vectors: npt.NDArray[np.float32] = torch.nn.functional.normalize(pooled, dim=1).cpu().numpy()
        return vectors[: len(ids)]

    @cached_property
    def _settings(self) -> Any:
        return sentence_settings(self.ref.path)

    @property
    def _tokenizer(self) -> Any:
        return _tokenizer(self.ref.path, self.ref.digest)

    @cached_property
    def _max_length(self) -> int:
        return longest_input(self.ref.path, self._tokenizer, stated=self._settings.max_length)

    @property
    def _model(self) -> Any:
        return _model(self.ref.path, self.ref.digest, self.compute)


@lru_cache(maxsize=1)  # encoders of queries and of passages differ in a prefix only
def _tokenizer(folder: Path, digest: str) -> Any:
    return load_tokenizer(folder)


@lru_cache(maxsize=1)
def _model(folder: Path, digest: str, compute: Compute) -> Any:
    return load_model(folder, "AutoModel", compute)


def unique_texts(texts: Sequence[str]) -> tuple[list[str], npt.NDArray[np.int64]]:
    """Return the distinct texts in order of appearance, and for each text the position of its distinct copy.

    Returns
    -------
    (list[str], ndarray of int64, shape (n,))
        ``[unique[i] for i in inverse]`` equals `texts`.
    """
    position: dict[str, int] = {}
    inverse = np.fromiter((position.setdefault(text, len(position)) for text in texts), np.int64, len(texts))
    return list(position), inverse


def of_unique_texts(
    texts: Sequence[str],
    batches: Callable[[list[str]], Batches],
    *,
    width: int,
    progress: Callable[[int], None] | None,
) -> npt.NDArray[np.float32]:
    """Compute a row for each text; equal texts are computed once.

    Parameters
    ----------
    texts : Sequence[str]
        n texts.
    batches : callable
        Takes the distinct texts and yields their rows, batch by batch.
    width : int
        Length d of a row.
    progress : callable, optional
        Called with how many more of the n texts are done.

    Returns
    -------
    ndarray of float32, shape (n, d)
    """
    unique, inverse = unique_texts(texts)
    counts = np.bincount(inverse, minlength=len(unique))
    rows = np.empty((len(unique), width), dtype=np.float32)
    for index, batch in batches(unique):
        rows[index] = batch
        if progress:
            progress(int(counts[index].sum()))
    return rows[inverse]
