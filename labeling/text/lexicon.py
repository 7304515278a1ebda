"""Compile lexicon entries and match them against a vocabulary, so that each distinct word is looked at once.

An entry is written as people write it, in any spelling `fold_word` understands:

========== =====================================================================================
``жақсы``  a stem: any word that begins so (жақсы, жақсысы, жаксылар, jaqsy)
``=зор``   exactly this word
``*майды`` any word that ends so
``ұна-``   a verb stem; with the Kazakh negative suffix (ұнамады, ұнамайды) it counts for the other side
``көңілі толды`` a phrase; each word is a stem (with ``=`` exact), in this order, next to each other
``нашар^2`` the same with weight 2 (default 1)
``c++``    with a sign, exactly these words and signs (5+, №1, т.д.); a single letter or digit is a whole word too
========== =====================================================================================

The longest matching entry wins, exact words before stems before endings.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from ...data.errors import ConfigError
from ...data.text.normalize import fold_phrase
from ...data.types.corpus import Words
from ...data.types.label_space import ABSTAIN
from .rule_text import check_no_control_character

_PUNCTUATION = frozenset(".,;:!?…'\"«»()_–—")

# Kazakh verbal negation -ма/-ме/-ба/-бе/-па/-пе, folded, right after the stem (and a voice or linking vowel).
_NEGATIVE_SUFFIX = re.compile(r"^(?:[иеау]?[лнст]?[иеау]?)(?:м|б|п)[ае](?:и|д|г|к|с|п|у|н|$)")


@dataclass(frozen=True)
class Entry:
    """One parsed lexicon entry of class index `label`; `kazakh` when its language is known to be Kazakh."""

    label: int
    words: tuple[str, ...]
    weight: float
    exact: bool = False
    suffix: bool = False
    verb: bool = False
    kazakh: bool = False


@dataclass(frozen=True, eq=False)
class Matches:
    """Where lexicon entries were found in the tokens of n texts.

    Parameters
    ----------
    positions : ndarray of int64, shape (h,)
        Token positions, ascending; of a phrase, its first word.
    ends : ndarray of int64, shape (h,)
        The last token of each match.
    labels : ndarray of int16, shape (h,)
        Class index of the entry.
    weights : ndarray of float32, shape (h,)
    negated : ndarray of bool, shape (h,)
        True where the word itself carries a negative suffix.
    kazakh : ndarray of bool, shape (h,)
        True where the entry is Kazakh.
    inside : ndarray of bool, shape (t,)
        Tokens that belong to a match.
    """

    positions: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]
    labels: npt.NDArray[np.int16]
    weights: npt.NDArray[np.float32]
    negated: npt.NDArray[np.bool_]
    kazakh: npt.NDArray[np.bool_]
    inside: npt.NDArray[np.bool_]


def parse_entry(text: str, label: int, *, language: str = "") -> Entry:
    """Parse one entry of a language ("kk" is Kazakh).

    Raises
    ------
    ConfigError
        If it holds no word, a word of which nothing is left when it is folded, an ending of several words or a
        control character, or its weight is not a positive number.
    """
    body, _, weight = text.strip().partition("^")
    try:
        value = float(weight or 1)
    except ValueError:
        value = 0.0
    check_no_control_character(text)
    words, suffix = _words(body[body[:1] in ("=", "*") :]), body.startswith("*")
    signs = [word for word in words if word and not word[0].isalnum()]
    usable = len(signs) < len(words) and all(words) and not (suffix and len(words) > 1)
    if not usable or not 0 < value < math.inf:
        raise ConfigError(
            f"'{text}' is not a lexicon entry.", hint="Write a word or phrase, optionally with a weight: нашар^2"
        )
    verb = body.rstrip().endswith("-")
    letter = len(words) == 1 and len(words[0]) == 1 and not verb and not suffix  # it begins too many words
    exact = body.startswith("=") or bool(signs) or letter
    return Entry(label, words, value, exact, suffix, verb, language == "kk")


def _words(phrase: str) -> tuple[str, ...]:
    """Fold words and signs; punctuation counts only beside single letters, which alone would be found everywhere."""
    tokens = fold_phrase(phrase)
    plain = tuple(token for token in tokens if token not in _PUNCTUATION)
    return plain if any(len(word) > 1 for word in plain) else tokens


def match(words: Words, entries: Iterable[Entry]) -> Matches:
    """Find entries in tokens: single words through the vocabulary, phrases token by token."""
    ranked = sorted(entries, key=_precedence)
    of_word = _match_vocabulary(words.vocabulary, [e for e in ranked if len(e.words) == 1])
    label, weight = of_word[0][words.codes], of_word[1][words.codes]
    negated, kazakh = of_word[2][words.codes], of_word[3][words.codes]
    length, taken = np.ones(len(words.codes), np.int64), np.zeros(len(words.codes), bool)
    phrases = [e for e in reversed(ranked) if len(e.words) > 1]
    candidates = _first_words(words, phrases)
    first_codes = words.codes[candidates]
    for phrase in phrases:
        span = _phrase_starts(words, phrase, candidates, first_codes)[:, np.newaxis] + np.arange(len(phrase.words))
        span = span[~taken[span].any(axis=1)]
        starts, ends = span[:, 0], span[:, -1]
        taken[span], label[span] = True, ABSTAIN  # a phrase is one match: its words do not count again
        label[starts], weight[starts], length[starts] = phrase.label, phrase.weight, len(phrase.words)
        negated[starts] = _negative(phrase, words.vocabulary, words.codes[ends])
        kazakh[starts] = phrase.kazakh
    positions = np.flatnonzero(label != ABSTAIN)
    ends = positions + length[positions] - 1
    inside = taken | (label != ABSTAIN)
    return Matches(positions, ends, label[positions], weight[positions], negated[positions], kazakh[positions], inside)


def _precedence(entry: Entry) -> tuple[bool, bool, int]:
    """Sort key: later entries overwrite earlier ones (endings, then stems by length, then exact words)."""
    return entry.exact, not entry.suffix, sum(map(len, entry.words))


def _match_vocabulary(
    vocabulary: tuple[str, ...], ranked: list[Entry]
) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.float32], npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Look every distinct word up: label (-1 without a match), weight, whether a suffix negates it, if it is Kazakh."""
    label = np.full(len(vocabulary), ABSTAIN, np.int16)
    weight = np.zeros(len(vocabulary), np.float32)
    negated, kazakh = np.zeros(len(vocabulary), bool), np.zeros(len(vocabulary), bool)
    endings = tuple(e.words[0] for e in ranked if e.suffix)
    ending = _ending_with(vocabulary, endings)
    for entry in ranked:
        stem = entry.words[0]
        if entry.suffix:
            found: Sequence[int] = [i for i in ending if vocabulary[i].endswith(stem)]
        else:
            found = range(*_stem_range(vocabulary, stem, exact=entry.exact))
        label[found], weight[found], kazakh[found] = entry.label, entry.weight, entry.kazakh
        negated[found] = _negative(entry, vocabulary, found)
    return label, weight, negated, kazakh


def _ending_with(vocabulary: tuple[str, ...], endings: tuple[str, ...]) -> list[int]:
    """Find the few words with one of the endings, so that each ending need not look at all."""
    if not endings:
        return []
    pattern = f"(?:{'|'.join(map(re.escape, endings))})$"
    return pl.Series(vocabulary, dtype=pl.String).str.contains(pattern).arg_true().to_list()


def _negative(entry: Entry, vocabulary: Sequence[str], found: Iterable[int]) -> list[bool] | bool:
    """Return which of the words that the entry's last stem begins carry a negative suffix; only verbs do."""
    stem = len(entry.words[-1])
    return entry.verb and [_NEGATIVE_SUFFIX.match(vocabulary[i][stem:]) is not None for i in found]


def _stem_range(vocabulary: Sequence[str], stem: str, *, exact: bool) -> tuple[int, int]:
    """Slice of a sorted vocabulary that begins with `stem`, or is it."""
    low = bisect_left(vocabulary, stem)
    return low, bisect_left(vocabulary, stem + ("\0" if exact else "\U0010ffff"), low)


def _first_words(words: Words, phrases: Iterable[Entry]) -> npt.NDArray[np.int64]:
    """Positions of all tokens that begin some phrase, ordered by word: the text is looked at once for all phrases."""
    begins = np.zeros(len(words.vocabulary), bool)
    for phrase in phrases:
        begins[slice(*_stem_range(words.vocabulary, phrase.words[0], exact=phrase.exact))] = True
    positions = np.flatnonzero(begins[words.codes])
    return positions[np.argsort(words.codes[positions], kind="stable")]


def _phrase_starts(
    words: Words, phrase: Entry, candidates: npt.NDArray[np.int64], first_codes: npt.NDArray[np.int32]
) -> npt.NDArray[np.int64]:
    """Those candidates (ordered by their word, `first_codes`) at which the phrase's words follow in one text."""
    first, *others = (_stem_range(words.vocabulary, stem, exact=phrase.exact) for stem in phrase.words)
    starts = candidates[slice(*np.searchsorted(first_codes, first))]
    for step, (low, high) in enumerate(others, 1):
        starts = starts[starts + step < len(words.codes)]
        code = words.codes[starts + step]
        starts = starts[(code >= low) & (code < high)]
    return np.sort(starts[words.rows[starts + len(others)] == words.rows[starts]])
