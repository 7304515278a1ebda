"""The corpus of a run: the user's reviews, then the gold rows that are not among them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from ..data.corpus import Corpus
from ..data.gold import GoldTable, match_gold
from ..data.label_space import ABSTAIN
from ..data.tables import Table


@dataclass(frozen=True, eq=False)
class Reviews:
    """What a run votes on.

    Gold rows that are not in the input are voted on with it, so that voters can be checked on them, but never become
    weak labels.

    Parameters
    ----------
    corpus : Corpus
        The n input rows, then the gold rows that are not among them; `corpus.gold` says what is known.
    n_input : int
        Number of input rows.
    unusable_gold : int
        Gold rows that are not in the input and have no text to vote on.
    gold_weights : ndarray of float64, shape of the corpus, optional
        How much each gold row counts; 1 elsewhere.
    """

    corpus: Corpus
    n_input: int
    unusable_gold: int = 0
    gold_weights: npt.NDArray[np.float64] | None = None

    @classmethod
    def combine(cls, table: Table, gold: GoldTable | None) -> Reviews:
        """Match gold rows with the input and append the others."""
        ids, texts = table.frame["id"], table.frame["text"]
        columns = table.frame.drop("id", "text") if table.frame.width > 2 else None
        if gold is None:
            return cls(Corpus(ids, texts, columns), len(ids))
        match = match_gold(gold, ids, texts)
        extra = gold.frame[match.missing.tolist()].with_row_index("row")
        usable = extra.filter(pl.col("text").str.strip_chars().str.len_bytes() > 0).unique("text", keep="first")
        usable = usable.sort("row")
        fresh_ids = _fresh_ids(usable["id"], ids)
        labels = np.concatenate([match.labels, usable["label"].to_numpy().astype(np.int16)])
        corpus = Corpus(
            pl.concat([ids, fresh_ids]),
            pl.concat([texts, usable["text"].alias("text")]),
            None if columns is None else pl.concat([columns, columns.clear(len(usable))]),
            labels,
        )
        known = np.ones(len(ids))
        known[match.positions] = gold.frame["weight"].to_numpy()[match.rows]
        weights = np.concatenate([known, usable["weight"].to_numpy()])
        without_text = int(extra["text"].fill_null("").str.strip_chars().eq("").sum())
        return cls(corpus, len(ids), without_text, weights)

    @property
    def n_gold(self) -> int:
        """Rows with a gold label."""
        return 0 if self.corpus.gold is None else int((self.corpus.gold != ABSTAIN).sum())


def _fresh_ids(wanted: pl.Series, taken: pl.Series) -> pl.Series:
    """Ids for appended rows: their own, with a prefix where they have none or it is taken."""
    used = set(taken)
    fresh: list[str] = []
    for i, name in enumerate(wanted):
        candidate = name if name is not None and name not in used else f"gold:{name if name is not None else i}"
        while candidate in used:
            candidate += "'"
        used.add(candidate)
        fresh.append(candidate)
    return pl.Series("id", fresh, dtype=pl.String)
