"""Parsing and matching lexicon entries, held to a plain search over words."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labeler.config import Task
from labeler.data.errors import ConfigError
from labeler.data.presets import preset_names
from labeler.data.types.corpus import Words
from labeler.labeling.text.lexicon import Entry, match, parse_entry

WORDS = st.lists(st.text("абв", min_size=1, max_size=4), max_size=6)


@pytest.mark.parametrize(
    ("text", "entry"),
    [
        ("жақсы", Entry(1, ("жакси",), 1.0)),
        ("=зор", Entry(1, ("зор",), 1.0, exact=True)),
        ("*майды^0.5", Entry(1, ("маиди",), 0.5, suffix=True)),
        ("ұна-", Entry(1, ("уна",), 1.0, verb=True)),
        ("ұна-^2", Entry(1, ("уна",), 2.0, verb=True)),
        ("Көңілі толды!", Entry(1, ("конили", "толди"), 1.0)),
        ("C++", Entry(1, ("с", "+", "+"), 1.0, exact=True)),
        ("5+^2", Entry(1, ("5", "+"), 2.0, exact=True)),
        ("№1", Entry(1, ("№", "1"), 1.0, exact=True)),
        ("т.д.", Entry(1, ("т", ".", "д", "."), 1.0, exact=True)),
        ("5", Entry(1, ("5",), 1.0, exact=True)),
    ],
)
def test_entries_are_parsed(text: str, entry: Entry) -> None:
    assert parse_entry(text, 1) == entry


def test_entries_know_whether_they_are_kazakh() -> None:
    entries = [parse_entry("жақсы", 1, language="kk"), parse_entry("күні бойы", 1, language="kk"), parse_entry("но", 0)]
    words = Words.from_texts(pl.Series(["но жақсы, күні бойы"]))
    assert match(words, entries).kazakh.tolist() == [False, True, True]


@settings(max_examples=50)
@given(WORDS, st.lists(st.tuples(st.sampled_from(["", "=", "*"]), st.text("абв", min_size=1, max_size=3)), max_size=5))
def test_single_words_match_as_a_plain_search_finds_them(tokens: list[str], written: list[tuple[str, str]]) -> None:
    entries = [parse_entry(sign + stem, 0) for sign, stem in written]
    words = Words.from_texts(pl.Series([" ".join(tokens)], dtype=pl.String))
    folded = [words.vocabulary[code] for code in words.codes]

    def found(word: str, entry: Entry) -> bool:
        stem = entry.words[0]
        return word.endswith(stem) if entry.suffix else word == stem if entry.exact else word.startswith(stem)

    expected = [i for i, word in enumerate(folded) if any(found(word, entry) for entry in entries)]
    matches = match(words, entries)
    assert matches.positions.tolist() == matches.ends.tolist() == expected
    assert matches.inside.nonzero()[0].tolist() == expected


@settings(max_examples=50)
@given(st.lists(WORDS, max_size=4), st.text("абв", min_size=1, max_size=2), st.text("абв", min_size=1, max_size=2))
def test_phrases_match_neighbours_of_one_text(texts: list[list[str]], first: str, second: str) -> None:
    entry = parse_entry(f"{first} {second}", 0)
    words = Words.from_texts(pl.Series([" ".join(tokens) for tokens in texts], dtype=pl.String))
    folded = [words.vocabulary[code] for code in words.codes]
    starts = [
        i
        for i in range(len(folded) - 1)
        if words.rows[i] == words.rows[i + 1]
        and folded[i].startswith(entry.words[0])
        and folded[i + 1].startswith(entry.words[1])
    ]
    assert set(match(words, [entry]).positions.tolist()) == set(starts)


@pytest.mark.parametrize("preset", preset_names())
def test_every_preset_entry_parses(preset: str) -> None:
    for i, label in enumerate(Task.preset(preset).task.labels):
        assert all(parse_entry(entry, i).weight > 0 for entries in label.keywords.values() for entry in entries)


@pytest.mark.parametrize("preset", preset_names())
def test_no_preset_entry_speaks_for_two_classes(preset: str) -> None:
    speaks: dict[tuple[object, ...], set[str]] = {}
    for i, label in enumerate(Task.preset(preset).task.labels):
        for entry in (parse_entry(text, i) for entries in label.keywords.values() for text in entries):
            speaks.setdefault((entry.words, entry.exact, entry.suffix), set()).add(label.name)
    assert {entry: names for entry, names in speaks.items() if len(names) > 1} == {}


def test_the_sentiment_preset_has_many_stems_per_class() -> None:
    for label in Task.preset("kaspi-sentiment").task.labels:
        entries = [parse_entry(text, 0) for texts in label.keywords.values() for text in texts]
        assert len({entry.words for entry in entries}) >= 60


@pytest.mark.parametrize(
    ("entry", "texts"),
    [("C++", ["книга про C++"]), ("5+", ["оценка 5+"]), ("№1", ["продавец №1"]), ("с", ["с ней"])],
)
def test_an_entry_with_a_sign_is_found_as_it_is_written(entry: str, texts: list[str]) -> None:
    others = ["смотреть можно", "50 тенге переплатил", "но 1 звезда", "сумка + чехол"]
    words = Words.from_texts(pl.Series([*others, *texts]))
    assert set(words.rows[match(words, [parse_entry(entry, 0)]).positions]) == {len(others)}


@pytest.mark.parametrize("text", ["-", "+", "!", "^2", "*два слова", "слово^x", "\bслово"])
def test_what_is_no_entry_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"is not a lexicon entry|control character"):
        parse_entry(text, 0)
