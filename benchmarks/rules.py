"""Rule voting: whole columns here, one review at a time in Snorkel's `PandasLFApplier`; the votes must be equal.

Twice against Snorkel: labeling functions that each read the raw text, as Snorkel's tutorials write them, and the best
case for Snorkel, where texts are normalised and folded once into extra columns and the functions only look things up.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from ..config import load_config
from ..data.corpus import Corpus
from ..data.label_space import LabelSpace
from ..data.normalize import fold_word
from ..labeling.registry import Voter
from ..labeling.voters.emoji import EmojiVoter, token_of
from ..labeling.voters.keyword import KeywordVoter
from ..labeling.voters.length import LengthVoter
from ..labeling.voters.regex import RegexVoter
from .results import Result
from .snorkel_rules import Rule, emoji_rule, keyword_rule, length_rule, normalize_one, regex_rule, words_of_one

Matrix = npt.NDArray[np.int64]
BAR, MIN_WORDS = 50.0, 30
PATTERNS = {
    r"р[ах]?[қкх]мет": "positive",
    r"жа[қк]сы": "positive",
    r"керемет|keremet": "positive",
    r"(?:өте|очень)\s+(?:жақсы|хорош)": "positive",
    r"\bспасибо\b": "positive",
    r"ұна(?:ды|йды)": "positive",
    r"нашар|жаман": "negative",
    r"плох|ужас": "negative",
    r"\bне\s+работ|істемейді": "negative",
    r"!{3,}": "negative",
    r"https?://|www\.": "negative",
    r"\d+\s*(?:тг|тенге|теңге)": "negative",
}
"""Patterns that mean the same to Python's `re` and Rust's `regex`."""


class Rules:
    """The same rules twice: as voters and as labeling functions."""

    def __init__(self) -> None:
        task = load_config(preset="kaspi-sentiment").task
        self.labels: LabelSpace = task.label_space
        self.keyword = KeywordVoter(labels=self.labels, keywords=task.resources["keywords"])
        self.emoji = EmojiVoter(labels=self.labels, emoji=task.resources["emoji"])
        self.length = LengthVoter(labels=self.labels, label="negative", min_words=MIN_WORDS)
        self.regexes = [RegexVoter(labels=self.labels, label=name, pattern=p) for p, name in PATTERNS.items()]

    def voters(self, *, only_regex: bool) -> list[Voter]:
        """Return the voters."""
        return [*self.regexes] if only_regex else [*self.regexes, self.keyword, self.emoji, self.length]

    def functions(self, *, only_regex: bool, prepared: bool) -> list[Rule]:
        """Return the same rules one row at a time; `prepared` ones read columns made beforehand."""
        text_of = (lambda row: row.normalized) if prepared else (lambda row: normalize_one(row.text))
        words_of = (lambda row: row.words) if prepared else (lambda row: words_of_one(normalize_one(row.text)))
        regexes = [regex_rule(pattern, self.labels.index(name), text_of) for pattern, name in PATTERNS.items()]
        if only_regex:
            return regexes
        index, negative = self.labels.index, self.labels.index("negative")
        emoji = {token_of(mark): index(name) for name, marks in self.emoji.emoji.items() for mark in marks}
        return [
            *regexes,
            keyword_rule(self.keyword._entries(), self.keyword.min_margin, words_of),
            emoji_rule(emoji, words_of),
            length_rule(negative, MIN_WORDS, words_of),
        ]


def by_column(voters: list[Voter], texts: pl.Series) -> Matrix:
    """Vote with the project's voters, from texts to votes, nothing cached."""
    corpus = Corpus(pl.Series(range(len(texts))).cast(pl.String), texts)
    return np.stack([voter.vote(corpus).labels for voter in voters], axis=1).astype(np.int64)


def by_row(rules: list[Rule], texts: list[str], *, prepare: tuple[str, ...]) -> Matrix:
    """Vote with Snorkel's applier; `prepare` names columns to add first."""
    import pandas as pd
    from snorkel.labeling import LabelingFunction, PandasLFApplier

    columns: dict[str, Any] = {"text": texts}
    if prepare:
        columns["normalized"] = [normalize_one(text) for text in texts]
    if "words" in prepare:
        fold = cache(fold_word)  # as here: each spelling is folded once
        columns["words"] = [words_of_one(text, fold) for text in columns["normalized"]]
    functions = [LabelingFunction(f"rule {i}", rule) for i, rule in enumerate(rules)]
    return np.asarray(PandasLFApplier(functions).apply(pd.DataFrame(columns), progress_bar=False))


def timed(run: Callable[[], Matrix], repeats: int = 1) -> tuple[Matrix, float]:
    """Return the votes and the median of the seconds."""
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        votes = run()
        seconds.append(time.perf_counter() - start)
    return votes, statistics.median(seconds)


def measure_rules(texts: pl.Series) -> list[Result]:
    """Compare all rules, then the regular expressions alone.

    Raises
    ------
    AssertionError
        If a vote differs.
    """
    rules = Rules()
    by_column(rules.voters(only_regex=False), texts.head(100))  # warm up
    return [*_compare(rules, texts, only_regex=False), *_compare(rules, texts, only_regex=True)]


def _compare(rules: Rules, texts: pl.Series, *, only_regex: bool) -> list[Result]:
    voters, rows, results = rules.voters(only_regex=only_regex), texts.to_list(), []
    for prepared in (False, True):
        functions = rules.functions(only_regex=only_regex, prepared=prepared)
        columns = ("normalized",) if only_regex else ("normalized", "words")
        ours, before = timed(lambda: by_column(voters, texts), 3)
        theirs, peer = timed(partial(by_row, functions, rows, prepare=columns if prepared else ()))
        ours, after = timed(lambda: by_column(voters, texts), 3)  # before and after, so that noise hits both sides
        seconds = (before + after) / 2
        different = np.argwhere(ours != theirs)
        assert not len(different), f"{len(different)} votes differ, the first at (row, rule) {different[0]}"
        what = f"{len(voters)} {'regex' if only_regex else 'mixed'} rules: speed against Snorkel's applier"
        detail = f"{seconds / len(rows) * 1e6:.1f} against {peer / len(rows) * 1e6:.0f} µs per review, votes equal"
        bar = None if prepared else BAR
        results.append(Result("rules", what + " on prepared columns" * prepared, peer / seconds, bar, detail=detail))
    return results
