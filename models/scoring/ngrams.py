"""Texts as weighted character and word n-grams."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

_HASHES = 2**20
_KINDS: tuple[tuple[int, dict[str, Any]], ...] = (
    (3, {"analyzer": "char_wb", "ngram_range": (2, 5)}),
    (2, {"analyzer": "word", "ngram_range": (1, 2), "token_pattern": r"\S+"}),
)
"""The least number of texts with an n-gram, and how it is cut: characters within words, and words."""


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
        return cls._of([_counts(texts, options) for _, options in _KINDS])

    @classmethod
    def fit_transform(cls, texts: Sequence[str]) -> tuple[NgramFeatures, csr_matrix]:
        """Return the same as `fit` and then `transform`, but count only once."""
        counts = [_counts(texts, options) for _, options in _KINDS]
        features = cls._of(counts)
        return features, features._weighted(counts)

    @classmethod
    def _of(cls, counts: Sequence[csr_matrix]) -> NgramFeatures:
        columns, idf = [], []
        for (minimum, _), each in zip(_KINDS, counts, strict=True):
            have = np.bincount(each.indices, minlength=_HASHES)
            columns.append(np.flatnonzero(have >= minimum))
            idf.append((np.log((1 + each.shape[0]) / (1 + have[columns[-1]])) + 1).astype(np.float32))
        return cls(tuple(columns), tuple(idf))

    def transform(self, texts: Sequence[str]) -> csr_matrix:
        """Return one row a text: for each kind (1 + log count) * idf, of unit length; float32, shape (n, d)."""
        return self._weighted([_counts(texts, options) for _, options in _KINDS])

    def _weighted(self, counts: Sequence[csr_matrix]) -> csr_matrix:
        from scipy.sparse import diags, hstack

        parts = []
        for each, columns, idf in zip(counts, self.columns, self.idf, strict=True):
            weighted = each[:, columns]
            weighted.data = (1 + np.log(weighted.data)) * idf[weighted.indices]
            lengths = np.sqrt(np.asarray(weighted.power(2).sum(axis=1)).ravel())
            parts.append(diags(1 / np.maximum(lengths, 1e-12)) @ weighted)
        return hstack(parts, format="csr", dtype=np.float32)


def _counts(texts: Sequence[str], options: dict[str, Any]) -> csr_matrix:
    """Count the n-grams of each text by their hashes; those within words once for each distinct word."""
    if options["analyzer"] == "word":
        return _hashed(texts, options)
    from scipy.sparse import csr_matrix

    codes = {"": 0}  # never none
    words = [[codes.setdefault(word, len(codes)) for word in text.split()] for text in texts]
    ends = np.cumsum([0, *map(len, words)])
    indices = np.fromiter(chain.from_iterable(words), np.int64, ends[-1])
    have = csr_matrix((np.ones(len(indices), np.float32), indices, ends), shape=(len(texts), len(codes)))
    counts = have @ _hashed(list(codes), options)
    counts.sort_indices()
    return counts


def _hashed(texts: Sequence[str], options: dict[str, Any]) -> csr_matrix:
    from sklearn.feature_extraction.text import HashingVectorizer

    hashing = HashingVectorizer(
        n_features=_HASHES, norm=None, alternate_sign=False, lowercase=False, dtype=np.float32, **options
    )
    return hashing.transform(texts)
