"""A set of ids that stays small for many millions of them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from ...reading.ids import normal_ids

_MERGED_AT = 16


class IdSet:
    """The 64-bit hashes of ids: 8 bytes for each, whatever its length.

    Ids are compared as text, 1.0 being 1. That any two of a million ids share a hash has a probability of 3e-8, of ten
    million 3e-6; the row of the second one would be taken for stored.
    """

    def __init__(self) -> None:
        self._runs: list[npt.NDArray[np.uint64]] = []

    def __len__(self) -> int:
        """Count what was added."""
        return sum(len(run) for run in self._runs)

    def add(self, ids: pl.Series) -> None:
        """Add ids that are not in it."""
        if len(ids):
            self._runs.append(np.sort(_hashes(ids)))
        if len(self._runs) >= _MERGED_AT:  # many short searches would cost more than one sort now and then
            merged = np.concatenate(self._runs)
            merged.sort()
            self._runs = [merged]

    def contains(self, ids: pl.Series) -> pl.Series:
        """Tell for each id whether it was added."""
        wanted = _hashes(ids)
        found = np.zeros(len(ids), np.bool_)
        for run in self._runs:
            nearest = np.minimum(np.searchsorted(run, wanted), len(run) - 1)
            found |= run[nearest] == wanted
        return pl.Series(ids.name, found, pl.Boolean)


def _hashes(ids: pl.Series) -> npt.NDArray[np.uint64]:
    return normal_ids(ids).hash(seed=0).to_numpy()
