"""Characteristic terms: words over-represented in them, topics, and how it went month by month."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from ...data.text.normalize import normalize
from ...labeling.text.log_odds import log_odds_z

_MAX_ROWS = 100_000
_WORDS = 15  # per class
_STEM = 6  # letters: endings of Kazakh and Russian words are long, stems differ in their beginnings
_MIN_LETTERS = 3
_MIN_REVIEWS = 5
_MIN_Z = 2.0  # standard errors
_MIN_FOR_TOPICS = 60
_TOPICS = 6
_TOPIC_WORDS = 150
_WORDS_OF_TOPIC = 5


@dataclass(frozen=True)
class Word:
    """A word that is typical of a class.

    Parameters
    ----------
    word : str
        As it is most often written, in folded spelling.
    reviews : int
        Reviews of the class that have it.
    share, share_elsewhere : float
        Of the reviews of the class, and of all others.
    z : float
        How sure it is that the word is over-represented, in standard errors.
    example : str
        A review that has it.
    """

    word: str
    reviews: int
    share: float
    share_elsewhere: float
    z: float
    example: str


@dataclass(frozen=True)
class Topic:
    """Words that come together in the reviews of a class.

    Parameters
    ----------
    words : tuple of str
    reviews : int
        Reviews of the class in which this topic is the strongest.
    example : str
        The review that is most about it.
    """

    words: tuple[str, ...]
    reviews: int
    example: str


@dataclass(frozen=True)
class Month:
    """The labels of one month.

    Parameters
    ----------
    month : str
        ``2025-03``.
    reviews : int
        Labelled reviews.
    counts : dict of str to int
        Per class.
    """

    month: str
    reviews: int
    counts: dict[str, int]


@dataclass(frozen=True, eq=False)
class CharacteristicTerms:
    """Frequent words and topics of each class.

    Parameters
    ----------
    words : dict of str to list of Word
        By class, the most confident first.
    topics : dict of str to list of Topic
        By class, the most frequent first.
    months : list of Month
        In order; empty without a column of dates.
    """

    words: dict[str, list[Word]]
    topics: dict[str, list[Topic]]
    months: list[Month]


def characteristic_terms(
    rows: pl.DataFrame, classes: Sequence[str], *, dates: pl.Series | None = None
) -> CharacteristicTerms:
    """Find words and topics that are over-represented in the reviews of each class.

    Words with the same first six letters count as one, once per review. How typical a word is, is measured by its
    weighted log-odds ratio with an informative Dirichlet prior (Monroe, Colaresi and Quinn 2008, "Fightin' Words"),
    divided by its standard error. Topics are a non-negative factorisation of the typical words of a class.

    Parameters
    ----------
    rows : DataFrame
        text, label (null for none).
    classes : sequence of str
    dates : Series of Date, length n, optional
        One per row, null where unknown.
    """
    frame = rows.select("text", "label")
    months = [] if dates is None else _months(frame["label"], dates, classes)
    known = frame.filter(pl.col("label").is_not_null())
    known = known.sample(_MAX_ROWS, seed=0) if len(known) > _MAX_ROWS else known
    tokens = _tokens(known["text"])
    words, topics = {}, {}
    for name in classes:
        typical = _typical(tokens, (known["label"] == name).to_numpy())
        words[name] = [_word(row, known["text"]) for row in typical.head(_WORDS).iter_rows(named=True)]
        topics[name] = _topics(tokens, typical, known["text"])
    return CharacteristicTerms(words, topics, months)


def _tokens(texts: pl.Series) -> pl.DataFrame:
    """Words of all texts, each once per text: row, word, stem."""
    words = normalize(texts).str.extract_all(rf"\p{{L}}{{{_MIN_LETTERS},}}")
    return (
        pl.DataFrame({"row": np.arange(len(texts)), "word": words})
        .explode("word")
        .drop_nulls()
        .with_columns(pl.col("word").str.slice(0, _STEM).alias("stem"))
        .unique(["row", "stem"], keep="first", maintain_order=True)
    )


def _typical(tokens: pl.DataFrame, ours: npt.NDArray[np.bool_]) -> pl.DataFrame:
    """Over-represented stems: stem, word, reviews, share, share_elsewhere, z, row (one that has it)."""
    counted = (
        tokens.with_columns(pl.Series("ours", ours[tokens["row"].to_numpy()]))
        .group_by("stem")
        .agg(
            pl.col("ours").sum().cast(pl.Float64).alias("reviews"),
            (~pl.col("ours")).sum().cast(pl.Float64).alias("elsewhere"),
            pl.col("word").mode().sort().first(),
            pl.col("row").filter(pl.col("ours")).min(),
        )
    )
    here, there = counted["reviews"].to_numpy(), counted["elsewhere"].to_numpy()
    return (
        counted.with_columns(
            pl.Series("z", log_odds_z(here, there)),
            pl.Series("share", here / max(int(ours.sum()), 1)),
            pl.Series("share_elsewhere", there / max(int((~ours).sum()), 1)),
        )
        .filter((pl.col("z") > _MIN_Z) & (pl.col("reviews") >= _MIN_REVIEWS))
        .sort(["z", "stem"], descending=[True, False])
    )


def _word(row: dict[str, Any], texts: pl.Series) -> Word:
    shares = {name: row[name] for name in ("share", "share_elsewhere", "z")}
    return Word(row["word"], int(row["reviews"]), **shares, example=texts[row["row"]])


def _topics(tokens: pl.DataFrame, typical: pl.DataFrame, texts: pl.Series) -> list[Topic]:
    """Factorise the reviews that have at least two of the typical words of a class."""
    from scipy.sparse import csr_matrix
    from sklearn.decomposition import NMF
    from sklearn.exceptions import ConvergenceWarning

    stems = typical.head(_TOPIC_WORDS).select("stem", "word").with_row_index("column")
    cells = tokens.select("row", "stem").join(stems, on="stem", maintain_order="left")
    cells = cells.filter(pl.len().over("row") > 1)
    rows = cells["row"].unique().sort()
    if len(rows) < _MIN_FOR_TOPICS:
        return []
    places = np.searchsorted(rows.to_numpy(), cells["row"].to_numpy())
    matrix = csr_matrix((np.ones(len(cells)), (places, cells["column"].to_numpy())), (len(rows), len(stems)))
    matrix = matrix.multiply(1 / np.sqrt(np.maximum(matrix.sum(axis=0), 1))).tocsr()  # common words drown no topic
    model = NMF(min(_TOPICS, len(stems) // 2), init="nndsvd", max_iter=400, tol=1e-3, random_state=0)
    with warnings.catch_warnings(), np.errstate(invalid="ignore"):  # the error of a perfect fit rounds below zero
        warnings.simplefilter("ignore", ConvergenceWarning)  # a topic's third decimal does not matter
        about = model.fit_transform(matrix)
    strongest = about.argmax(axis=1)
    found = []
    for number, parts in enumerate(model.components_):
        members = np.flatnonzero((strongest == number) & (about[:, number] > 0))
        if len(members) < _MIN_REVIEWS:
            continue
        words = stems["word"].gather(np.argsort(-parts, kind="stable")[:_WORDS_OF_TOPIC])
        example = texts[int(rows[int(members[about[members, number].argmax()])])]
        found.append(Topic(tuple(words), len(members), example))
    return sorted(found, key=lambda topic: -topic.reviews)


def _months(labels: pl.Series, dates: pl.Series, classes: Sequence[str]) -> list[Month]:
    frame = pl.DataFrame({"label": labels, "month": dates.dt.strftime("%Y-%m")}).drop_nulls()
    table = frame.group_by("month").agg((pl.col("label") == name).sum().alias(name) for name in classes).sort("month")
    counts = ((row.pop("month"), row) for row in table.iter_rows(named=True))
    return [Month(month, sum(row.values()), row) for month, row in counts]
