"""Keywords that are suggested, on reviews whose typical words are known."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from labeler.data.types.corpus import Corpus
from labeler.data.types.label_space import LabelSpace
from labeler.labeling.suggest.keywords import Suggestion, WeakReviews, suggest_keywords
from labeler.labeling.voters.keyword import KeywordVoter
from labeler.labeling.voters.regex import RegexVoter
from labeler.labeling.voting.registry import Voter

LABELS = LabelSpace(("bad", "good"))
BAD = ["{} сынып кетті екен", "бұл {} сынды бірақ", "сынбайды деген {} сынған", "{} тағы сынып қалған"]
GOOD = ["{} жылдам жұмыс істейді", "бұл {} жылдамырақ бірақ", "{} жылдамдығы күшті", "жылдам деген {} осы"]
THINGS = [f"зат{a}{b}" for a in "абвгд" for b in "емнпр"]


def reviews(extra: dict[str, float] | None = None, *, sure: float = 0.95) -> WeakReviews:
    """Return 100 bad and 100 good reviews, and `extra` ones with their probability of being bad."""
    probs = {form.format(thing): sure for form in BAD for thing in THINGS}
    probs |= {form.format(thing): 1 - sure for form in GOOD for thing in THINGS}
    probs |= extra or {}
    texts = pl.Series(sorted(probs), dtype=pl.String)
    bad = np.array([probs[text] for text in texts], np.float32)
    nothing = np.zeros(len(texts), bool)
    corpus = Corpus(pl.int_range(len(texts), eager=True).cast(pl.String), texts)
    return WeakReviews(corpus, np.stack([bad, 1 - bad], axis=1), nothing, nothing)


def suggest(given: WeakReviews, *rules: Voter, most: int = 10) -> dict[str, list[Suggestion]]:
    return suggest_keywords(given, LABELS, rules, most=most)


def entries(given: WeakReviews, *rules: Voter) -> dict[str, list[str]]:
    return {label: [s.entry for s in found] for label, found in suggest(given, *rules).items()}


def test_each_class_gets_the_stem_its_reviews_share() -> None:
    found = entries(reviews())
    assert found["bad"][0].startswith("сын")
    assert found["good"] == ["жылдам"]


def test_an_entry_votes_on_as_many_reviews_as_it_says() -> None:
    given = reviews()
    for label, found in suggest(given).items():
        for s in found:
            voter = KeywordVoter(labels=LABELS, keywords={label: {s.language: (s.entry,)}})
            rows = voter.vote(given.corpus).labels == LABELS.index(label)
            assert s.reviews == rows.sum()
            assert s.share == pytest.approx(given.probs[rows, LABELS.index(label)].mean())


def test_inflected_forms_of_one_word_are_one_entry() -> None:
    (good,) = suggest(reviews())["good"]
    assert (good.entry, good.reviews) == ("жылдам", 100)
    assert {"жылдам", "жылдамырақ", "жылдамдығы"} <= set(good.forms)


def test_a_stem_that_both_classes_use_is_not_merged() -> None:
    """The negated verb belongs to the other class: neither stem may cover both."""
    extra = {f"{thing} маған ұнайтын": 0.05 for thing in THINGS} | {f"{thing} маған ұнамады": 0.95 for thing in THINGS}
    found = entries(reviews(extra))
    assert any(entry.startswith("ұнам") for entry in found["bad"])
    assert any(entry.startswith("ұнай") for entry in found["good"])


@pytest.mark.parametrize(
    "rule",
    [
        KeywordVoter(labels=LABELS, keywords={"good": {"kk": ("жылдам",)}}),
        RegexVoter(labels=LABELS, label="good", pattern="жылдам"),
    ],
)
def test_what_a_rule_covers_is_not_suggested(rule: Voter) -> None:
    assert not any(entry.startswith("жыл") for entry in entries(reviews(), rule)["good"])


def test_function_words_are_not_suggested() -> None:
    extra = {f"{thing} өте бірақ болды деп": 0.95 for thing in THINGS}
    assert not {"бірақ", "=өте", "болды", "=деп"} & set(entries(reviews(extra))["bad"])


def test_a_word_of_few_reviews_is_not_suggested() -> None:
    assert "самсоник" not in entries(reviews({f"самсоник {thing}": 0.99 for thing in THINGS[:5]}))["bad"]
    assert "самсоник" in entries(reviews({f"самсоник {thing}": 0.99 for thing in THINGS}))["bad"]


def test_unsure_labels_say_nothing() -> None:
    assert entries(reviews(sure=0.7)) == {"bad": [], "good": []}


def test_short_words_are_suggested_whole() -> None:
    found = entries(reviews({f"код {thing}": 0.95 for thing in THINGS} | {f"кодекс {thing}": 0.05 for thing in THINGS}))
    assert "=код" in found["bad"]


def test_at_most_as_many_as_wanted() -> None:
    assert [len(found) for found in suggest(reviews(), most=1).values()] == [1, 1]


def test_no_reviews_give_no_suggestions() -> None:
    nothing = np.zeros(0, bool)
    empty = WeakReviews(Corpus(pl.Series([], dtype=pl.String), pl.Series([], dtype=pl.String)),
                        np.zeros((0, 2), np.float32), nothing, nothing)  # fmt: skip
    assert entries(empty) == {"bad": [], "good": []}


def test_a_corpus_of_one_word_suggests_nothing() -> None:
    texts, nothing = pl.Series(["сапа"] * 6), np.zeros(6, bool)
    corpus = Corpus(pl.int_range(6, eager=True).cast(pl.String), texts)
    given = WeakReviews(corpus, np.tile(np.array([0.95, 0.05], np.float32), (6, 1)), nothing, nothing)
    assert suggest(given) == {"bad": [], "good": []}
