"""A set of ids in little memory."""

from __future__ import annotations

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from labeler.data.writing.sinks.id_set import IdSet

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=10)


@given(batches=st.lists(st.lists(TEXT, max_size=8), max_size=40), wanted=st.lists(TEXT, max_size=10))
@settings(max_examples=50)
def test_it_agrees_with_a_set_of_texts(batches: list[list[str]], wanted: list[str]) -> None:
    ids, plain = IdSet(), set[str]()
    for batch in batches:
        new = list(dict.fromkeys(text for text in batch if text not in plain))
        ids.add(pl.Series(new, dtype=pl.String))
        plain.update(new)
    assert len(ids) == len(plain)
    for texts in (wanted, sorted(plain)):
        assert ids.contains(pl.Series(texts, dtype=pl.String)).to_list() == [text in plain for text in texts]


def test_ids_are_compared_as_text() -> None:
    ids = IdSet()
    ids.add(pl.Series([7, 8]))
    assert ids.contains(pl.Series(["7", "07", "8.0", "8.5"])).to_list() == [True, False, True, False]


def test_it_takes_eight_bytes_for_an_id() -> None:
    ids = IdSet()
    for start in range(0, 100_000, 1000):
        ids.add(pl.int_range(start, start + 1000, eager=True))
    assert sum(run.nbytes for run in ids._runs) == 8 * len(ids) == 800_000
    assert len(ids._runs) <= 16
