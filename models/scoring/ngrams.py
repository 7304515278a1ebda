"""Texts as weighted character and word n-grams."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from .hashing import HASHES, count_character_ngrams, count_word_ngrams

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

_BLOCK = 10_000  # texts that are counted at a time
_MIN_TEXTS = (3, 2)  # with an n-gram of characters within words, and of words


@dataclass(frozen=True, eq=False)
class NgramFeatures:
    """TF-IDF of hashed n-grams (Weinberger et al. 2009): no vocabulary to hold, and never an empty one.

    Parameters
    ----------
    columns : tuple of ndarray of int64
        For each kind of n-gram the hashes that are used.
    idf : tuple of ndarray of float32
        Their weights.
    """

    columns: tuple[npt.NDArray[np.int64], ...]
    idf: tuple[npt.NDArray[np.float32], ...]

    @classmethod
    def fit(cls, texts: Sequence[str]) -> NgramFeatures:
        """Find the n-grams that enough texts have."""
        return cls._of(map(_counts, _blocks(texts)), len(texts))

    @classmethod
    def fit_transform(cls, texts: Sequence[str]) -> tuple[NgramFeatures, csr_matrix]:
        """Return the same as `fit` and then `transform`, but count only once."""
        from scipy.sparse import vstack

        counts = [_counts(block) for block in _blocks(texts)]
        features = cls._of(counts, len(texts))
        rows = []
        while counts:  # each block is forgotten once it is weighted
            rows.append(features._weighted(counts.pop(0)))
        return features, vstack(rows, format="csr")

    @classmethod
    def _of(cls, counts: Iterable[Sequence[csr_matrix]], n: int) -> NgramFeatures:
        have = [np.zeros(HASHES, np.int64) for _ in _MIN_TEXTS]
        for block in counts:
            for total, each in zip(have, block, strict=True):
                total += np.bincount(each.indices, minlength=HASHES)
        columns = [np.flatnonzero(total >= minimum) for minimum, total in zip(_MIN_TEXTS, have, strict=True)]
        idf = [np.log((1 + n) / (1 + total[kept])) + 1 for total, kept in zip(have, columns, strict=True)]
        return cls(tuple(columns), tuple(each.astype(np.float32) for each in idf))

    def transform(self, texts: Sequence[str]) -> csr_matrix:
        """Return one row a text: for each kind (1 + log count) * idf, of unit length; float32, shape (n, d)."""
        return self._weighted(_counts(texts))

    def _weighted(self, counts: Sequence[csr_matrix]) -> csr_matrix:
        from scipy.sparse import diags, hstack

        parts = []
        for each, columns, idf in zip(counts, self.columns, self.idf, strict=True):
            weighted = each[:, columns]
            weighted.data = (1 + np.log(weighted.data)) * idf[weighted.indices]
            lengths = np.sqrt(np.asarray(weighted.power(2).sum(axis=1)).ravel())
            parts.append(diags(1 / np.maximum(lengths, 1e-12)) @ weighted)
        return hstack(parts, format="csr", dtype=np.float32)


def _blocks(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    """Cut texts into blocks, which bound the memory; there is at least one."""
    return (texts[start : start + _BLOCK] for start in range(0, max(len(texts), 1), _BLOCK))


def _counts(texts: Sequence[str]) -> list[csr_matrix]:
    """Count the n-grams of each text by their hashes, a matrix for each kind."""
    return [_counts_within_words(texts), count_word_ngrams(texts)]


def _counts_within_words(texts: Sequence[str]) -> csr_matrix:
    """Count the n-grams of characters, those of a distinct word once."""
    from scipy.sparse import csr_matrix

    codes = {"": 0}  # never none
    words = [[codes.setdefault(word, len(codes)) for word in text.split()] for text in texts]
    ends = np.cumsum([0, *map(len, words)])
    indices = np.fromiter(chain.from_iterable(words), np.int64, ends[-1])
    have = csr_matrix((np.ones(len(indices), np.float32), indices, ends), shape=(len(texts), len(codes)))
    counts = have @ count_character_ngrams(list(codes))
    counts.sort_indices()
    return counts
