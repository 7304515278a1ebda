"""The parts of the benchmark that can be wrong: equal votes on both sides, reviews that stay distinct, the bars."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from labeler.benchmarks.results import Result, as_markdown, as_text, machine
from labeler.benchmarks.reviews import read_reviews
from labeler.benchmarks.rules import Rules, by_column
from labeler.benchmarks.snorkel_rules import normalize_one, words_of_one
from labeler.data.corpus import Corpus
from labeler.data.sample import sample_of


class Row:
    def __init__(self, text: str) -> None:
        self.text = text
        self.normalized = normalize_one(text)
        self.words = words_of_one(self.normalized)


@pytest.mark.parametrize("prepared", [False, True])
def test_functions_of_one_row_vote_as_the_voters(prepared: bool) -> None:
    texts = pl.read_csv(sample_of("kaspi-sentiment").reviews)["text"].fill_null("")
    hard = [
        "",
        " ",
        "не очень хорошо",
        "не, хорошо",
        "көңілім толмады емес",
        "!!!",
        "))) (",
        "УЖАС\u00a0ужас",
        "хоро\u0301ший",
    ]
    texts = pl.concat([texts, pl.Series(hard)])
    rules = Rules()
    ours = by_column(rules.voters(only_regex=False), texts)
    functions = rules.functions(only_regex=False, prepared=prepared)
    theirs = np.array([[function(Row(text)) for function in functions] for text in texts])
    np.testing.assert_array_equal(ours, theirs)
    assert (ours >= 0).any(axis=0).sum() >= 12


def test_words_of_one_are_the_words_of_a_column() -> None:
    texts = pl.read_csv(sample_of("kaspi-sentiment").reviews)["text"].fill_null("").unique().sort()
    words = Corpus(texts, texts).unique.words
    for i, text in enumerate(texts):
        codes = words.codes[words.offsets[i] : words.offsets[i + 1]]
        assert [words.vocabulary[code] for code in codes] == words_of_one(normalize_one(text))


def test_a_small_file_is_augmented_with_distinct_reviews(tmp_path: Path) -> None:
    file, texts, told = read_reviews(sample_of("kaspi-sentiment").reviews, tmp_path, enough=900)
    assert len(texts) == texts.n_unique() == len(pl.read_csv(file)) == 900
    assert "augmented" in told
    same, texts, told = read_reviews(file, tmp_path, enough=900)
    assert same == file
    assert "augmented to" not in told


def test_results_say_whether_a_bar_is_met() -> None:
    results = [Result("a", "speed", 51.0, 50.0), Result("a", "share", 0.3, 0.25, False), Result("a", "told", 2.0)]
    assert [result.met for result in results] == [True, False, None]
    text = as_text(results)
    assert ">= 50" in text
    assert "MISSED" in text
    assert as_markdown(results, machine(), "Heading").count("| a |") == 3
