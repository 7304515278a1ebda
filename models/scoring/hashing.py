"""Counting character and word n-grams by their hashes: as scikit-learn's HashingVectorizer, without its import."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

Ints = npt.NDArray[np.int64]
Pieces: TypeAlias = "tuple[npt.NDArray[np.uint8], Ints, Ints, Ints]"
"""Bytes, and of each piece of them the number of its string, where it begins and where it ends."""

HASHES = 2**20
_CHUNK = 8_192  # strings at a time: bounds memory
_SIZES = range(2, 6)  # characters
_BYTES_OF_TAIL = np.array([0, 0xFF, 0xFFFF, 0xFFFFFF], np.uint32)


def count_character_ngrams(words: Sequence[str]) -> csr_matrix:
    """Count the n-grams of two to five characters of words between spaces; float32, shape (n, HASHES)."""
    return _counted(words, _characters)


def count_word_ngrams(texts: Sequence[str]) -> csr_matrix:
    """Count words and pairs of words; float32, shape (n, HASHES)."""
    return _counted(texts, _words)


def _counted(strings: Sequence[str], pieces_of: Callable[[Sequence[str]], Pieces]) -> csr_matrix:
    from scipy.sparse import csr_matrix, vstack

    parts = []
    for first in range(0, max(len(strings), 1), _CHUNK):
        some = strings[first : first + _CHUNK]
        data, rows, starts, ends = pieces_of(some)
        columns = np.abs(murmur3(data, starts, ends - starts).view(np.int32).astype(np.int64)) % HASHES
        ones = np.ones(len(rows), np.float32)
        parts.append(csr_matrix((ones, (rows, columns)), shape=(len(some), HASHES)))
    return vstack(parts, format="csr")


def _characters(words: Sequence[str]) -> Pieces:
    data = _encoded(f" {word} " for word in words)
    sizes = np.array([len(word) + 2 for word in words], np.int64)
    rows, ends = np.repeat(np.arange(len(words)), sizes), np.repeat(np.cumsum(sizes), sizes)
    begin = np.flatnonzero((data & 0xC0) != 0x80)  # where characters begin in UTF-8
    found = [np.flatnonzero(np.arange(len(rows)) + size <= ends) for size in _SIZES]
    firsts, lasts = np.concatenate(found), np.concatenate([f + n for f, n in zip(found, _SIZES, strict=True)])
    return data, rows[firsts], begin[firsts], begin[lasts]


def _words(texts: Sequence[str]) -> Pieces:
    words = [text.split() for text in texts]
    data = _encoded(f"{word} " for word in chain.from_iterable(words))
    rows, ends = np.repeat(np.arange(len(texts)), [len(each) for each in words]), np.flatnonzero(data == ord(" "))
    starts, pairs = np.append(0, ends + 1)[:-1], np.flatnonzero(rows[1:] == rows[:-1])
    return data, np.append(rows, rows[pairs]), np.append(starts, starts[pairs]), np.append(ends, ends[pairs + 1])


def _encoded(parts: Iterable[str]) -> npt.NDArray[np.uint8]:
    """Join strings, with three bytes more at the end, each of which looks like a character."""
    return np.frombuffer("".join(parts).encode() + b"\0\0\0", np.uint8)


def murmur3(data: npt.NDArray[np.uint8], starts: Ints, sizes: Ints) -> npt.NDArray[np.uint32]:
    """Hash m pieces of some bytes by MurmurHash3 (Appleby 2011; x86, 32 bits, seed 0).

    Parameters
    ----------
    data : ndarray of uint8
        With three bytes more after the last piece.
    starts, sizes : ndarray of int64, shape (m,)

    Returns
    -------
    ndarray of uint32, shape (m,)
    """
    four = sum((data[i : len(data) - 3 + i].astype(np.uint32) << np.uint32(8 * i) for i in range(4)), np.uint32(0))
    four = np.append(four, np.uint32(0))
    hashes, left = np.zeros(len(starts), np.uint32), np.arange(len(starts))
    for block in range(int(sizes.max(initial=0)) // 4):
        left = left[sizes[left] >= 4 * block + 4]
        mixed = _rotated(hashes[left] ^ _scrambled(four[starts[left] + 4 * block]), 13)
        hashes[left] = mixed * np.uint32(5) + np.uint32(0xE6546B64)
    tail = sizes % 4
    hashes ^= _scrambled(four[starts + sizes - tail] & _BYTES_OF_TAIL[tail])
    hashes ^= sizes.astype(np.uint32)
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        hashes = (hashes ^ (hashes >> np.uint32(shift))) * np.uint32(factor)
    return hashes ^ (hashes >> np.uint32(16))


def _scrambled(block: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint32]:
    return _rotated(block * np.uint32(0xCC9E2D51), 15) * np.uint32(0x1B873593)


def _rotated(values: npt.NDArray[np.uint32], bits: int) -> npt.NDArray[np.uint32]:
    return (values << np.uint32(bits)) | (values >> np.uint32(32 - bits))
