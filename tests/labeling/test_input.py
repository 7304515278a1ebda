"""Input rows and the gold rows that are not among them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeler.data.gold.gold_rows import GoldTable
from labeler.data.reading.reviews import open_stream
from labeler.data.runs.directory import RunDirectory
from labeler.data.types.corpus import Corpus, digest_series
from labeler.data.types.stored_corpus import TextCopies
from labeler.labeling.input import Reviews, store_reviews

GoldRow = tuple[str | None, str | None, int]


Combine = Callable[[pl.DataFrame, GoldTable | None], Reviews]


@pytest.fixture(params=[1, 100])
def combine(tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Combine:
    """Store a table and gold rows in a run, in chunks of one row or of all."""
    monkeypatch.setattr("labeler.data.writing.atomic._flush", lambda path: None)
    monkeypatch.setattr("labeler.labeling.input.CHUNK_ROWS", request.param)

    def stored(frame: pl.DataFrame, gold: GoldTable | None) -> Reviews:
        frame.write_parquet(tmp_path / "in.parquet")
        run = RunDirectory(tmp_path)
        with open_stream(tmp_path / "in.parquet", chunk_rows=request.param, id_column="id") as stream:
            return store_reviews(stream, gold, run)

    return stored


def table(*rows: tuple[str, str], **columns: list[int]) -> pl.DataFrame:
    return pl.DataFrame({"id": [name for name, _ in rows], "text": [text for _, text in rows], **columns})


def frame(reviews: Reviews) -> pl.DataFrame:
    return pl.concat(reviews.corpus.frames("id", "text", *reviews.corpus.column_names))


def gold_of(reviews: Reviews) -> list[tuple[int, int]]:
    assert reviews.gold is not None
    return list(zip(reviews.gold.rows.tolist(), reviews.gold.labels.tolist(), strict=True))


def gold(*rows: GoldRow) -> GoldTable:
    schema = {"id": pl.String, "text": pl.String, "label": pl.Int16}
    frame = pl.DataFrame(rows, schema=schema, orient="row").with_columns(
        inclusion_probability=pl.lit(None, pl.Float64),
        rows=pl.lit(None, pl.Float64),
        weight=pl.int_range(pl.len()) + 1.0,
    )
    return GoldTable(frame, "gold.csv", "blake2b:1")


def test_without_gold_the_input_is_the_corpus(combine: Combine) -> None:
    reviews = combine(table(("1", "a"), ("2", "b")), None)
    assert (reviews.n_input, len(reviews.corpus), reviews.n_gold) == (2, 2, 0)
    assert reviews.gold is None


def test_gold_rows_in_the_input_are_marked_there(combine: Combine) -> None:
    reviews = combine(table(("1", "a"), ("2", "b")), gold(("2", "b", 1)))
    assert gold_of(reviews) == [(1, 1)]
    assert frame(reviews)["id"].to_list() == ["1", "2"]


def test_other_gold_rows_are_appended_in_order(combine: Combine) -> None:
    reviews = combine(table(("1", "a"), stars=[5]), gold(("9", "z", 1), ("8", "y", 0), ("1", "a", 1)))
    assert frame(reviews)["id"].to_list() == ["1", "9", "8"]
    assert frame(reviews)["text"].to_list() == ["a", "z", "y"]
    assert gold_of(reviews) == [(0, 1), (1, 1), (2, 0)]
    assert (reviews.n_input, reviews.n_gold) == (1, 3)


def test_appended_rows_have_no_other_columns(combine: Combine) -> None:
    reviews = combine(table(("1", "a"), stars=[5]), gold(("9", "z", 1)))
    assert frame(reviews)["stars"].to_list() == [5, None]


def test_appended_rows_get_ids_of_their_own(combine: Combine) -> None:
    reviews = combine(
        table(("1", "a"), ("gold:1", "b"), ("gold:1'", "c")), gold(("1", "z", 1), (None, "y", 0), (None, "x", 0))
    )
    ids = frame(reviews)["id"].to_list()
    assert len(set(ids)) == len(ids) == 6
    assert ids[:3] == ["1", "gold:1", "gold:1'"]
    assert all(name.startswith("gold:") for name in ids[3:])


def test_gold_rows_without_text_that_are_not_in_the_input_are_counted(combine: Combine) -> None:
    reviews = combine(table(("1", "a")), gold(("8", None, 1), ("9", "  ", 0), ("1", None, 1)))
    assert gold_of(reviews) == [(0, 1)]
    assert reviews.gold is not None
    assert (reviews.gold.unusable, len(reviews.corpus)) == (2, 1)


def test_a_gold_text_is_appended_once(combine: Combine) -> None:
    reviews = combine(table(("1", "a")), gold(("8", "z", 1), ("9", "z", 1)))
    assert frame(reviews)["id"].to_list() == ["1", "8"]


def test_gold_rows_keep_their_weights(combine: Combine) -> None:
    reviews = combine(table(("1", "a"), ("2", "b")), gold(("9", "c", 0), ("2", "b", 1)))
    assert reviews.gold is not None
    assert (reviews.gold.rows.tolist(), reviews.gold.weights.tolist()) == ([1, 2], [2.0, 1.0])


def test_only_the_first_rows_are_used(tmp_path: Path) -> None:
    table(*((str(i), "" if i % 2 else "a") for i in range(10))).write_parquet(tmp_path / "in.parquet")
    for limit, size in [(1, 1), (2, 1), (2, 3), (3, 4), (5, 10), (9, 10)]:
        with open_stream(tmp_path / "in.parquet", chunk_rows=size) as stream:
            reviews = store_reviews(stream, None, RunDirectory(tmp_path), limit=limit)
        used = min(limit, 5)
        assert frame(reviews)["id"].to_list() == [str(2 * i) for i in range(used)]
        assert reviews.rejected == (5 if limit > 5 else used - 1)


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=12), st.integers(1, 12))
def test_copies_are_found_in_any_chunks(texts: list[str], size: int) -> None:
    values = pl.Series(texts)
    copies = TextCopies.from_texts(values.slice(start, size) for start in range(0, len(texts), size))
    assert [texts[row] for row in copies.first[copies.inverse]] == texts
    assert [texts.index(text) for text in texts] == copies.first[copies.inverse].tolist()
    assert copies.counts[copies.inverse].tolist() == [texts.count(text) for text in texts]


def test_rows_are_taken_in_their_order(combine: Combine) -> None:
    reviews = combine(table(("1", "a"), ("2", "b"), ("3", "c")), None)
    assert reviews.corpus.take(np.array([2, 0, 2, 1])).rows() == [("3", "c"), ("1", "a"), ("3", "c"), ("2", "b")]
    assert reviews.corpus.take(np.zeros(0, np.int64)).rows() == []


def test_a_stored_corpus_has_the_digests_of_the_whole(combine: Combine) -> None:
    stored = combine(table(("1", "a"), ("2", "b"), stars=[5, 1]), None).corpus
    whole = Corpus(pl.Series(["1", "2"]), pl.Series(["a", "b"]), pl.DataFrame({"stars": [5, 1]}))
    assert (stored.digest, stored.ids_digest) == (digest_series(whole.texts), digest_series(whole.ids))
    assert stored.column_digest("stars") == digest_series(pl.Series(["5", "1"]))
    assert pl.concat(stored.chunk(i).texts for i in range(len(stored.sizes))).equals(whole.texts)
