"""The distinct texts that students learn from: chosen and dealt out by hash, whatever the order of the rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from ...data.types.stored_corpus import StoredCorpus
from ...models.scoring.embedding_cache import text_keys

MAX_TEXTS = 200_000  # more teach n-gram models little, and memory must not grow with the rows,
MAX_CHARACTERS = 8_000_000  # nor with their length
FOLDS = 5


@dataclass(frozen=True, eq=False)
class DistinctTexts:
    """u distinct normalised texts and the votes on their rows.

    Parameters
    ----------
    normalized : Series of String, length u
        Ascending by hash.
    text, pattern, count : ndarray of int64, shape (v,)
        Vote pattern `pattern` is on `count` rows of text number `text`.
    """

    normalized: pl.Series
    text: npt.NDArray[np.int64]
    pattern: npt.NDArray[np.int64]
    count: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.normalized)

    @property
    def counts(self) -> npt.NDArray[np.float64]:
        """Rows of each text, shape (u,)."""
        return np.bincount(self.text, self.count, minlength=len(self)).astype(np.float64)

    def mean(self, by_pattern: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
        """Average values of patterns, shape (p, k), over the rows of each text; shape (u, k)."""
        columns = (np.bincount(self.text, self.count * c[self.pattern], minlength=len(self)) for c in by_pattern.T)
        return np.stack(list(columns), axis=1) / self.counts[:, np.newaxis]


def distinct_texts(
    corpus: StoredCorpus,
    pattern: npt.NDArray[np.integer],
    *,
    n_input: int,
    covered: npt.NDArray[np.bool_],
    limit: int = MAX_TEXTS,
    max_characters: int = MAX_CHARACTERS,
) -> DistinctTexts:
    """Collect distinct texts of the covered input rows; of too many, those with the smallest hashes.

    Parameters
    ----------
    corpus : StoredCorpus
        Its first `n_input` rows count.
    pattern : ndarray of int, shape (n,)
        Vote pattern of each row.
    n_input : int
    covered : ndarray of bool, shape (p,)
        Which patterns are covered.
    limit, max_characters : int
        Of the texts together.
    """
    kept, start = [_EMPTY], 0
    for number, size in enumerate(corpus.sizes):
        chunk, rows = corpus.chunk(number), pattern[start : min(start + size, n_input)]
        start += size
        unique = chunk.unique
        columns = {"normalized": unique.normalized, "key": _keys(unique.normalized)}
        frame = pl.DataFrame(columns)[unique.inverse[: len(rows)]].with_columns(pattern=pl.Series(rows, dtype=pl.Int64))
        kept.append(_counted(frame.filter(pl.Series(covered[rows])).with_columns(count=pl.lit(1, pl.Int64))))
        if sum(map(len, kept)) > 2 * limit or sum(map(_characters, kept)) > 2 * max_characters:
            kept = [_smallest(_counted(pl.concat(kept)), limit, max_characters)]
    found = _smallest(_counted(pl.concat(kept)), limit, max_characters).sort("key", "pattern")
    texts = found.group_by("key", maintain_order=True).agg(pl.col("normalized").first())
    text = found["key"].rle_id().cast(pl.Int64)
    return DistinctTexts(texts["normalized"], text.to_numpy(), found["pattern"].to_numpy(), found["count"].to_numpy())


def folds(normalized: pl.Series, *, seed: int) -> npt.NDArray[np.int64]:
    """Deal normalised texts out to folds, by their hash alone; shape (n,)."""
    return (_keys(f"{seed}:" + normalized) % np.uint64(FOLDS)).astype(np.int64)


_EMPTY = pl.DataFrame(schema={"key": pl.UInt64, "pattern": pl.Int64, "normalized": pl.String, "count": pl.Int64})


def _keys(texts: pl.Series) -> npt.NDArray[np.uint64]:
    """Hash texts to 8 bytes each."""
    return text_keys(texts.to_list()).view(np.uint64)[::2].copy()


def _counted(frame: pl.DataFrame) -> pl.DataFrame:
    """Add up the rows of equal text and pattern."""
    return frame.group_by("key", "pattern").agg(pl.col("normalized").first(), pl.col("count").sum())


def _smallest(frame: pl.DataFrame, limit: int, max_characters: int) -> pl.DataFrame:
    """Keep the texts with the smallest hashes."""
    texts = frame.group_by("key").agg(pl.col("normalized").first().str.len_chars().cast(pl.Int64)).sort("key")
    fitting = min(limit, int(texts["normalized"].cum_sum().search_sorted(max_characters, "right")))
    return frame if len(texts) <= fitting else frame.filter(pl.col("key") < texts["key"][fitting])


def _characters(frame: pl.DataFrame) -> int:
    return int(frame["normalized"].str.len_chars().sum())
