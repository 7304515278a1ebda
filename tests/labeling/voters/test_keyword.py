"""The keyword voter: entries, spellings, negation."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from labeler.data.errors import ConfigError, InputError
from labeler.data.types.corpus import Corpus
from labeler.data.types.label_space import LabelSpace
from labeler.labeling.voters.keyword import KeywordVoter

BINARY = LabelSpace(("negative", "positive"))
THREE = LabelSpace(("shoes", "clothes", "none"))
MOOD = {
    "negative": {"kk": ("нашар^2", "жаман", "дұрыс емес^1.5"), "ru": ("не работ^2", "плох")},
    "positive": {
        "kk": ("жақсы", "ұна-^1.5", "көңілім тол^2", "бағасына сай"),
        "ru": ("хорош", "не разочар^2", "отличн"),
    },
}
GOODS = {"shoes": {"ru": ("обув", "=кеды")}, "clothes": {"ru": ("платье", "носк^2")}, "none": {"ru": ("доставк",)}}


def mood(*texts: str, **options: Any) -> list[int]:
    voter = KeywordVoter(labels=BINARY, **{"keywords": MOOD, **options})
    labels: list[int] = voter.vote(Corpus([str(i) for i in range(len(texts))], texts)).labels.tolist()  # type: ignore[arg-type]
    return labels


def goods(*texts: str, **options: Any) -> list[int]:
    voter = KeywordVoter(labels=THREE, **{"keywords": GOODS, **options})
    labels: list[int] = voter.vote(Corpus([str(i) for i in range(len(texts))], texts)).labels.tolist()  # type: ignore[arg-type]
    return labels


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("Өте жақсы екен", 1),
        ("JAQSY!!!", 1),
        ("жаксылар", 1),
        ("жақққсыыы", 1),
        ("нашар", 0),
        ("nashar", 0),
        ("кеше алдым", -1),
        ("", -1),
        ("❤️жақсы", 1),
    ],
)
def test_stems_match_in_any_spelling(text: str, label: int) -> None:
    assert mood(text) == [label]


def test_an_exact_word_matches_no_longer_word() -> None:
    assert goods("кеды", "кедыш") == [0, -1]


def test_an_ending_matches_words_that_end_so() -> None:
    keywords = {"negative": {"kk": ("*майды",)}, "positive": {"kk": ()}}
    assert mood("ашылмайды", "майдың", keywords=keywords) == [0, -1]


@pytest.mark.parametrize(
    ("word", "label"),
    [
        ("ұнады", 1),
        ("ұнайды", 1),
        ("ұнатамын", 1),
        ("unady", 1),
        ("ұнамады", 0),
        ("ұнамайды", 0),
        ("unamady", 0),
        ("ұнамаған", 0),
        ("ұнамас", 0),
        ("ұнатпадым", 0),
        ("ұнамады емес", 1),
    ],
)
def test_a_verb_with_the_negative_suffix_counts_for_the_other_side(word: str, label: int) -> None:
    assert mood(word) == [label]


def test_the_last_word_of_a_phrase_may_be_a_verb() -> None:
    keywords = {"negative": {"kk": ()}, "positive": {"kk": ("көңілім тол-",)}}
    assert mood("көңілім толды", "көңілім толмады", keywords=keywords) == [1, 0]


def test_the_words_of_a_phrase_stand_next_to_each_other_in_one_text() -> None:
    assert mood("көңілімнің толғаны", "көңілім де толды", "толды көңілім", "көңілім", "толды") == [1, -1, -1, -1, -1]


def test_an_exact_phrase_matches_whole_words() -> None:
    keywords = {"negative": {"ru": ("=не то",)}, "positive": {"ru": ()}}
    assert mood("не то", "не тот", keywords=keywords) == [0, -1]


def test_a_phrase_is_one_match_whatever_its_words_say() -> None:
    assert mood("не разочаровал") == [1]
    assert mood("не работает") == [0]


def test_the_longest_entry_wins() -> None:
    keywords = {"negative": {"kk": ("жақсылап", "әп жақсы еді")}, "positive": {"kk": ("жақсы", "жақсы еді")}}
    assert mood("жақсылап алдады", "жақсы", "әп жақсы еді", "жақсы еді", keywords=keywords) == [0, 1, 0, 1]


def test_an_exact_word_wins_over_a_longer_looking_stem() -> None:
    keywords = {"negative": {"kk": ("=зор",)}, "positive": {"kk": ("зор^5", "*зор^5")}}
    assert mood("зор", "зорлар", keywords=keywords) == [0, 1]


def test_the_heavier_side_wins_and_a_near_tie_abstains() -> None:
    assert mood("жақсы, нашар", "жақсы, жаман") == [0, -1]


def test_min_margin_is_the_lead_it_takes() -> None:
    assert mood("жақсы, нашар", min_margin=1.5) == [-1]


def test_weight_decides_the_confidence() -> None:
    votes = KeywordVoter(labels=BINARY, keywords=MOOD).vote(
        Corpus(pl.Series(["1", "2"]), pl.Series(["жаман", "нашар"]))
    )
    assert votes.confidence.tolist() == pytest.approx([1.5 / 2, 2.5 / 3])


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("жақсы емес", 0),
        ("жаман емес", 1),
        ("jaqsy emes", 0),
        ("не хороший", 0),
        ("не очень хороший", 0),
        ("нет, хороший", 1),
        ("не знаю. хороший", 1),
        ("не хороший, не плохой", -1),
        ("дұрыс емес", 0),
        ("бағасына сай емес", 0),
        ("көңілім толды емес", 0),
        ("не разочаровал отличный", 1),
        ("не работает хорошо", 0),
        ("не плохой хороший", 1),
        ("без плохого", 1),
        ("хороший не", 1),
        ("емес жақсы", 1),
    ],
)
def test_negation_has_a_scope(text: str, label: int) -> None:
    assert mood(text, min_margin=0.6) == [label]


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("не деген жақсы", 1),
        ("не жақсы", 1),
        ("не деген хороший", 0),
        ("не деген жаман", 0),
        ("не ұнамады", 0),
        ("жақсы емес", 0),
        ("не көңілім толды", 1),
    ],
)
def test_a_kazakh_word_is_not_negated_by_a_russian_one(text: str, label: int) -> None:
    assert mood(text) == [label]


@pytest.mark.parametrize("word", ["бірақ", "birak", "алайда", "дегенмен", "но", "однако"])
def test_what_follows_but_counts_half(word: str) -> None:
    texts = (f"жақсы, {word} жаман", f"жақсы, {word} нашар", f"жаман {word} жақсы", f"{word} жаман", f"жаман {word}")
    assert mood(*texts) == [1, -1, 0, 0, 0]


def test_a_contrast_counts_in_its_own_text_and_outside_entries_only() -> None:
    keywords = {"negative": {"kk": ("жаман",)}, "positive": {"kk": ("жақсы", "тез бірақ^0.1")}}
    assert mood("бірақ", "жақсы, жаман", "тез бірақ жаман, жақсы жақсы", keywords=keywords) == [-1, -1, 1]


def test_but_changes_nothing_where_negation_is_ignored() -> None:
    assert goods("обувь, но носки") == [1]
    assert mood("жақсы, бірақ нашар", negation="ignore") == [0]


def test_negation_ends_with_the_text() -> None:
    assert mood("a не", "b хороший", "жақсы", "емес") == [-1, 1, 1, -1]


def test_auto_ignores_negation_with_more_than_two_classes() -> None:
    assert goods("не платье") == [1]


def test_flip_drops_negated_entries_with_more_than_two_classes() -> None:
    assert goods("не платье, обувь", negation="flip") == [0]


def test_ignore_counts_negated_entries_as_they_stand() -> None:
    assert mood("жақсы емес", "ұнамады", negation="ignore") == [1, 1]


def test_only_the_chosen_languages_count() -> None:
    assert mood("жақсы", "хороший", languages=("ru",)) == [-1, 1]


def test_an_unknown_language_names_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="no keywords in language 'en'") as caught:
        mood("good", languages=("en", "ru"))
    assert caught.value.hint == "Known: kk, ru."


@pytest.mark.parametrize("min_margin", [0.0, 0.1, 2.0])
def test_otherwise_takes_the_rows_without_an_entry(min_margin: float) -> None:
    assert goods("всё дошло", "носки", otherwise="none", min_margin=min_margin) == [2, 1]


def test_otherwise_leaves_ties_alone() -> None:
    assert goods("обувь и платье", otherwise="none") == [-1]


def test_otherwise_must_be_a_class() -> None:
    with pytest.raises(InputError, match="'nothing' is not a class"):
        goods("x", otherwise="nothing")


def test_keywords_of_an_unknown_class_are_an_error() -> None:
    with pytest.raises(InputError, match="'neutral' is not a class"):
        mood("x", keywords={"neutral": {"kk": ("a",)}})


@pytest.mark.parametrize("entry", ["", "^2", "!!", "ь", "жақсы ъ", "a^0", "a^-1", "a^x", "a^nan", "a^inf", "*a b"])
def test_bad_entries_are_refused(entry: str) -> None:
    with pytest.raises(ConfigError, match="is not a lexicon entry"):
        mood("x", keywords={"negative": {"kk": (entry,)}})


def test_no_entries_means_no_votes() -> None:
    assert mood("жақсы", keywords={}) == [-1]
