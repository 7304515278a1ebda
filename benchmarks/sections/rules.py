"""Rule voting: whole columns here, one review at a time in Snorkel's appliers; the votes must be equal.

Twice against `PandasLFApplier`: labeling functions that each read the raw text, as Snorkel's tutorials write them, and
the best case for Snorkel, where texts are normalised and folded once into extra columns and the functions only look
things up. The Dask and Spark appliers, where they are installed, share the former among all cores.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from ...config import Task
from ...data.types.corpus import Corpus
from ...data.types.label_space import LabelSpace
from ...labeling.settings import VoterSection
from ...labeling.voters.emoji import EmojiVoter, token_of
from ...labeling.voters.keyword import KeywordVoter
from ...labeling.voters.length import LengthVoter
from ...labeling.voters.regex import RegexVoter
from ...labeling.voting.registry import Voter
from ..results import Result
from .snorkel_appliers import Applier, dask_votes, pandas_votes, spark_votes
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
    """The same rules as voters, as labeling functions, and as a configuration."""

    def __init__(self) -> None:
        self.preset = Task.preset("kaspi-sentiment")
        task = self.preset.task
        self.labels: LabelSpace = task.label_space
        self.keyword = KeywordVoter(labels=self.labels, keywords=task.resources["keywords"])
        self.emoji = EmojiVoter(labels=self.labels, emoji=task.resources["emoji"])
        self.length = LengthVoter(labels=self.labels, label="negative", min_words=MIN_WORDS)
        self.regexes = [RegexVoter(labels=self.labels, label=name, pattern=p) for p, name in PATTERNS.items()]

    def voters(self, *, only_regex: bool) -> list[Voter]:
        """Return the voters."""
        return [*self.regexes] if only_regex else [*self.regexes, self.keyword, self.emoji, self.length]

    def config(self) -> Task:
        """Return a configuration with these voters and no others."""
        regexes = [{"kind": "regex", "label": name, "pattern": pattern} for pattern, name in PATTERNS.items()]
        length = {"kind": "length", "label": "negative", "min_words": MIN_WORDS}
        options: list[dict[str, Any]] = [*regexes, {"kind": "keyword"}, {"kind": "emoji"}, length]
        sections = [VoterSection.model_validate({"name": f"rule-{i}", **given}) for i, given in enumerate(options)]
        return self.preset.model_copy(update={"voters": tuple(sections)})

    @property
    def of_one_class(self) -> int:
        """What the voters are in rules for one class each: keywords and emoji are one for each class."""
        return len(self.regexes) + 1 + 2 * self.labels.k

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
    rules, appliers = Rules(), [pandas_votes, dask_votes, spark_votes]
    by_column(rules.voters(only_regex=False), texts.head(100))  # warm up
    results = [_compare(rules, texts, applier, only_regex=False) for applier in appliers]
    results.append(_compare(rules, texts, pandas_votes, only_regex=False, prepared=True))
    results.append(_compare(rules, texts, pandas_votes, only_regex=True))
    results.append(_compare(rules, texts, pandas_votes, only_regex=True, prepared=True))
    return results


def _compare(rules: Rules, texts: pl.Series, applier: Applier, *, only_regex: bool, prepared: bool = False) -> Result:
    voters = rules.voters(only_regex=only_regex)
    functions = rules.functions(only_regex=only_regex, prepared=prepared)
    columns = ("normalized",) if only_regex else ("normalized", "words")
    what = f"{len(voters)} {'regex' if only_regex else 'mixed'} rules: speed against Snorkel's {applier.__name__[:-6]}"
    what += " applier" + " on prepared columns" * prepared
    ours, before = timed(lambda: by_column(voters, texts), 3)
    try:
        theirs, peer = timed(lambda: applier(functions, texts.to_list(), columns if prepared else ()))
    except ModuleNotFoundError as error:
        return Result("rules", what, math.nan, detail=f"not installed: {error.name}")
    ours, after = timed(lambda: by_column(voters, texts), 3)  # before and after, so that noise hits both sides
    seconds = (before + after) / 2
    different = np.argwhere(ours != theirs)
    assert not len(different), f"{len(different)} votes differ, the first at (row, rule) {different[0]}"
    detail = f"{seconds / len(texts) * 1e6:.1f} against {peer / len(texts) * 1e6:.0f} µs per review, votes equal"
    bar = BAR if applier is pandas_votes and not prepared else None
    return Result("rules", what, peer / seconds, bar, detail=detail)
