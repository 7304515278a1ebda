"""Cutting texts into batches of similar length under a token budget."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from torch import Tensor

BUDGET = 8192
"""Padded tokens per batch: enough to keep a few cores busy; more gained nothing on 2 cores with AMX."""

MIN_TOKENS = 512
"""Padded tokens below which a batch is filled up. On CPUs with AMX, oneDNN has other kernels for smaller matrices:
beside few texts a text got another vector (by up to 0.001) than beside many, and from here on the same bits."""

_WINDOW = 16_384  # texts split into tokens at a time: bounds memory, and still hundreds of batches to sort within


def padded_length(length: int, *, limit: int | None = None) -> int:
    """Round a token count up to one of few lengths.

    Multiples of 8 up to 64, then of 16 up to 128, then of 32, and so on: at most an eighth of padding, and some 30
    lengths up to 512. oneDNN keeps a compiled primitive per shape, so many shapes cost memory and time.

    Parameters
    ----------
    length : int
        Tokens of the longest text, at least 1.
    limit : int, optional
        The model's longest input; the result does not exceed it.

    Returns
    -------
    int
        At least `length` (unless `limit` is smaller), and at least 8.
    """
    step = max(8, 1 << max(0, (length - 1).bit_length() - 3))
    rounded = -(-max(length, 1) // step) * step
    return rounded if limit is None else min(rounded, limit)


def sorted_batches(
    rows: Sequence[Sequence[int]], *, budget: int = BUDGET, limit: int | None = None
) -> Iterator[tuple[list[int], int]]:
    """Cut token id rows of any order into batches of one padded width that fit a token budget.

    Longest first shows the largest memory need at once and makes the remaining time easy to predict. The size of a
    batch depends on its width alone, hence few shapes.

    Parameters
    ----------
    rows : sequence of sequence of int
    budget : int
        A batch holds at most this many tokens, padding included; a row longer than that travels alone.
    limit : int, optional
        The model's longest input.

    Yields
    ------
    (list[int], int)
        Indices into `rows` and the length to pad them to. The lists are disjoint and cover every index.
    """
    order = sorted(range(len(rows)), key=lambda i: -len(rows[i]))
    for width, group in groupby(order, key=lambda i: padded_length(len(rows[i]), limit=limit)):
        indices, size = list(group), max(1, budget // width)
        for start in range(0, len(indices), size):
            yield indices[start : start + size], width


def text_batches(
    texts: Sequence[str],
    token_rows: Callable[[list[str]], Sequence[Sequence[int]]],
    *,
    budget: int = BUDGET,
    limit: int,
) -> Iterator[tuple[npt.NDArray[np.int64], list[Sequence[int]], int]]:
    """Split texts into tokens and cut them into batches, longest first.

    The batches depend on the set of texts, not on its order, so that reruns repeat bit by bit.

    Yields
    ------
    (ndarray of int64, shape (b,), list of sequence of int, int)
        Positions in `texts`, their token ids and the length to pad them to.
    """
    order = sorted(range(len(texts)), key=lambda i: (-len(texts[i]), texts[i]))
    for start in range(0, len(order), _WINDOW):
        window = order[start : start + _WINDOW]
        rows = token_rows([texts[i] for i in window])
        for batch, width in sorted_batches(rows, budget=budget, limit=limit):
            yield np.array([window[i] for i in batch]), [rows[i] for i in batch], width


def pad_rows(rows: Sequence[Sequence[int]], width: int, value: int) -> npt.NDArray[np.int64]:
    """Right-pad rows of ids to one width.

    Returns
    -------
    ndarray of int64, shape (len(rows), width)
    """
    padded = np.full((len(rows), width), value, dtype=np.int64)
    for i, row in enumerate(rows):
        padded[i, : len(row)] = row
    return padded


def padded_inputs(rows: Sequence[Sequence[int]], width: int, *, pad: int, device: str = "cpu") -> dict[str, Tensor]:
    """Right-pad rows of token ids to one width, and mark what is not padding.

    Returns
    -------
    dict[str, Tensor]
        ``input_ids`` and ``attention_mask``, both int64 of shape (len(rows), width).
    """
    import torch

    padded = {
        "input_ids": pad_rows(rows, width, pad),
        "attention_mask": pad_rows([[1] * len(r) for r in rows], width, 0),
    }
    return {name: torch.from_numpy(array).to(device) for name, array in padded.items()}


def filled_up(rows: Sequence[Sequence[int]], width: int) -> list[Sequence[int]]:
    """Repeat the last row of a batch until it has `MIN_TOKENS` padded tokens: what a row gets then is its own.

    Returns
    -------
    list of sequence of int
        The rows, then the copies.
    """
    return [*rows, *[rows[-1]] * (-(-MIN_TOKENS // width) - len(rows))]
