"""Ids that are found again without being kept."""

from __future__ import annotations

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from labeler.data.reading.ids import EarlierIds, KeyTable, complete_ids, content_ids

KEYS = st.integers(0, 9) | st.integers(2**64 - 9, 2**64 - 1) | st.integers(0, 2**64 - 1)


@given(st.lists(st.dictionaries(KEYS, st.integers(1, 2**40), max_size=9), max_size=6))
@settings(max_examples=40)
def test_a_key_table_is_a_dictionary(batches: list[dict[int, int]]) -> None:
    table, expected = KeyTable(), dict[int, int]()
    for batch in batches:
        table.put(np.array(list(batch), np.uint64), np.array(list(batch.values()), np.int64))
        expected |= batch
        asked = np.array([*expected, 5, 12345], np.uint64)
        assert table.get(asked).tolist() == [expected.get(int(key), 0) for key in asked]
        assert len(table) == len(expected)


def test_a_key_takes_twelve_bytes() -> None:
    table = KeyTable()
    rng = np.random.default_rng(0)
    for start in range(0, 200_000, 20_000):
        table.put(rng.integers(0, 2**64, 20_000, np.uint64), np.arange(start + 1, start + 20_001))
    assert len(table) == 200_000
    for keys, numbers in zip(table._keys, table._numbers, strict=True):
        assert keys.nbytes + numbers.nbytes == 12 * len(keys)
        assert keys.base is None
        assert numbers.base is None


@given(st.lists(st.lists(st.sampled_from(["a", "b", "", "c"]), max_size=5), max_size=5))
@settings(max_examples=40)
def test_made_ids_do_not_depend_on_the_chunks(chunks: list[list[str]]) -> None:
    earlier = KeyTable()
    made = [name for chunk in chunks for name in content_ids(pl.Series(chunk, dtype=pl.String), earlier)]
    together = pl.Series([text for chunk in chunks for text in chunk], dtype=pl.String)
    assert made == content_ids(together, KeyTable()).to_list()


def test_only_missing_ids_are_made() -> None:
    texts = pl.Series(["a", "b", "b", "c"])
    ids = complete_ids(texts, pl.Series([7, None, None, 8]), EarlierIds())
    assert ids.to_list() == ["7", *content_ids(pl.Series(["b", "b"]), KeyTable()), "8"]
