"""Which rows go into a step together, and how a step is cut so that it fits into memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from ...scoring.batching import padded_inputs, padded_length

if TYPE_CHECKING:
    from torch import Tensor

_POOL = 50  # batches whose rows are sorted by length together


class Batches(Protocol):
    """The n rows of a fit, as the Trainer asks for them; `Examples` are those of a classifier."""

    @property
    def are_vectors(self) -> bool:
        """Whether rows are pooled vectors, not token ids."""

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """Tokens per row, shape (n,)."""

    def __len__(self) -> int: ...

    def weight(self, rows: npt.NDArray[np.int64]) -> float:
        """Return what the loss of some rows counts, which is never 0."""

    def parts(self, rows: npt.NDArray[np.int64], *, budget: int) -> list[tuple[npt.NDArray[np.int64], int]]:
        """Cut some rows into parts that fit a token budget; see `cut_into_parts`."""

    def batch(self, part: npt.NDArray[np.int64], width: int, *, pad: int) -> tuple[dict[str, Tensor], Tensor, Tensor]:
        """Return a model's inputs for some rows, and targets and weights for the loss."""


@dataclass(frozen=True, eq=False)
class Examples:
    """What a classifier is trained on: n rows, k classes.

    Parameters
    ----------
    rows : Sequence[Sequence[int]] or ndarray of float32, shape (n, d)
        Token ids of each text, at least one; or pooled vectors where the encoder is frozen.
    targets : ndarray of float32, shape (n, k)
        Soft labels; rows sum to 1.
    weights : ndarray of float32, shape (n,)
        Not negative.

    Raises
    ------
    ValueError
        If lengths differ, a value is not finite, a weight is negative, or a text has no token.
    """

    rows: Sequence[Sequence[int]] | npt.NDArray[np.float32]
    targets: npt.NDArray[np.float32]
    weights: npt.NDArray[np.float32]

    def __post_init__(self) -> None:
        object.__setattr__(self, "targets", np.asarray(self.targets, dtype=np.float32))
        object.__setattr__(self, "weights", np.asarray(self.weights, dtype=np.float32))
        if self.targets.ndim != 2 or not len(self.rows) == len(self.targets) == len(self.weights):
            raise ValueError(
                f"{len(self.rows)} rows, targets of shape {self.targets.shape} and weights of shape "
                f"{self.weights.shape} do not belong together."
            )
        if not (np.isfinite(self.targets).all() and np.isfinite(self.weights).all() and (self.weights >= 0).all()):
            raise ValueError("Targets and weights must be finite, and weights not negative.")
        if len(self.rows) and self.lengths.min() < 1:
            raise ValueError("Every row needs at least one token.")

    def __len__(self) -> int:
        return len(self.targets)

    @property
    def are_vectors(self) -> bool:
        """Whether rows are pooled vectors, not token ids."""
        return isinstance(self.rows, np.ndarray)

    @cached_property
    def lengths(self) -> npt.NDArray[np.int64]:
        """Tokens per row, 1 for a vector; shape (n,)."""
        if self.are_vectors:
            return np.ones(len(self.rows), dtype=np.int64)
        return np.fromiter((len(row) for row in self.rows), np.int64, len(self.rows))

    def weight(self, rows: npt.NDArray[np.int64]) -> float:
        """Return the summed weight of some rows, which is never 0: means are divided by it."""
        return max(float(self.weights[rows].sum(dtype=np.float64)), 1e-12)

    def parts(self, rows: npt.NDArray[np.int64], *, budget: int) -> list[tuple[npt.NDArray[np.int64], int]]:
        """Cut some rows into parts of similar length that fit a token budget; see `cut_into_parts`."""
        return cut_into_parts(self.lengths, rows, budget=budget)

    def batch(self, part: npt.NDArray[np.int64], width: int, *, pad: int) -> tuple[dict[str, Tensor], Tensor, Tensor]:
        """Return inputs (see `inputs`), targets of shape (b, k) and weights of shape (b,) of some rows."""
        import torch

        targets, weights = torch.from_numpy(self.targets[part]), torch.from_numpy(self.weights[part])
        return self.inputs(part, width, pad=pad), targets, weights

    def inputs(self, rows: npt.NDArray[np.int64], width: int, *, pad: int) -> dict[str, Tensor]:
        """Return what the classifier is called with for some rows.

        Parameters
        ----------
        rows : ndarray of int64, shape (b,)
            Their positions.
        width : int
            Tokens to pad to.
        pad : int
            The padding token's id.

        Returns
        -------
        dict[str, Tensor]
            ``input_ids`` and ``attention_mask``, both int64 of shape (b, width), or ``vectors`` of shape (b, d).
        """
        if isinstance(self.rows, np.ndarray):
            import torch

            return {"vectors": torch.from_numpy(np.asarray(self.rows[rows], dtype=np.float32))}
        return padded_inputs([self.rows[row] for row in rows], width, pad=pad)


def cut_into_parts(
    lengths: npt.NDArray[np.int64], rows: npt.NDArray[np.int64], *, budget: int
) -> list[tuple[npt.NDArray[np.int64], int]]:
    """Cut some rows into parts of similar length that fit a token budget.

    The rows of a part are a power of two, so that parts of different widths have the same number of tokens: for
    each number oneDNN keeps some 8 MB of compiled code.

    Parameters
    ----------
    lengths : ndarray of int64, shape (n,)
        Tokens of each row.
    rows : ndarray of int64, shape (b,)
        Positions of the rows to cut.
    budget : int
        Padded tokens per part; a row that is longer is a part of its own.

    Returns
    -------
    list of (ndarray of int64, int)
        Positions and the width to pad to, longest first. The parts cover each row once.
    """
    left = rows[np.argsort(-lengths[rows], kind="stable")]
    longest = int(lengths.max())  # the model may take no more
    parts = []
    while len(left):
        width = padded_length(int(lengths[left[0]]), limit=longest)
        size = 1 << max(1, budget // width).bit_length() - 1
        parts.append((left[:size], width))
        left = left[size:]
    return parts


class LengthGroupedSampler:
    """All rows in random order, so that rows of one batch have similar lengths.

    Random pools of 50 batches are sorted by length and cut into batches, which are then shuffled. The order depends
    on the seed and the epoch only, never on the global random state: a fit that was stopped goes on with the same
    batches. (The sampler of transformers does neither shuffle batches nor repeat itself.)

    Parameters
    ----------
    lengths : ndarray of int64, shape (n,)
        Tokens per row.
    batch_size : int
        Rows per batch; the last batch may be smaller.
    seed : int
        Each epoch's order is drawn from it.
    """

    def __init__(self, lengths: npt.NDArray[np.int64], *, batch_size: int, seed: int) -> None:
        self.lengths = lengths
        self.batch_size = batch_size
        self.seed = seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch; the data loader calls it."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.lengths)

    def __iter__(self) -> Iterator[int]:
        generator = np.random.default_rng([self.seed, self.epoch])
        order = generator.permutation(len(self.lengths))
        pool = _POOL * self.batch_size
        pools = [order[start : start + pool] for start in range(0, len(order), pool)]
        order = np.concatenate([rows[np.argsort(self.lengths[rows], kind="stable")] for rows in pools] or [order])
        batches = [order[start : start + self.batch_size] for start in range(0, len(order), self.batch_size)]
        # The data loader cuts by counting: a smaller batch must stay the last.
        last = [batches.pop()] if batches and len(batches[-1]) < self.batch_size else []
        shuffled = [batches[i] for i in generator.permutation(len(batches))] + last
        return iter([int(row) for batch in shuffled for row in batch])
