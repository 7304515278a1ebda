"""Cutting texts into batches of similar length under a token budget."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

BUDGET = 8192
"""Padded tokens per batch: enough to keep a few cores busy; more gained nothing on 2 cores with AMX."""

MIN_TOKENS = 512
"""Padded tokens below which a batch is filled up. On CPUs with AMX, oneDNN has other kernels for smaller matrices:
beside few texts a text got another vector (by up to 0.001) than beside many, and from here on the same bits."""


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


def token_budget_batches(
    lengths: Sequence[int], *, budget: int = BUDGET, limit: int | None = None
) -> Iterator[tuple[list[int], int]]:
    """Cut items, taken in the given order, into batches that fit a token budget.

    Give the items sorted by length, or padding will eat the gain. Longest first shows the largest memory need at
    once and makes the remaining time easy to predict.

    Parameters
    ----------
    lengths : Sequence[int]
        Tokens of each item, longest first.
    budget : int
        A batch holds at most this many tokens, padding included; an item longer than that travels alone.
    limit : int, optional
        The model's longest input.

    Yields
    ------
    (list[int], int)
        Indices into `lengths` and the length to pad them to. The lists are disjoint and cover every index.
    """
    start = 0
    while start < len(lengths):
        width = padded_length(lengths[start], limit=limit)
        size = max(1, budget // width)
        batch = list(range(start, min(start + size, len(lengths))))
        # The next narrower width begins a new batch: sizes then depend on the width alone, hence few shapes.
        narrower = next((i for i in batch if padded_length(lengths[i], limit=limit) < width), None)
        if narrower is not None:
            batch = batch[: narrower - start]
        yield batch, width
        start += len(batch)


def sorted_batches(
    rows: Sequence[Sequence[int]], *, budget: int = BUDGET, limit: int | None = None
) -> Iterator[tuple[list[int], int]]:
    """Cut token id rows of any order into token-budget batches, longest first.

    Yields
    ------
    (list[int], int)
        Indices into `rows` and the length to pad them to.
    """
    order = sorted(range(len(rows)), key=lambda i: (-len(rows[i]), i))
    for batch, width in token_budget_batches([len(rows[i]) for i in order], budget=budget, limit=limit):
        yield [order[b] for b in batch], width


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


def tokens_and_mask(
    rows: Sequence[Sequence[int]], width: int, pad: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Right-pad rows of token ids to one width, and mark what is not padding.

    Returns
    -------
    (ndarray of int64, ndarray of int64), both of shape (len(rows), width)
    """
    return pad_rows(rows, width, pad), pad_rows([[1] * len(row) for row in rows], width, 0)


def filled_up(rows: Sequence[Sequence[int]], width: int) -> list[Sequence[int]]:
    """Repeat the last row of a batch until it has `MIN_TOKENS` padded tokens: what a row gets then is its own.

    Returns
    -------
    list of sequence of int
        The rows, then the copies.
    """
    return [*rows, *[rows[-1]] * (-(-MIN_TOKENS // width) - len(rows))]
