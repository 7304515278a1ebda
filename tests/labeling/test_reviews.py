"""Input rows and the gold rows that are not among them."""

from __future__ import annotations

import polars as pl

from labeler.data.gold import GoldTable
from labeler.data.tables import Table
from labeler.labeling.reviews import Reviews

GoldRow = tuple[str | None, str | None, int]


def table(*rows: tuple[str, str], **columns: list[int]) -> Table:
    frame = pl.DataFrame({"id": [name for name, _ in rows], "text": [text for _, text in rows], **columns})
    return Table(frame, pl.DataFrame(), "text", "id", "in.csv", "blake2b:0")


def gold(*rows: GoldRow) -> GoldTable:
    schema = {"id": pl.String, "text": pl.String, "label": pl.Int16}
    frame = pl.DataFrame(rows, schema=schema, orient="row").with_columns(weight=pl.int_range(pl.len()) + 1.0)
    return GoldTable(frame, 0, "gold.csv", "blake2b:1")


def test_without_gold_the_input_is_the_corpus() -> None:
    reviews = Reviews.combine(table(("1", "a"), ("2", "b")), None)
    assert (reviews.n_input, len(reviews.corpus), reviews.n_gold) == (2, 2, 0)
    assert reviews.corpus.gold is None


def test_gold_rows_in_the_input_are_marked_there() -> None:
    reviews = Reviews.combine(table(("1", "a"), ("2", "b")), gold(("2", "b", 1)))
    assert reviews.corpus.gold is not None
    assert reviews.corpus.gold.tolist() == [-1, 1]
    assert reviews.corpus.ids.to_list() == ["1", "2"]


def test_other_gold_rows_are_appended_in_order() -> None:
    reviews = Reviews.combine(table(("1", "a"), stars=[5]), gold(("9", "z", 1), ("8", "y", 0), ("1", "a", 1)))
    assert reviews.corpus.ids.to_list() == ["1", "9", "8"]
    assert reviews.corpus.texts.to_list() == ["a", "z", "y"]
    assert reviews.corpus.gold is not None
    assert reviews.corpus.gold.tolist() == [1, 1, 0]
    assert (reviews.n_input, reviews.n_gold) == (1, 3)


def test_appended_rows_have_no_other_columns() -> None:
    reviews = Reviews.combine(table(("1", "a"), stars=[5]), gold(("9", "z", 1)))
    assert reviews.corpus.columns is not None
    assert reviews.corpus.columns["stars"].to_list() == [5, None]


def test_appended_rows_get_ids_of_their_own() -> None:
    reviews = Reviews.combine(
        table(("1", "a"), ("gold:1", "b"), ("gold:1'", "c")), gold(("1", "z", 1), (None, "y", 0), (None, "x", 0))
    )
    ids = reviews.corpus.ids.to_list()
    assert len(set(ids)) == len(ids) == 6
    assert ids[:3] == ["1", "gold:1", "gold:1'"]
    assert all(name.startswith("gold:") for name in ids[3:])


def test_gold_rows_without_text_that_are_not_in_the_input_are_counted() -> None:
    reviews = Reviews.combine(table(("1", "a")), gold(("8", None, 1), ("9", "  ", 0), ("1", None, 1)))
    assert (reviews.unusable_gold, reviews.n_gold, len(reviews.corpus)) == (2, 1, 1)


def test_a_gold_text_is_appended_once() -> None:
    reviews = Reviews.combine(table(("1", "a")), gold(("8", "z", 1), ("9", "z", 1)))
    assert reviews.corpus.ids.to_list() == ["1", "8"]


def test_gold_rows_keep_their_weights() -> None:
    reviews = Reviews.combine(table(("1", "a"), ("2", "b")), gold(("9", "c", 0), ("2", "b", 1)))
    assert reviews.gold_weights is not None
    assert reviews.gold_weights.tolist() == [1.0, 2.0, 1.0]
