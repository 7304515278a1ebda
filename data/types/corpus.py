"""The reviews of a run: read once, unique texts voted on once, votes scattered back."""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import polars as pl

from ..text.content import has_content
from ..text.normalize import TOKEN, fold_words, normalize, readable
from ..text.parallel import map_chunks
from .label_space import ABSTAIN


@dataclass(frozen=True, eq=False)
class Words:
    """The folded words and marks of n texts, as indices into one vocabulary (a ragged array).

    Parameters
    ----------
    vocabulary : tuple[str, ...]
        The v distinct folded tokens, sorted.
    codes : ndarray of int32, shape (t,)
        The tokens of all texts, one text after another.
    offsets : ndarray of int64, shape (n + 1,)
        Text i owns ``codes[offsets[i]:offsets[i + 1]]``.
    """

    vocabulary: tuple[str, ...]
    codes: npt.NDArray[np.int32]
    offsets: npt.NDArray[np.int64]

    @classmethod
    def from_texts(cls, normalized: pl.Series) -> Words:
        """Tokenise normalised texts and fold each distinct token once."""
        tokens = map_chunks(normalized, pl.first().str.extract_all(TOKEN))
        lengths = tokens.list.len().to_numpy()
        offsets = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
        flat = tokens.filter(tokens.list.len() > 0).explode()
        surface = flat.unique()
        folded = pl.Series(fold_words(surface), dtype=pl.String)
        vocabulary = folded.unique().sort()
        return cls(tuple(vocabulary), _codes(folded, vocabulary)[_codes(flat, surface)], offsets)

    @cached_property
    def rows(self) -> npt.NDArray[np.int32]:
        """The text each token belongs to, shape (t,)."""
        return np.repeat(np.arange(len(self.offsets) - 1, dtype=np.int32), np.diff(self.offsets))

    @cached_property
    def is_word(self) -> npt.NDArray[np.bool_]:
        """Which tokens are words of letters or digits, not marks; shape (t,)."""
        tokens = pl.Series(self.vocabulary, dtype=pl.String)
        return tokens.str.contains(r"^[\p{L}\p{N}]").to_numpy()[self.codes]

    def codes_of(self, tokens: Iterable[str]) -> list[int]:
        """Return the codes of those of the (folded) tokens that occur."""
        found = ((bisect_left(self.vocabulary, token), token) for token in tokens)
        return [code for code, token in found if self.vocabulary[code : code + 1] == (token,)]

    @cached_property
    def counts(self) -> npt.NDArray[np.int64]:
        """Words of letters or digits in each text, shape (n,)."""
        return np.bincount(self.rows[self.is_word], minlength=len(self.offsets) - 1)


@dataclass(frozen=True, eq=False)
class Corpus:
    """n reviews with unique ids.

    Parameters
    ----------
    ids : Series or sequence of str, length n
        Unique.
    texts : Series or sequence of str, length n
        The raw texts: emoji and punctuation matter.
    columns : DataFrame of n rows, optional
        The other columns of the input (rating, date, ...).
    gold : ndarray of int16, shape (n,), optional
        Gold class indices, -1 where there is none.

    Raises
    ------
    ValueError
        If lengths differ, an id repeats, or gold is below -1.
    """

    ids: pl.Series
    texts: pl.Series
    columns: pl.DataFrame | None = None
    gold: npt.NDArray[np.int16] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "ids", _strings("id", self.ids))
        object.__setattr__(self, "texts", _strings("text", self.texts))
        if len(self.texts) != len(self.ids):
            raise ValueError(f"{len(self.ids)} ids but {len(self.texts)} texts.")
        if self.columns is not None and len(self.columns) != len(self.ids):
            raise ValueError(f"{len(self.ids)} ids but {len(self.columns)} rows of other columns.")
        if self.ids.n_unique() < len(self.ids):
            raise ValueError(f"Ids must be unique; '{self.ids.filter(self.ids.is_duplicated())[0]}' repeats.")
        if self.gold is not None:
            object.__setattr__(self, "gold", np.asarray(self.gold, dtype=np.int16))
            if self.gold.shape != (len(self.ids),) or (len(self.gold) and self.gold.min() < ABSTAIN):
                raise ValueError(f"Gold must have shape ({len(self.ids)},) and values in [-1, k).")

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def unique(self) -> UniqueTexts:
        """The distinct texts and where each row finds its own."""
        return UniqueTexts.from_texts(self.texts)


@dataclass(frozen=True, eq=False)
class UniqueTexts:
    """The distinct raw texts of a corpus, sorted, with what voters derive from them once.

    Sorted, so that nothing computed from them depends on the order of the rows.

    Parameters
    ----------
    texts : Series of str, length u
    inverse : ndarray of int32, shape (n,)
        ``texts[inverse]`` are the corpus's texts.
    """

    texts: pl.Series
    inverse: npt.NDArray[np.int32]

    @classmethod
    def from_texts(cls, texts: pl.Series) -> UniqueTexts:
        """Find the distinct texts."""
        unique = texts.unique().sort()
        return cls(unique, _codes(texts, unique))

    def __len__(self) -> int:
        return len(self.texts)

    @cached_property
    def counts(self) -> npt.NDArray[np.int64]:
        """How many rows have each distinct text, shape (u,)."""
        return np.bincount(self.inverse, minlength=len(self.texts))

    @cached_property
    def has_content(self) -> npt.NDArray[np.bool_]:
        """Which distinct texts have content, shape (u,); see `content.has_content`."""
        return has_content(self.texts)

    @cached_property
    def readable(self) -> pl.Series:
        """The texts as a reader sees them, for models; length u."""
        return readable(self.texts)

    @cached_property
    def normalized(self) -> pl.Series:
        """NFC, case-folded, single-spaced texts, length u."""
        return normalize(self.texts)

    @cached_property
    def words(self) -> Words:
        """The folded words of the distinct texts."""
        return Words.from_texts(self.normalized)


def _codes(values: pl.Series, categories: pl.Series) -> npt.NDArray[np.int32]:
    """Position of each value among the distinct `categories`."""
    if not len(values):
        return np.zeros(0, np.int32)
    return values.cast(pl.Enum(categories)).to_physical().to_numpy().astype(np.int32)


class SeriesDigest:
    """Digest of strings in order, the same in every process and version, however they are parted."""

    def __init__(self) -> None:
        self._lengths = hashlib.blake2b(digest_size=16)
        self._bytes = hashlib.blake2b(digest_size=16)

    def update(self, values: pl.Series) -> None:
        """Add the next strings."""
        self._lengths.update(np.asarray(values.str.len_bytes().to_numpy(), dtype=np.int64).tobytes())
        for start in range(0, len(values), 100_000):  # in slices: ten million texts never stand in memory twice
            self._bytes.update("".join(values.slice(start, 100_000).to_list()).encode())

    def hexdigest(self) -> str:
        """Return the digest of all strings so far."""
        return hashlib.blake2b(self._lengths.digest() + self._bytes.digest(), digest_size=16).hexdigest()


def digest_series(values: pl.Series) -> str:
    """Return the `SeriesDigest` of strings."""
    digest = SeriesDigest()
    digest.update(values)
    return digest.hexdigest()


def as_strings(column: pl.Series) -> pl.Series:
    """Write any column as strings, different ones for different values."""
    if column.dtype.is_nested() or column.dtype in (pl.Binary, pl.Object):
        return pl.Series([repr(value) for value in column.to_list()], dtype=pl.String)
    return column.cast(pl.String, strict=False).fill_null("\0")


def _strings(what: str, values: pl.Series | Sequence[str]) -> pl.Series:
    series = values if isinstance(values, pl.Series) else pl.Series(list(values), dtype=pl.String)
    if series.dtype != pl.String or series.null_count():
        raise ValueError(f"Every {what} must be a string, found {series.dtype} with {series.null_count()} nulls.")
    return series.alias(what)
