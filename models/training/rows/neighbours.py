"""Exact nearest neighbours by blocked matrix products."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

_BLOCK = 2**23  # cosines at a time, 32 MB
_PARTS = 32


def nearest_neighbours(
    vectors: npt.NDArray[np.float32], references: npt.NDArray[np.int64], count: int
) -> Iterator[tuple[slice, npt.NDArray[np.int64], npt.NDArray[np.float32]]]:
    """Find the reference rows of highest cosine to each row, itself left out.

    Selecting the largest of many cosines takes longer than computing them. So the references are cut into 32 equal
    parts, and the maximum over the parts is taken place by place: whatever is among the `count` largest stands in one
    of the `count` places of the largest maxima.

    Parameters
    ----------
    vectors : ndarray of float32, shape (n, d)
        Of any length; a row of zeros is at a right angle to all.
    references : ndarray of int64, shape (m,)
        The rows among which neighbours are looked for, without repeats.
    count : int
        Neighbours of each row, at most m - 1.

    Yields
    ------
    (slice, ndarray of int64, shape (b, count), ndarray of float32, shape (b, count))
        A block of rows, their neighbours as indices into `references`, in no order, and the cosines.
    """
    m = len(references)
    parts = _PARTS if m >= 4 * _PARTS * count else 1
    places = -(-m // parts)
    targets = np.zeros((parts * places, vectors.shape[1]), np.float32)
    targets[:m] = _unit(vectors[references])
    own = np.full(len(vectors), -1)
    own[references] = np.arange(m)
    size = max(_BLOCK // len(targets), 1)
    for start in range(0, len(vectors), size):
        rows = slice(start, min(start + size, len(vectors)))
        cosines = _unit(vectors[rows]) @ targets.T
        cosines[:, m:] = -np.inf
        known = np.flatnonzero(own[rows] >= 0)
        cosines[known, own[rows][known]] = -np.inf
        best = _largest(cosines.reshape(-1, parts, places).max(axis=1), count)
        candidates = (best[:, np.newaxis] + places * np.arange(parts)[:, np.newaxis]).reshape(len(best), -1)
        values = np.take_along_axis(cosines, candidates, axis=1)
        chosen = _largest(values, count)
        yield rows, np.take_along_axis(candidates, chosen, axis=1), np.take_along_axis(values, chosen, axis=1)


def _largest(values: npt.NDArray[np.float32], count: int) -> npt.NDArray[np.int64]:
    first: npt.NDArray[np.int64] = np.argpartition(values, values.shape[1] - count, axis=1)[:, -count:]
    return first


def _unit(vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    norms: npt.NDArray[Any] = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: npt.NDArray[np.float32] = (vectors / np.maximum(norms, 1e-12)).astype(np.float32, copy=False)
    return unit
