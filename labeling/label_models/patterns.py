"""Distinct vote rows and how often each occurs: the compressed form of a label matrix.

Most reviews draw one of a few thousand combinations of votes, so everything downstream (label models, summaries,
correlation) works on the distinct rows with their counts and never again on all `n` rows. Nothing is lost: sums of
integer counts are exact in float64 up to 2**53.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ...data.types.label_space import ABSTAIN

if TYPE_CHECKING:
    from scipy.sparse import csr_array

_CHUNK = 1 << 16  # rows; those counted at a time stay in the CPU's cache
_LARGEST_CODE = 1 << 62
_LARGEST_TABLE = 1 << 24  # 15 voters on 2 classes fit; the table then takes 72 MB


@dataclass(frozen=True, eq=False)
class VotePatterns:
    """The distinct rows of a label matrix.

    Parameters
    ----------
    patterns : ndarray of int16, shape (p, m)
        Vote rows in lexicographic order, distinct unless they were `split`; -1 is an abstention.
    counts : ndarray of int64, shape (p,)
        How many rows of the matrix show each pattern, all positive.
    inverse : ndarray of int32, shape (n,)
        Pattern of each row. Empty in a table that only counts (see `without_rows`).

    Raises
    ------
    ValueError
        If shapes disagree or a count is not positive.
    """

    patterns: npt.NDArray[np.int16]
    counts: npt.NDArray[np.int64]
    inverse: npt.NDArray[np.int32]

    def __post_init__(self) -> None:
        if self.patterns.ndim != 2 or self.counts.shape != self.patterns.shape[:1]:
            raise ValueError(f"Patterns of shape {self.patterns.shape} but counts of shape {self.counts.shape}.")
        if np.any(self.counts <= 0):
            raise ValueError("Every pattern must occur at least once.")
        if len(self.inverse) not in (0, self.n):
            raise ValueError(f"Counts add up to {self.n} rows, but {len(self.inverse)} rows are mapped to patterns.")

    @classmethod
    def from_votes(cls, votes: npt.NDArray[np.integer[Any]]) -> VotePatterns:
        """Compress an ``(n, m)`` matrix of votes in [-1, k).

        Few voters and classes are counted in a table of all possible rows; otherwise rows are sorted.
        """
        if votes.ndim != 2:
            raise ValueError(f"Votes must have 2 dimensions, got shape {votes.shape}.")
        base = int(votes.max(initial=ABSTAIN)) + 2
        in_table = len(votes) >= _CHUNK and base ** votes.shape[1] <= _LARGEST_TABLE
        return cls(*(_count_in_table(votes, base) if in_table else _group(votes)))

    @cached_property
    def digest(self) -> str:
        """Digest of the votes on all rows."""
        digest = hashlib.blake2b(self.patterns.tobytes(), digest_size=20)
        digest.update(self.inverse.tobytes())
        return digest.hexdigest()

    @property
    def n(self) -> int:
        """Number of rows of the matrix."""
        return int(self.counts.sum())

    @property
    def m(self) -> int:
        """Number of voters."""
        return int(self.patterns.shape[1])

    @property
    def covered(self) -> npt.NDArray[np.bool_]:
        """Patterns in which at least one voter votes, shape (p,)."""
        covered: npt.NDArray[np.bool_] = np.any(self.patterns != ABSTAIN, axis=1)
        return covered

    def __len__(self) -> int:
        return len(self.patterns)

    def expand(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Gather values per pattern, shape (p, ...), into values per row, shape (n, ...)."""
        return values[self.inverse]

    def without_rows(self) -> VotePatterns:
        """Drop `inverse`, where rows are only counted."""
        return VotePatterns(self.patterns, self.counts, np.zeros(0, np.int32))

    def split(
        self, values: npt.NDArray[np.signedinteger]
    ) -> tuple[VotePatterns, npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Tell the rows of a pattern apart by an integer.

        Parameters
        ----------
        values : ndarray of int, shape (n,)
            Of each row; few different ones.

        Returns
        -------
        VotePatterns, ndarray of int64, shape (q,), ndarray of int64, shape (q,)
            Patterns and values that occur together, in their order: a pattern is there once for each of its values;
            which pattern it was; its value.
        """
        lowest = int(values.min(initial=0))
        base = int(values.max(initial=0)) - lowest + 1
        codes = self.inverse.astype(np.int64)
        codes *= base
        codes += values
        codes -= lowest
        counts = np.bincount(codes, minlength=len(self) * base)
        found = np.flatnonzero(counts)
        rank = np.zeros(len(counts), np.int32)
        rank[found] = np.arange(len(found))
        old, value = np.divmod(found, base)
        return VotePatterns(self.patterns[old], counts[found], rank[codes]), old, value + lowest

    def of_voters(self, columns: Sequence[int]) -> VotePatterns:
        """Count the patterns of some of the voters; rows are only counted then."""
        patterns, _, inverse = _group(self.patterns[:, columns])
        counts = np.bincount(inverse, self.counts, minlength=len(patterns)).astype(np.int64)
        return VotePatterns(patterns, counts, np.zeros(0, np.int32))


def _count_in_table(
    votes: npt.NDArray[np.integer[Any]], base: int
) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.int64], npt.NDArray[np.int32]]:
    """Group rows without sorting them: every possible row, read as a number, is an index of a table."""
    n, m = votes.shape
    radix = base ** np.arange(m - 1, -1, -1)
    weights = radix.astype(np.float64)  # a product of floats, exact below 2**53, is the fastest way to the codes
    inverse = np.empty(n, np.int32)
    seen = np.zeros(base**m, np.bool_)
    chunks = [slice(start, start + _CHUNK // 8) for start in range(0, n, _CHUNK // 8)]
    for chunk in chunks:
        inverse[chunk] = votes[chunk].astype(np.float64) @ weights + weights.sum()
        seen[inverse[chunk]] = True
    codes = np.flatnonzero(seen)
    rank = np.zeros(base**m, np.int32)
    rank[codes] = np.arange(len(codes), dtype=np.int32)
    counts = np.zeros(len(codes), np.int64)
    for chunk in chunks:
        inverse[chunk] = rank[inverse[chunk]]
        counts += np.bincount(inverse[chunk], minlength=len(codes))
    return (codes[:, np.newaxis] // radix % base - 1).astype(np.int16), counts, inverse


def _group(
    rows: npt.NDArray[np.integer[Any]],
) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.int64], npt.NDArray[np.int32]]:
    """Sort and count the distinct rows: patterns (p, m), counts (p,), inverse (n,)."""
    codes, inverse, counts = np.unique(_row_codes(rows), return_inverse=True, return_counts=True)
    sample = np.zeros(len(codes), np.int64)
    sample[inverse] = np.arange(len(rows))  # any row of a pattern shows the pattern
    return rows[sample].astype(np.int16), counts.astype(np.int64), inverse.astype(np.int32)


def _row_codes(rows: npt.NDArray[np.integer[Any]]) -> npt.NDArray[np.int64]:
    """Write each row as one number whose order is the rows' lexicographic order.

    The digits are the votes plus one. Where the number would outgrow 62 bits (68 voters on 6 classes need 191), the
    codes so far are replaced by their ranks, which keeps order and equality and makes room for more digits.
    """
    codes = np.zeros(len(rows), np.int64)
    if not len(rows):
        return codes
    bound = 1
    for column in rows.T:
        base = int(column.max()) + 2
        if bound * base > _LARGEST_CODE:
            ranks, codes = np.unique(codes, return_inverse=True)
            bound = len(ranks)
        codes *= base
        codes += column
        codes += 1
        bound *= base
    return codes


def indicators(votes: npt.NDArray[np.int16], k: int) -> npt.NDArray[np.float64]:
    """One-hot votes, shape (p, m * k): column ``j * k + c`` is 1 where voter `j` votes class `c`; abstentions are 0."""
    hot = votes[:, :, np.newaxis] == np.arange(k, dtype=np.int16)
    flat: npt.NDArray[np.float64] = hot.reshape(len(votes), votes.shape[1] * k).astype(np.float64)
    return flat


def one_hot_outcomes(table: VotePatterns, k: int) -> csr_array:
    """One-hot votes, abstentions included, sparse, shape (p, m * (k + 1)): column ``j * (k + 1)`` is "j abstains"."""
    from scipy.sparse import csr_array

    columns = table.patterns.astype(np.int32) + 1 + np.arange(table.m, dtype=np.int32) * (k + 1)
    starts = np.arange(len(table) + 1) * table.m
    shape = (len(table), table.m * (k + 1))
    return csr_array((np.ones(columns.size), columns.reshape(-1), starts), shape=shape)


def cooccurrence(table: VotePatterns, k: int) -> npt.NDArray[np.float64]:
    """Count on how many rows voter `i` votes `a` while voter `j` votes `b`.

    Parameters
    ----------
    table : VotePatterns
        The votes.
    k : int
        Number of classes.

    Returns
    -------
    ndarray of float64, shape (m, k, m, k)
        Exact integers.
    """
    total = np.zeros((table.m * k, table.m * k))
    for start in range(0, len(table), _CHUNK // 4):
        chunk = slice(start, start + _CHUNK // 4)
        hot = indicators(table.patterns[chunk], k)
        total += hot.T @ (hot * table.counts[chunk, np.newaxis])
    return total.reshape(table.m, k, table.m, k)
