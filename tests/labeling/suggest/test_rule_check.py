"""Single rules: where they are found, and which of them the other voters contradict."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest

from labeler.data.types.corpus import Corpus, UniqueTexts
from labeler.data.types.label_space import LabelSpace
from labeler.labeling.suggest.rule_check import RuleCheck, check_rules
from labeler.labeling.suggest.rules import Rule, ruled_tokens, rules_of
from labeler.labeling.voters.emoji import EmojiVoter
from labeler.labeling.voters.keyword import KeywordVoter
from labeler.labeling.voters.length import LengthVoter
from labeler.labeling.voters.regex import RegexVoter

LABELS = LabelSpace(("bad", "good"))
LEXICON = KeywordVoter(labels=LABELS, keywords={"bad": {"kk": ("нашар", "жақсы емес")}, "good": {"kk": ("жақсы",)}})


def unique(*texts: str) -> UniqueTexts:
    return Corpus([str(i) for i in range(len(texts))], list(texts)).unique  # type: ignore[arg-type]


def found(rules: list[Rule], texts: UniqueTexts) -> dict[str, list[str]]:
    return {rule.text: texts.texts.gather(rule.found).to_list() for rule in rules}


def test_a_text_belongs_to_the_entry_that_matched() -> None:
    texts = unique("жақсы", "жақсы емес", "нашар жақсылар", "басқа")
    assert found(rules_of(LEXICON, texts), texts) == {
        "нашар": ["нашар жақсылар"],
        "жақсы емес": ["жақсы емес"],
        "жақсы": ["жақсы", "нашар жақсылар"],
    }


def test_emoji_and_patterns_are_rules_too() -> None:
    texts = unique("ок 👍👍", "рахмет", "ок")
    emoji = EmojiVoter(labels=LABELS, emoji={"good": ("👍", "🔥")})
    assert found(rules_of(emoji, texts), texts) == {"👍": ["ок 👍👍"], "🔥": []}
    regex = RegexVoter(labels=LABELS, label="good", pattern="^рах")
    assert found(rules_of(regex, texts), texts) == {"^рах": ["рахмет"]}
    assert rules_of(LengthVoter(labels=LABELS, label="good", max_words=1), texts) == []


@pytest.mark.parametrize(("pattern", "ruled"), [("^рах", ["рахмет"]), ("сізге.*көп", ["сізге", "көп"]), ("q", [])])
def test_whole_words_inside_a_pattern_are_ruled(pattern: str, ruled: list[str]) -> None:
    texts = unique("Рахмет сізге көп")
    voter = RegexVoter(labels=LABELS, label="good", pattern=pattern)
    words = ["рахмет", "сізге", "көп"]
    assert [w for w, inside in zip(words, ruled_tokens([voter], texts), strict=True) if inside] == ruled


def check(opinions: list[int], *, votes: list[int] | None = None, rule: int = 0) -> RuleCheck:
    """Check the last rule of two: one that others always agree with, and one found where `opinions` are given."""
    n = len(opinions)
    others = np.full((20 + n, 2), np.nan, np.float32)
    known = np.array([0] * 10 + [1] * 10 + opinions)
    others[known >= 0] = np.eye(2, dtype=np.float32)[known[known >= 0]]
    said: npt.NDArray[np.int16] = np.array([0] * 10 + [1] * 10 + (votes or [0] * n), np.int16)
    rules = [Rule(0, "right", np.arange(10)), Rule(0, "asked", np.arange(20, 20 + n))]
    texts = pl.Series([f"t{i}" for i in range(20 + n)])
    return next(c for c in check_rules("words", rules, said, others, texts, LABELS) if c.rule == "asked")


def test_a_rule_that_others_contradict_is_harmful() -> None:
    found = check([1] * 9 + [0])
    assert (found.harmful, found.votes, found.judged, found.agreement) == (True, 10, 10, 0.1)
    assert found.expected == pytest.approx(11 / 20)
    assert set(found.examples) <= {f"t{i}" for i in range(20, 29)}
    assert len(found.examples) == 3


def test_a_few_contradictions_may_be_chance() -> None:
    assert not check([1] * 4).harmful
    assert not check([1] * 3 + [0] * 3).harmful


def test_rows_without_another_voter_do_not_judge() -> None:
    found = check([-1] * 8 + [1])
    assert (found.votes, found.judged, found.harmful) == (9, 1, False)
    assert check([-1] * 8).agreement is None


def test_ties_do_not_judge() -> None:
    rule, texts = Rule(0, "r", np.arange(9)), pl.Series(["t"] * 9)
    (found,) = check_rules("v", [rule], np.zeros(9, np.int16), np.full((9, 2), 0.5, np.float32), texts, LABELS)
    assert (found.votes, found.judged, found.harmful) == (9, 0, False)


def test_only_rows_the_rule_decided_count() -> None:
    assert check([1, 1, 0], votes=[1, -1, 0]).votes == 1
