"""The parts of the benchmark that can be wrong: equal votes on both sides, reviews that stay distinct, the bars."""

import math
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from labeler.benchmarks import __main__ as entry
from labeler.benchmarks.page import as_markdown, merged_page
from labeler.benchmarks.paired import compare, realistic_votes
from labeler.benchmarks.process import run_labeler
from labeler.benchmarks.results import Result, as_text
from labeler.benchmarks.reviews import read_reviews, write_numbered
from labeler.benchmarks.sections import dawid_skene, growth
from labeler.benchmarks.sections.rules import Rules, by_column, measure_rules
from labeler.benchmarks.sections.snorkel_rules import normalize_one, words_of_one
from labeler.data.sample import sample_of
from labeler.data.types.corpus import Corpus
from labeler.labeling.settings import LabelModelSection


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
    text = as_text([*results, Result("a", "peer", math.nan, 1.0, detail="not installed: peer")])
    assert ">= 50" in text
    assert text.count("MISSED") == 1
    assert text.splitlines()[-1].split() == ["peer", "-", ">=", "1", "not", "installed:", "peer"]


def test_a_part_of_the_sections_leaves_the_others_on_the_page() -> None:
    fast = as_markdown([Result("a", "speed", 51.0, 50.0)], ["today"])
    slow = as_markdown([Result("a", "speed", 49.0, 50.0), Result("a", "told", 2.0)], ["tomorrow"])
    page = merged_page("", {"b": fast, "a": fast, "other": fast}, ["a", "b"])
    assert [line for line in page.splitlines() if line.startswith("##")] == ["## a", "## b", "## other"]
    assert "3 of 3 bars are met" in page
    page = merged_page(page, {"b": slow}, ["a", "b"])
    assert "2 of 3 bars are met" in page
    assert "- missed: b, speed" in page
    assert page.count("today") == 2
    assert page.count("tomorrow") == 1
    assert merged_page(page, {}, ["a", "b"]) == page


def test_the_entry_writes_the_chosen_sections(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entry, "RESULTS", tmp_path / "RESULTS.md")
    monkeypatch.setattr(entry, "measure_dawid_skene", lambda: [Result("dawid_skene", "speed", 3.0, 2.0)])
    reviews = str(sample_of("kaspi-sentiment").reviews)
    assert entry.main([reviews, "--section", "dawid_skene", "--write"]) == 0
    assert "| speed | 3 | >= 2 | met |" in (tmp_path / "RESULTS.md").read_text("utf-8")


def test_every_section_can_be_measured(tmp_path: Path) -> None:
    assert set(entry._sections(tmp_path, pl.Series(["a"]), 10, tmp_path)) == set(entry.SECTIONS)


def test_votes_are_combined_in_processes_of_their_own() -> None:
    theirs, mine, difference, same = compare(dawid_skene.ours, dawid_skene.ours, 2_000)
    assert theirs["steps"] == mine["steps"] > 1
    assert min(theirs["seconds"], mine["seconds"], mine["added_mb"]) > 0
    assert (difference, same) == (0, 1)


@pytest.mark.filterwarnings("ignore")
def test_dawid_skene_and_crowd_kit_find_the_same_labels() -> None:
    votes = realistic_votes(2_000)
    theirs, mine = (side(votes)[0] for side in (dawid_skene.crowd_kit, dawid_skene.ours))
    assert (theirs.argmax(axis=1) == mine.argmax(axis=1)).mean() > 0.99


def test_missing_peers_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyspark", None)
    monkeypatch.setitem(sys.modules, "dask", None)
    results = measure_rules(pl.Series(["Керемет зат!!! рахмет", "плохо"]))
    told = [result.detail for result in results if math.isnan(result.value)]
    assert [detail.partition(".")[0] for detail in told] == ["not installed: dask", "not installed: pyspark"]
    assert len(results) == 6


def test_growth_is_measured_on_distinct_reviews(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = Rules().config()
    light = {"voters": config.voters[-2:], "label_model": LabelModelSection(method="majority")}
    monkeypatch.setattr(Rules, "config", lambda self: config.model_copy(update=light))
    monkeypatch.setattr(growth, "FITTED_FROM", 1_000)
    texts = pl.read_csv(sample_of("kaspi-sentiment").reviews)["text"].fill_null("")
    write_numbered(texts, 3_000, tmp_path / "many.csv")
    assert pl.read_csv(tmp_path / "many.csv")["text"].n_unique() == 3_000
    told = [result.what for result in growth.measure_growth(texts, 10_000, tmp_path)]
    assert told[:3] == ["1,000 rows: seconds", "10,000 rows: seconds", "exponent of time in rows, 1,000 to 10,000"]
    assert told[3] == "10,000 rows x 17 rules of one class, per second of voting"


def test_a_command_that_fails_is_shown() -> None:
    with pytest.raises(RuntimeError, match="no-such-file"):
        run_labeler("label", "no-such-file.csv")
