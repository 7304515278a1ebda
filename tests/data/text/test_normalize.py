"""Spellings of one word meet; different words stay apart."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labeler.data.text.normalize import fold_phrase, fold_word, fold_words, normalize

ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]))
OUR_LETTERS = st.text("нгджшщьъхйəәғқңөұүһіahiyszckeNGJŹǵú\u0301", max_size=20)


@pytest.mark.parametrize(
    "spellings",
    [
        ["керемет", "keremet", "КЕРЕМЕЕЕТ", "Керрремет", "kеrемеt"],
        ["күшті", "кушти", "kushti", "КҮШТІІІІ", "күшштіі"],
        ["жақсы", "jaksy", "zhaqsy", "жаксы", "jaqsy", "ЖАҚСЫЫЫ", "zhaksy"],
        ["әдемі", "əдемі", "ədemi", "әdemi", "ädemi", "ádemi", "ademi", "адеми"],
        ["рахмет", "раxмет", "rahmet", "rakhmet", "pахмет"],
        ["хороший", "хоро\u0301ший", "horoshiy", "ХОРОШИЙ"],
        ["ёлка", "елка", "е\u0308лка"],
        ["жаңа", "жана", "жанга", "janga", "jaña", "жаң̆а"],
        ["қызық", "кызык", "qyzyq", "kyzyk"],
    ],
)
def test_spellings_of_one_word_meet(spellings: list[str]) -> None:
    assert {fold_word(spelling) for spelling in spellings} == {fold_word(spellings[0])}


@pytest.mark.parametrize(("one", "other"), [("жақсы", "жаман"), ("керек", "керемет"), ("бас", "баш"), ("қал", "қол")])
def test_different_words_stay_apart(one: str, other: str) -> None:
    assert fold_word(one) != fold_word(other)


@settings(max_examples=50)
@given(ANY_TEXT | OUR_LETTERS)
def test_folding_twice_changes_nothing(word: str) -> None:
    assert fold_word(fold_word(word)) == fold_word(word)


@settings(max_examples=50)
@given(OUR_LETTERS)
def test_case_does_not_matter(word: str) -> None:
    assert fold_word(word.upper()) == fold_word(word.lower())


def test_a_folded_word_is_short_however_long_the_word() -> None:
    assert fold_word("ab" * 1_000_000) == "аб" * 32
    assert len(fold_word("\ufdfa" * 100)) <= 64


@settings(max_examples=50)
@given(st.lists(ANY_TEXT, max_size=5))
def test_normalised_texts_have_single_inner_spaces(texts: list[str]) -> None:
    found = normalize(pl.Series(texts, dtype=pl.String)).to_list()
    assert len(found) == len(texts)
    assert all(text == text.strip(" ") and "  " not in text and "\n" not in text for text in found)


def test_normalising_composes_and_lowers() -> None:
    assert normalize(pl.Series([" \u0418\u0306Од\r\n ЖАҚСЫ\t!! "])).to_list() == ["йод жақсы !!"]


@pytest.mark.parametrize(
    ("phrase", "words"),
    [
        ("көңілі  толды!", ("конили", "толди", "!")),
        ("смарт-часы", ("смарт", "часи")),
        ("a_b", ("а", "_", "б")),
        ("C++", ("с", "+", "+")),
        ("№1", ("№", "1")),
        ("и\u0306од", ("иод",)),
        ("!!", ("!", "!")),
        ("ь", ("",)),
    ],
)
def test_a_phrase_is_cut_as_texts_are(phrase: str, words: tuple[str, ...]) -> None:
    assert fold_phrase(phrase) == words


@given(st.lists(st.text(st.characters(exclude_categories=["Cs", "Zs", "Cc"]), min_size=1, max_size=80), unique=True))
def test_many_words_fold_as_one_by_one(words: list[str]) -> None:
    assert fold_words(pl.Series(words, dtype=pl.String)) == [fold_word(word) for word in words]


@given(st.lists(st.text("аәғқңөұүһіыйёэщъьджнгabjzhkshwyxüñ1", min_size=1, max_size=70), unique=True))
def test_many_kazakh_words_fold_as_one_by_one(words: list[str]) -> None:
    assert fold_words(pl.Series(words, dtype=pl.String)) == [fold_word(word) for word in words]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("&#1256;те жа&#1179;сы", "өте жақсы"),
        ("&quot;Super&quot; &amp;amp; ok&nbsp;!", '"super" & ok !'),
        ("от\u00adлич\u00adно", "отлично"),
        ("ужас\u200bно бр\u2060ак", "ужасно брак"),
        ("хоро\u200dшо", "хорошо"),
        ("👩\u200d👧", "👩\u200d👧"),
        ("R&D; 5 & 6; AT&T", "r&d; 5 & 6; at&t"),
    ],
)
def test_entities_and_invisible_characters(written: str, read: str) -> None:
    assert normalize(pl.Series([written, "x"])).to_list() == [read, "x"]
