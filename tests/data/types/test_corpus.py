"""Reviews, their distinct texts, and the words of these."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labeler.data.types.corpus import Corpus, SeriesDigest, UniqueTexts, Words, digest_series

TEXTS = st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=12)


def corpus(texts: list[str], **others: Any) -> Corpus:
    return Corpus(
        pl.Series([str(i) for i in range(len(texts))], dtype=pl.String), pl.Series(texts, dtype=pl.String), **others
    )


@pytest.mark.parametrize(
    ("ids", "texts", "message"),
    [
        (["1", "2"], ["a"], "2 ids but 1 texts"),
        (["1", "1"], ["a", "b"], "Ids must be unique; '1' repeats"),
        (["1", None], ["a", "b"], "Every id must be a string, found String with 1 nulls"),
        (["1"], [None], "Every text must be a string"),
    ],
)
def test_impossible_reviews_are_refused(ids: Any, texts: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Corpus(ids, texts)


def test_numbers_are_not_texts() -> None:
    with pytest.raises(ValueError, match="Every text must be a string, found Int64"):
        Corpus(pl.Series(["1"]), pl.Series([1]))


def test_other_columns_have_as_many_rows() -> None:
    with pytest.raises(ValueError, match="1 ids but 2 rows of other columns"):
        corpus(["a"], columns=pl.DataFrame({"x": [1, 2]}))


@pytest.mark.parametrize("gold", [[0], [0, -2]])
def test_impossible_gold_is_refused(gold: list[int]) -> None:
    with pytest.raises(ValueError, match=r"Gold must have shape \(2,\)"):
        corpus(["a", "b"], gold=np.array(gold))


@settings(max_examples=50)
@given(TEXTS)
def test_distinct_texts_gather_back_to_all(texts: list[str]) -> None:
    unique = UniqueTexts.from_texts(pl.Series(texts, dtype=pl.String))
    assert [unique.texts[int(i)] for i in unique.inverse] == texts
    assert unique.texts.to_list() == sorted(set(texts), key=lambda text: text.encode())
    assert unique.counts.tolist() == [texts.count(text) for text in unique.texts]


@settings(max_examples=50)
@given(TEXTS)
def test_words_are_a_ragged_array_over_a_sorted_vocabulary(texts: list[str]) -> None:
    words = Words.from_texts(pl.Series(texts, dtype=pl.String))
    assert list(words.vocabulary) == sorted(set(words.vocabulary))
    assert words.offsets[0] == 0
    assert words.offsets[-1] == len(words.codes) == len(words.rows)
    assert len(words.offsets) == len(texts) + 1
    assert words.counts.shape == (len(texts),)


def test_words_are_counted_and_marks_are_not() -> None:
    assert corpus(["Өте жақсы!!! 👍🏽", "))", "5 жұлдыз", ""]).unique.words.counts.tolist() == [0, 0, 2, 2]


def test_a_mark_of_an_emoji_does_not_cling_to_the_next_word() -> None:
    words = corpus(["❤️керемет"]).unique.words
    assert [words.vocabulary[code] for code in words.codes] == ["❤", "керемет"]


def test_the_digest_depends_on_texts_and_their_order_only() -> None:
    first = digest_series(pl.Series(["a", "b"]))
    assert first == digest_series(pl.Series("named", ["a", "b"]))
    assert first != digest_series(pl.Series(["b", "a"]))
    assert first != digest_series(pl.Series(["ab", ""]))


@given(st.lists(st.text(max_size=3), max_size=8), st.integers(1, 8))
def test_the_digest_does_not_depend_on_the_chunks(texts: list[str], size: int) -> None:
    values = pl.Series(texts, dtype=pl.String)
    digest = SeriesDigest()
    for start in range(0, len(texts), size):
        digest.update(values.slice(start, size))
    assert digest.hexdigest() == digest_series(values)


def test_the_digest_is_the_same_in_every_version() -> None:
    assert digest_series(pl.Series(["жақсы", "", "👍"])) == "df70f236e44bffd7bbbe83a0167125d0"
