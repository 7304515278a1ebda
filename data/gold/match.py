"""Finding hand-labelled rows in a corpus."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from ..errors import InputError
from ..text.escaping import unescape_texts
from ..types.label_space import ABSTAIN
from .gold_rows import INCLUSION, GoldTable


@dataclass(frozen=True, eq=False)
class GoldMatch:
    """Which corpus rows have a gold label.

    Parameters
    ----------
    rows : ndarray of int64, shape (p,)
        Row of the gold table, for each match.
    positions : ndarray of int64, shape (p,)
        Row of the corpus, for each match; ascending and unique.
    labels : ndarray of int16, shape (n,)
        Class index of each corpus row, -1 where there is no gold label.
    missing : ndarray of int64
        Rows of the gold table that are not in the corpus.
    """

    rows: npt.NDArray[np.int64]
    positions: npt.NDArray[np.int64]
    labels: npt.NDArray[np.int16]
    missing: npt.NDArray[np.int64]

    def weights(self, gold: GoldTable) -> npt.NDArray[np.float64]:
        """How much each match counts, shape (p,).

        A drawn row stands for all reviews with its text; where it was found by its text, they share its weight.
        """
        found: npt.NDArray[np.float64] = gold.frame["weight"].to_numpy()[self.rows]
        drawn = gold.frame[INCLUSION].is_not_null().to_numpy()[self.rows]
        return np.where(drawn, found / np.bincount(self.rows)[self.rows], found) if len(found) else found


def match_gold(gold: GoldTable, ids: Sequence[str] | pl.Series, texts: Sequence[str] | pl.Series) -> GoldMatch:
    """Find gold rows in a corpus: by id if the texts agree as well, else by text (all rows with that text).

    Parameters
    ----------
    gold : GoldTable
        The labelled rows.
    ids, texts : sequence of str, length n
        The corpus.

    Raises
    ------
    InputError
        If two gold rows with different labels both match one corpus row.
    """
    matcher = GoldMatcher(gold)
    matcher.add(ids, texts)
    return matcher.match()


class GoldMatcher:
    """`match_gold` for a corpus that comes chunk by chunk; held are the matching rows only."""

    def __init__(self, gold: GoldTable) -> None:
        self._gold = gold
        row = pl.int_range(pl.len(), dtype=pl.Int64).alias("row")
        self._wanted = gold.frame.select(row, _key("id"), _key("text"), "label")
        self._n = 0
        empty = self._wanted.select("row", pl.col("row").alias("position"), "label").clear()
        self._by_id, self._by_text = [empty], [empty]

    def add(self, ids: Sequence[str] | pl.Series, texts: Sequence[str] | pl.Series) -> None:
        """Look at the next rows of the corpus."""
        position = pl.int_range(self._n, self._n + pl.len(), dtype=pl.Int64).alias("position")
        corpus = pl.DataFrame({"id": ids, "text": texts}, {"id": pl.String, "text": pl.String})
        corpus = corpus.select(position, _key("id"), _key("text"))
        by_id = self._wanted.join(corpus, on="id", suffix="_corpus").filter(
            pl.col("text").is_null() | (pl.col("text") == pl.col("text_corpus"))
        )
        self._by_id.append(by_id.select("row", "position", "label"))
        self._by_text.append(self._wanted.join(corpus, on="text").select("row", "position", "label"))
        self._n += len(ids)

    def match(self) -> GoldMatch:
        """Return what was found.

        Raises
        ------
        InputError
            If two gold rows with different labels both match one corpus row.
        """
        by_id = pl.concat(self._by_id).sort("position", "row")
        by_text = pl.concat(self._by_text).sort("position", "row").join(by_id, on="row", how="anti")
        pairs = pl.concat([by_id, by_text.join(by_id, on="position", how="anti", maintain_order="left")])
        self._check(pairs)
        pairs = pairs.unique("position", keep="first", maintain_order=True).sort("position")
        labels = np.full(self._n, ABSTAIN, dtype=np.int16)
        labels[pairs["position"].to_numpy()] = pairs["label"].to_numpy()
        found = pl.concat([by_id["row"], by_text["row"]])
        missing = self._wanted.filter(~pl.col("row").is_in(found.implode()))["row"]
        return GoldMatch(pairs["row"].to_numpy(), pairs["position"].to_numpy(), labels, missing.to_numpy())

    def _check(self, pairs: pl.DataFrame) -> None:
        clashing = pairs.filter(pl.col("label").n_unique().over("position") > 1).sort("position", "row")
        if len(clashing):
            rows = clashing.filter(pl.col("position") == clashing["position"][0])["row"]
            # Rows that share an id never disagree, so one of these was found by its text.
            text = self._wanted["text"].gather(rows).drop_nulls()[0]
            raise InputError(
                f"{self._gold.source} gives two labels to one review: '{text[:80]}'.", hint="Keep one of them."
            )


def _key(name: str) -> pl.Expr:
    """Compare without spaces around, and without the apostrophe of a CSV that this program wrote."""
    return unescape_texts(pl.col(name).str.strip_chars())
