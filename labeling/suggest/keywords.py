"""Words that the surely labelled reviews of a class favour and that no rule looks at yet.

How far a class favours a word is its weighted log-odds ratio with an informative Dirichlet prior, in standard errors
(Monroe, Colaresi & Quinn 2008, "Fightin' Words"). Of the words that stand out beyond chance (Benjamini & Hochberg 1995)
those are kept that make a good rule: nearly all reviews with them are of the class.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from ...data.types.corpus import Corpus
from ...data.types.label_space import LabelSpace
from ..text.languages import is_kazakh, word_language
from ..text.lexicon import Entry, match, parse_entry
from ..text.log_odds import log_odds_z
from ..voters.keyword import KeywordVoter
from ..voting.registry import Voter
from .rules import ruled_tokens
from .spelling import spellings, written_stem

# Words that hold a sentence together, as lexicon entries: they say nothing about a class. Negations are among them: the
# keyword voter knows what they do to other words.
_FUNCTION_WORDS = resources.files(__package__).joinpath("function_words.txt").read_text(encoding="utf-8").split()
_SURE = 0.8  # reviews labelled less surely say nothing about words
_MIN_REVIEWS = 6  # distinct reviews: fewer may all be about one product
_STEM = range(4, 13)  # letters of a stem; words of three letters are suggested whole
_FALSE = 0.01  # share of chance finds among the words that stand out
_DISSENT = 0.25  # share of a stem's words that may favour another class
_COVERED = 0.5  # share of a stem's words that rules may already look at
_PSEUDO = 5.0  # reviews without preference that are added to every word's, so that few reviews prove little
_EXAMPLES = 3
_FORMS = 4


@dataclass(frozen=True, eq=False)
class WeakReviews:
    """n distinct reviews with their weak labels.

    Parameters
    ----------
    corpus : Corpus
        The texts, distinct and sorted, so that they are its unique texts in the same order.
    probs : ndarray of float32, shape (n, k)
    ruled : ndarray of bool, shape (n,)
        Reviews on which some rule votes, and not only a model.
    disputed : ndarray of bool, shape (n,)
        Reviews on which voters disagree.
    """

    corpus: Corpus
    probs: npt.NDArray[np.float32]
    ruled: npt.NDArray[np.bool_]
    disputed: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Suggestion:
    """A lexicon entry that is worth adding.

    Parameters
    ----------
    label, language, entry : str
        Where it belongs and what to write.
    z : float
        How sure it is that the class favours the word, in standard errors.
    reviews : int
        Distinct reviews in which the entry would vote for the class.
    share : float
        Of these, labelled with the class: the mean of its probability.
    unruled, disputed : int
        Of these, reviews on which no rule votes yet, and on which voters disagree.
    forms : tuple of str
        The most frequent spellings it stands for.
    examples : tuple of str
        Reviews of the class; first those on which no rule votes yet.
    """

    label: str
    language: str
    entry: str
    z: float
    reviews: int
    share: float
    unruled: int
    disputed: int
    forms: tuple[str, ...]
    examples: tuple[str, ...]


def suggest_keywords(
    reviews: WeakReviews, labels: LabelSpace, rules: Sequence[Voter], *, most: int = 10
) -> dict[str, list[Suggestion]]:
    """Find lexicon entries that the rules lack.

    Parameters
    ----------
    reviews : WeakReviews
    labels : LabelSpace
    rules : sequence of Voter
        The keyword and regex voters there are.
    most : int
        Entries per class.

    Returns
    -------
    dict of str to list of Suggestion
        By class, the most confident first.
    """
    sure = reviews.probs.max(axis=1, initial=0) >= _SURE
    stems = _stems(reviews, sure, ruled_tokens(rules, reviews.corpus.unique))
    shares = reviews.probs[sure].mean(axis=0) if sure.any() else np.zeros(labels.k)
    found: dict[str, list[Suggestion]] = {}
    for k, name in enumerate(labels.names):
        found[name] = []
        for row in _candidates(stems, k, float(shares[k])):
            if len(found[name]) == most:
                break
            suggestion = _suggestion(reviews, labels, k, row)
            if suggestion and _shrunk(suggestion.share, suggestion.reviews, row["usual"]) >= row["needed"]:
                found[name].append(suggestion)
    return found


def _stems(reviews: WeakReviews, sure: npt.NDArray[np.bool_], ruled: npt.NDArray[np.bool_]) -> pl.DataFrame:
    """Count in how many surely labelled reviews of each class the words of each stem occur.

    Returns
    -------
    DataFrame
        stem, exact (a whole word), covered (share of its words that rules look at), in_k (reviews of class k) and
        against_k (reviews with a word that does not favour class k).
    """
    words, k = reviews.corpus.unique.words, reviews.probs.shape[1]
    ignored = ruled | match(words, [parse_entry(entry, 0) for entry in _FUNCTION_WORDS]).inside
    size = len(words.vocabulary)
    free = np.flatnonzero(~ignored & sure[words.rows])
    rows, codes = np.divmod(np.unique(words.rows[free].astype(np.int64) * size + words.codes[free]), max(size, 1))
    counts = np.stack([np.bincount(codes, reviews.probs[rows, c], size).astype(float) for c in range(k)], axis=1)
    totals, usual = counts.sum(axis=1), _usual(counts)
    favoured = _shrunk(counts / np.maximum(totals, 1e-9)[:, np.newaxis], totals[:, np.newaxis], usual)
    against = np.where(favoured < usual + (1 - usual) / 4, totals[:, np.newaxis], 0.0)
    vocabulary = pl.DataFrame(
        {"word": pl.Series(words.vocabulary, dtype=pl.String)}
        | {"total": np.bincount(words.codes, minlength=size), "ruled": np.bincount(words.codes[ruled], minlength=size)}
        | {f"in_{c}": counts[:, c] for c in range(k)}
        | {f"against_{c}": against[:, c] for c in range(k)}
    ).filter(pl.col("word").str.contains(r"^\p{L}{3,}$") & (pl.Series(totals) > 0))
    length = pl.col("word").str.len_chars()
    ends = pl.int_ranges(pl.min_horizontal(length, _STEM.start), pl.min_horizontal(length, _STEM.stop - 1) + 1)
    return (
        vocabulary.with_columns(ends.alias("end"), (length < _STEM.start).alias("exact"))
        .explode("end")
        .with_columns(pl.col("word").str.head(pl.col("end")).alias("stem"))
        .group_by("stem", "exact")
        .agg(pl.sum("total", "ruled", "^in_.*$", "^against_.*$"))
        .with_columns((pl.col("ruled") / pl.col("total")).alias("covered"))
    )


def _candidates(stems: pl.DataFrame, k: int, share: float) -> Iterator[dict[str, Any]]:
    """Yield stems that would make a good rule for class k, the most confident first, none the beginning of another.

    Of all beginnings of related words the one with the highest z is taken: it gathers as many inflected forms as
    agree. Its words must favour the same class, so a verb and its negated form (ұнады, ұнамады) are never merged.
    """
    from scipy.stats import false_discovery_control, norm

    counts = stems.select("^in_.*$").to_numpy()
    here, total = counts[:, k], counts.sum(axis=1)
    z = log_odds_z(here, total - here)
    often = np.flatnonzero(total >= _MIN_REVIEWS)
    adjusted = np.ones(len(stems))
    if len(often):
        adjusted[often] = false_discovery_control(norm.sf(z[often]))
    usual = _usual(counts)[k]
    # Half-way between the share of the class and certainty: rules that are right less often only add noise.
    needed = (1 + share) / 2
    good = (
        (adjusted <= _FALSE)
        & (stems["covered"].to_numpy() < _COVERED)
        & (stems[f"against_{k}"].to_numpy() <= _DISSENT * total)
        & (_shrunk(here / np.maximum(total, 1e-9), total, usual) >= needed)
    )
    ranked = stems.select("stem", "exact").with_columns(
        pl.Series("z", z), pl.lit(needed).alias("needed"), pl.lit(usual).alias("usual"), pl.Series("good", good)
    )
    order = pl.col("z").round(6), pl.col("stem").str.len_chars(), pl.col("stem")
    ranked = ranked.filter("good").sort(order, descending=[True, True, False])
    taken: list[str] = []
    for row in ranked.iter_rows(named=True):
        stem = row["stem"]
        if not any(stem.startswith(other) or other.startswith(stem) for other in taken):
            taken.append(stem)
            yield row


def _suggestion(reviews: WeakReviews, labels: LabelSpace, k: int, row: dict[str, Any]) -> Suggestion | None:
    """Write a stem as a lexicon entry and count what the keyword voter does with it; None if that is too little."""
    texts, words = reviews.corpus.unique, reviews.corpus.unique.words
    matches = match(words, [Entry(k, (row["stem"],), 1.0, exact=row["exact"])])
    having = np.unique(words.rows[matches.positions])
    forms = spellings(texts.normalized.gather(having), row["stem"], exact=row["exact"])
    entry = ("=" if row["exact"] else "") + written_stem(forms, row["stem"])
    language = word_language(forms, _kazakh_share(texts.normalized.gather(having), forms))
    voter = KeywordVoter(labels=labels, keywords={labels.names[k]: {language: (entry,)}})
    rows = np.flatnonzero(voter.vote(reviews.corpus).labels == k)
    if len(rows) < _MIN_REVIEWS:
        return None
    gain = np.where(reviews.probs[rows, k] >= _SURE, 2 * ~reviews.ruled[rows] + reviews.disputed[rows], -1)
    examples = rows[np.lexsort((-reviews.probs[rows, k], -gain))][:_EXAMPLES]
    return Suggestion(
        label=labels.names[k],
        language=language,
        entry=entry,
        z=row["z"],
        reviews=len(rows),
        share=float(reviews.probs[rows, k].mean()),
        unruled=int((~reviews.ruled[rows]).sum()),
        disputed=int(reviews.disputed[rows].sum()),
        forms=tuple(sorted(forms, key=lambda form: (-forms[form], form))[:_FORMS]),
        examples=tuple(texts.texts.gather(examples)),
    )


def _kazakh_share(having: pl.Series, forms: Mapping[str, int]) -> float:
    """Share of texts that have a Kazakh letter in other words than these."""
    return float(is_kazakh(having.str.replace_many(list(forms), [""] * len(forms))).to_numpy().mean())


def _usual(counts: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Each class's share of all words, shape (k,)."""
    totals: npt.NDArray[np.float64] = counts.sum(axis=0)
    return totals / max(float(totals.sum()), 1e-9)


def _shrunk(share: Any, reviews: Any, usual: Any) -> Any:
    """Shrink the share of a class among few reviews towards the usual one."""
    return (share * reviews + _PSEUDO * usual) / (reviews + _PSEUDO)
