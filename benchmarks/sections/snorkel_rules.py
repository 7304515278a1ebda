"""The project's rules as Snorkel labeling functions: one review at a time, in plain Python.

Written as a careful Snorkel user would: patterns and dictionaries are compiled once, words are found by dictionary,
not by trying every entry. `read` says how a function gets at the normalised text and the folded words of its row.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import regex  # type: ignore[import-untyped]

from ...data.text.normalize import TOKEN, fold_word
from ...data.types.label_space import ABSTAIN
from ...labeling.text.lexicon import _NEGATIVE_SUFFIX, Entry
from ...labeling.voters.keyword import _CONTRASTS, _NEGATORS_AFTER, _NEGATORS_BEFORE, _RESERVATION

Rule = Callable[[Any], int]
WordsOf = Callable[[Any], list[str]]
_token, _spaces = regex.compile(TOKEN), regex.compile(r"\s+")


def normalize_one(text: str) -> str:
    """Normalise one text as `normalize` does a column."""
    return str(_spaces.sub(" ", unicodedata.normalize("NFC", text).lower()).strip(" "))


def words_of_one(normalized: str, fold: Callable[[str], str] = fold_word) -> list[str]:
    """Cut one normalised text into folded words."""
    return [fold(token) for token in _token.findall(normalized)]


def regex_rule(pattern: str, label: int, text_of: Callable[[Any], str]) -> Rule:
    """Vote where the pattern is found."""
    search = re.compile(pattern).search
    return lambda row: label if search(text_of(row)) else ABSTAIN


def length_rule(label: int, min_words: int, words_of: WordsOf) -> Rule:
    """Vote for texts of so many words."""
    return lambda row: label if sum(word[:1].isalnum() for word in words_of(row)) >= min_words else ABSTAIN


def emoji_rule(label_of: dict[str, int], words_of: WordsOf) -> Rule:
    """Vote for the class with more emoji."""

    def vote(row: Any) -> int:
        scores = [0.0, 0.0]
        for word in words_of(row):
            if word in label_of:
                scores[label_of[word]] += 1
        return _winner(scores, 1.0)

    return vote


def keyword_rule(entries: Sequence[Entry], min_margin: float, words_of: WordsOf) -> Rule:
    """Vote by a lexicon with stems, endings, phrases and negation, in a task of two classes."""
    lexicon = _Lexicon(entries)

    def vote(row: Any) -> int:
        scores = [0.0, 0.0]
        words = words_of(row)
        matches, inside = lexicon.find(words)
        but = next((i for i, word in enumerate(words) if word in _BUT and i not in inside), len(words))
        for start, entry in sorted(matches.items()):
            flipped = _turned_around(entry, start, words) ^ _negated(start, entry, words, inside)
            weight = entry.weight if start < but else _RESERVATION * entry.weight
            scores[1 - entry.label if flipped else entry.label] += float(np.float32(weight))
        return _winner(scores, min_margin)

    return vote


class _Lexicon:
    """Dictionaries of words, beginnings, endings and the first words of phrases."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.words: dict[str, Entry] = {}
        self.stems: dict[str, Entry] = {}
        self.endings: dict[str, Entry] = {}
        self.phrases: dict[str, list[tuple[int, Entry]]] = defaultdict(list)
        by_length = sorted(entries, key=lambda entry: (entry.exact, sum(map(len, entry.words))))
        for rank, entry in enumerate(by_length):
            if len(entry.words) > 1:
                self.phrases[entry.words[0]].append((-rank, entry))
            else:
                kind = self.words if entry.exact else self.endings if entry.suffix else self.stems
                kind[entry.words[0]] = entry

    def find(self, words: list[str]) -> tuple[dict[int, Entry], set[int]]:
        """Return the entry that begins at each position, and all positions inside some match."""
        found: dict[int, Entry] = {}
        phrases: dict[int, list[tuple[int, Entry]]] = defaultdict(list)
        for i, word in enumerate(words):
            beginnings = [word[:length] for length in range(len(word), 0, -1)]
            if entry := self._best(word, beginnings):
                found[i] = entry
            for beginning in beginnings:
                for rank, phrase in self.phrases.get(beginning, ()):
                    if _follows(phrase, words, i):
                        phrases[rank].append((i, phrase))
        taken: set[int] = set()
        for rank in sorted(phrases):  # exact and long phrases first; a word belongs to one phrase
            free = [(i, p) for i, p in phrases[rank] if taken.isdisjoint(range(i, i + len(p.words)))]
            for i, phrase in free:
                for j in range(i, i + len(phrase.words)):
                    taken.add(j)
                    found.pop(j, None)
            found.update(free)
        return found, taken | found.keys()

    def _best(self, word: str, beginnings: list[str]) -> Entry | None:
        if word in self.words:
            return self.words[word]
        stem = next((self.stems[part] for part in beginnings if part in self.stems), None)
        return stem or next((self.endings[word[i:]] for i in range(len(word)) if word[i:] in self.endings), None)


def _follows(phrase: Entry, words: list[str], start: int) -> bool:
    here = words[start : start + len(phrase.words)]
    if len(here) < len(phrase.words):
        return False
    if phrase.exact:
        return tuple(here) == phrase.words
    return all(word.startswith(stem) for word, stem in zip(here, phrase.words, strict=True))


def _turned_around(entry: Entry, start: int, words: list[str]) -> bool:
    last = words[start + len(entry.words) - 1]
    return entry.verb and _NEGATIVE_SUFFIX.match(last[len(entry.words[-1]) :]) is not None


_AFTER = {fold_word(word) for word in _NEGATORS_AFTER}
_BEFORE = {fold_word(word) for word in _NEGATORS_BEFORE}
_BUT = {fold_word(word) for word in _CONTRASTS}


def _negated(start: int, entry: Entry, words: list[str], inside: set[int]) -> bool:
    after = start + len(entry.words)
    if after < len(words) and after not in inside and words[after] in _AFTER:
        return True
    if entry.kazakh:
        return False
    if start >= 1 and start - 1 not in inside and words[start - 1] in _BEFORE:
        return True
    far = start >= 2 and start - 2 not in inside and words[start - 2] in _BEFORE
    return far and start - 1 not in inside and words[start - 1][:1].isalnum()


def _winner(scores: list[float], min_margin: float) -> int:
    lead = abs(scores[0] - scores[1])
    return int(scores[1] > scores[0]) if lead >= min_margin and lead > 0 else ABSTAIN
