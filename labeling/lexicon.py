"""Compile lexicon entries and match them against a vocabulary, so that each distinct word is looked at once.

An entry is written as people write it, in any spelling `fold_word` understands:

========== =====================================================================================
``жақсы``  a stem: any word that begins so (жақсы, жақсысы, жаксылар, jaqsy)
``=зор``   exactly this word
``*майды`` any word that ends so
``ұна-``   a verb stem; with the Kazakh negative suffix (ұнамады, ұнамайды) it counts for the other side
``көңілі толды`` a phrase; each word is a stem, in this order, next to each other
``нашар^2`` the same with weight 2 (default 1)
========== =====================================================================================

The longest matching entry wins, exact words before stems before endings.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import numpy as np
import numpy.typing as npt

from ..data.corpus import Words
from ..data.errors import ConfigError
from ..data.label_space import ABSTAIN
from ..data.normalize import fold_phrase

# Kazakh verbal negation -ма/-ме/-ба/-бе/-па/-пе, folded, right after the stem (and a voice or linking vowel).
_NEGATIVE_SUFFIX = re.compile(r"^(?:[иеау]?[лнст]?[иеау]?)(?:м|б|п)[ае](?:и|д|г|к|с|п|у|н|$)")


@dataclass(frozen=True)
class Entry:
    """One parsed lexicon entry of class index `label`."""

    label: int
    words: tuple[str, ...]
    weight: float
    exact: bool = False
    suffix: bool = False
    verb: bool = False


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
    """

    positions: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]
    labels: npt.NDArray[np.int16]
    weights: npt.NDArray[np.float32]
    negated: npt.NDArray[np.bool_]


def parse_entry(text: str, label: int) -> Entry:
    """Parse one entry.

    Raises
    ------
    ConfigError
        If it holds no word or its weight is not a positive number.
    """
    body, _, weight = text.partition("^")
    try:
        value = float(weight or 1)
    except ValueError:
        value = 0.0
    words = fold_phrase(body)
    if not words or value <= 0:
        raise ConfigError(
            f"'{text}' is not a lexicon entry.", hint="Write a word or phrase, optionally with a weight: нашар^2"
        )
    return Entry(label, words, value, body.startswith("="), body.startswith("*"), body.rstrip().endswith("-"))


def match(words: Words, entries: Iterable[Entry]) -> Matches:
    """Find entries in tokens: single words through the vocabulary, phrases token by token."""
    ranked = sorted(entries, key=_precedence)
    label, weight, negated = (
        column[words.codes] for column in _match_vocabulary(words.vocabulary, [e for e in ranked if len(e.words) == 1])
    )
    length = np.ones(len(words.codes), np.int64)
    for phrase in (e for e in ranked if len(e.words) > 1):
        starts = _phrase_starts(words, phrase.words)
        for step in range(1, len(phrase.words)):  # a phrase is one match: its words do not count again
            label[starts + step] = ABSTAIN
        label[starts], weight[starts], negated[starts] = phrase.label, phrase.weight, False
        length[starts] = len(phrase.words)
    positions = np.flatnonzero(label != ABSTAIN)
    ends = positions + length[positions] - 1
    return Matches(positions, ends, label[positions], weight[positions], negated[positions])


def _precedence(entry: Entry) -> tuple[bool, bool, int]:
    """Sort key: later entries overwrite earlier ones (endings, then stems by length, then exact words)."""
    return entry.exact, not entry.suffix, sum(map(len, entry.words))


def _match_vocabulary(
    vocabulary: tuple[str, ...], ranked: list[Entry]
) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    """Look every distinct word up: label (-1 without a match), weight, and whether a suffix negates it."""
    label = np.full(len(vocabulary), ABSTAIN, np.int16)
    weight = np.zeros(len(vocabulary), np.float32)
    negated = np.zeros(len(vocabulary), bool)
    backwards = sorted((word[::-1], i) for i, word in enumerate(vocabulary)) if any(e.suffix for e in ranked) else []
    for entry in ranked:
        stem = entry.words[0]
        if entry.suffix:
            low, high = _prefix_range(backwards, stem[::-1], key=itemgetter(0))
            found: Sequence[int] = [i for _, i in backwards[low:high]]
        else:
            low, high = _prefix_range(vocabulary, stem)
            found = range(low, min(high, low + 1) if entry.exact else high)
            found = [i for i in found if vocabulary[i] == stem] if entry.exact else found
        label[found], weight[found] = entry.label, entry.weight
        negated[found] = [entry.verb and _is_negative(vocabulary[i][len(stem) :]) for i in found]
    return label, weight, negated


def _is_negative(ending: str) -> bool:
    return _NEGATIVE_SUFFIX.match(ending) is not None


def _prefix_range(ordered: Sequence[Any], prefix: str, key: Callable[[Any], str] | None = None) -> tuple[int, int]:
    """Slice of a sorted sequence whose entries begin with `prefix`."""
    low = bisect_left(ordered, prefix, key=key)
    return low, bisect_left(ordered, prefix + "\U0010ffff", low, key=key)


def _phrase_starts(words: Words, stems: tuple[str, ...]) -> npt.NDArray[np.int64]:
    """Token positions at which words with these stems follow one another inside one text."""
    low, high = _prefix_range(words.vocabulary, stems[0])
    starts = np.flatnonzero((words.codes >= low) & (words.codes < high))
    for step, stem in enumerate(stems[1:], 1):
        low, high = _prefix_range(words.vocabulary, stem)
        starts = starts[starts + step < len(words.codes)]
        code = words.codes[starts + step]
        same_text = words.rows[starts + step] == words.rows[starts]
        starts = starts[(code >= low) & (code < high) & same_text]
    return starts
