"""Which texts are asked about."""

from __future__ import annotations

from random import Random

import numpy as np
import numpy.typing as npt
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from labeler.data.types.soft_labels import SoftLabels
from labeler.data.types.stored_corpus import TextCopies
from labeler.data.types.votes import Votes
from labeler.labeling.cascade.selection import choose_texts, doubts, hard_rows
from labeler.labeling.label_models.consensus import has_conflict

ROW = st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 100), st.booleans(), st.booleans())
AUDIT = st.sampled_from([0, 0.1, 0.5])
Row = tuple[str, int, bool, bool]


def table(rows: list[Row]) -> tuple[SoftLabels, npt.NDArray[np.bool_], TextCopies]:
    """Make labels from (text, confidence of the first class in percent, covered, in conflict)."""
    first = np.array([percent / 100 for _, percent, _, _ in rows])
    soft = SoftLabels(np.column_stack([first, 1 - first]), np.array([covered for _, _, covered, _ in rows], np.bool_))
    hard = hard_rows(soft, np.array([conflict for *_, conflict in rows], np.bool_), below=0.7)
    return soft, hard, TextCopies.from_texts([pl.Series([text for text, *_ in rows], dtype=pl.String)])


def chosen(rows: list[Row], *, budget: int = 100, audit: float = 0.0) -> list[str]:
    soft, hard, copies = table(rows)
    found = choose_texts(doubts(soft), hard, copies, budget=budget, audit=audit)
    return [rows[row][0] for row in copies.first[found]]


def test_patterns_have_a_conflict_where_two_voters_disagree() -> None:
    patterns = np.array([[-1, -1], [0, -1], [1, 1], [0, 1]], np.int16)
    assert has_conflict(patterns).tolist() == [False, False, False, True]


def test_uncovered_tied_unsure_and_disputed_rows_are_hard() -> None:
    rows = [("a", 90, False, False), ("b", 50, True, False), ("c", 60, True, False), ("d", 99, True, True)]
    soft, hard, _ = table([*rows, ("e", 99, True, False)])
    assert hard.tolist() == [True, True, True, True, False]
    assert soft.hard()[1] == -1


def test_the_most_doubtful_and_frequent_come_first() -> None:
    doubtful, frequent, sure = ("a", 55, True, False), ("b", 65, True, False), ("c", 99, True, False)
    assert chosen([doubtful, frequent, sure]) == ["a", "b"]
    assert chosen([doubtful, frequent, frequent, sure]) == ["b", "a"]
    assert chosen([doubtful, frequent, ("u", 99, False, False)], budget=1) == ["u"]


def test_some_texts_nobody_doubts_are_asked_about_too() -> None:
    hard = [(f"hard {i}", 50, True, False) for i in range(100)]
    easy = [(f"easy {i}", 99, True, False) for i in range(100)]
    asked = chosen([*hard, *easy], budget=50, audit=0.1)
    assert len(asked) == 50
    assert [text.startswith("easy") for text in asked].count(True) == 5
    assert any(text.startswith("easy") for text in asked[:10])  # where tokens run out, some have been asked
    assert len(chosen([*hard[:9], *easy], budget=50, audit=0.1)) == 10


def test_where_nothing_is_hard_nothing_is_asked() -> None:
    assert chosen([("a", 99, True, False)], audit=0.5) == []
    assert chosen([]) == []


@given(st.lists(ROW, max_size=40), st.randoms(use_true_random=False), st.integers(0, 10), AUDIT)
def test_the_order_of_the_rows_does_not_matter(rows: list[Row], random: Random, budget: int, audit: float) -> None:
    mixed = random.sample(rows, len(rows))
    assert chosen(mixed, budget=budget, audit=audit) == chosen(rows, budget=budget, audit=audit)


@given(st.lists(ROW, max_size=40), st.integers(0, 10), AUDIT)
def test_the_budget_is_kept_and_no_text_chosen_twice(rows: list[Row], budget: int, audit: float) -> None:
    asked = chosen(rows, budget=budget, audit=audit)
    assert len(asked) <= budget
    assert len(set(asked)) == len(asked)


@given(st.lists(ROW, min_size=1, max_size=40), st.integers(1, 10))
def test_a_larger_budget_asks_about_the_same_and_more(rows: list[Row], budget: int) -> None:
    assert chosen(rows, budget=budget + 1)[:budget] == chosen(rows, budget=budget)


def test_a_vote_is_given_to_all_rows_with_its_text() -> None:
    copies = TextCopies.from_texts([pl.Series(["b", "a"]), pl.Series(["b", "c"])])
    chosen = np.array([copies.inverse[0], copies.inverse[3]])
    votes = Votes.from_scores([1, -1], [0.85, 0.85]).scatter(chosen, len(copies))
    assert votes.take(copies.inverse).labels.tolist() == [1, -1, 1, -1]
