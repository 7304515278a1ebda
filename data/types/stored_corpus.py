"""A corpus on disk, read chunk by chunk as often as it is needed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from .corpus import Corpus, SeriesDigest, as_strings


@dataclass(frozen=True, eq=False)
class StoredCorpus:
    """The rows of a run's ``corpus.parquet``; only a corpus of one chunk is held in memory.

    Parameters
    ----------
    path : Path
        Columns id, text, then all others.
    sizes : tuple of int
        Rows of each chunk.
    column_names : tuple of str
        The other columns.
    digest, ids_digest : str
        `SeriesDigest` of texts and ids.
    """

    path: Path
    sizes: tuple[int, ...]
    column_names: tuple[str, ...]
    digest: str
    ids_digest: str

    def __len__(self) -> int:
        return sum(self.sizes)

    def chunk(self, number: int) -> Corpus:
        """Return the rows of a chunk; a single one stays in memory."""
        return self._only if len(self.sizes) == 1 else self._corpus(number)

    def chunk_ids(self, number: int) -> pl.Series:
        """Return the ids of a chunk."""
        return self._read(self._starts[number], self.sizes[number], ("id",))["id"]

    def frames(self, *columns: str) -> Iterator[pl.DataFrame]:
        """Yield columns of the rows in order, chunk by chunk."""
        for start, size in zip(self._starts, self.sizes, strict=True):
            yield self._read(start, size, columns)

    def take(self, rows: npt.NDArray[np.integer]) -> pl.DataFrame:
        """Gather ids and texts of rows, in their order; only the chunks they lie in are read."""
        order = np.argsort(rows, kind="stable")
        ordered = np.asarray(rows)[order]
        found = [self._read(0, 0, ("id", "text"))]
        for start, size in zip(self._starts, self.sizes, strict=True):
            first, end = np.searchsorted(ordered, [start, start + size])
            if end > first:
                found.append(self._read(start, size, ("id", "text"))[ordered[first:end] - start])
        back = np.empty(len(order), np.int64)
        back[order] = np.arange(len(order))
        return pl.concat(found)[back]

    def column_digest(self, name: str) -> str:
        """Digest of one of the other columns, computed once for all voters that read it."""
        if name not in self._column_digests:
            digest = SeriesDigest()
            for frame in self.frames(name):
                digest.update(as_strings(frame[name]))
            self._column_digests[name] = digest.hexdigest()
        return self._column_digests[name]

    @cached_property
    def copies(self) -> TextCopies:
        """Which rows have the same text."""
        return TextCopies.from_texts(frame["text"] for frame in self.frames("text"))

    @cached_property
    def _column_digests(self) -> dict[str, str]:
        return {}

    @cached_property
    def _starts(self) -> list[int]:
        return list(accumulate(self.sizes[:-1], initial=0))

    @cached_property
    def _only(self) -> Corpus:
        return self._corpus(0)

    def _corpus(self, number: int) -> Corpus:
        frame = self._read(self._starts[number], self.sizes[number], ("id", "text", *self.column_names))
        return Corpus(frame["id"], frame["text"], frame.drop("id", "text") if frame.width > 2 else None)

    def _read(self, start: int, size: int, columns: Iterable[str]) -> pl.DataFrame:
        scan = pl.scan_parquet(self.path, glob=False, hive_partitioning=False)
        return scan.slice(start, size).select(*columns).collect()


@dataclass(frozen=True, eq=False)
class TextCopies:
    """Which rows have the same text, by 8-byte digests; among a million texts two share one with a chance of 3e-8.

    Parameters
    ----------
    keys : ndarray of uint64, shape (u,)
        Digest of each distinct text, ascending.
    first : ndarray of int64, shape (u,)
        The first row with each text.
    inverse : ndarray of int32, shape (n,)
        The text of each row.
    counts : ndarray of int64, shape (u,)
        How many rows have each text.
    """

    keys: npt.NDArray[np.uint64]
    first: npt.NDArray[np.int64]
    inverse: npt.NDArray[np.int32]
    counts: npt.NDArray[np.int64]

    @classmethod
    def from_texts(cls, chunks: Iterable[pl.Series]) -> TextCopies:
        """Compare the texts of all chunks."""
        empty = np.zeros(0, np.uint64)
        digests = np.concatenate([empty, *map(_digests, chunks)])
        keys, first, inverse, counts = np.unique(digests, return_index=True, return_inverse=True, return_counts=True)
        return cls(keys, first, inverse.astype(np.int32), counts)

    def __len__(self) -> int:
        return len(self.keys)


def _digests(texts: pl.Series) -> npt.NDArray[np.uint64]:
    raw = b"".join(hashlib.blake2b(text.encode(), digest_size=8).digest() for text in texts)
    return np.frombuffer(raw, ">u8").astype(np.uint64)
