"""Columns of the input that voters read."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from labeler.data.errors import VoterError
from labeler.data.types.corpus import Corpus
from labeler.labeling.voters.shared.columns import column_of, numeric_columns

from ....corpora import stored


def corpus(columns: dict[str, Any]) -> Corpus:
    return Corpus(pl.Series(["1"]), pl.Series(["a"]), pl.DataFrame(columns))


def test_a_column_is_found_by_name() -> None:
    assert column_of(corpus({"x": [1], "y": [2]}), "y").to_list() == [2]


def test_a_missing_column_names_the_nearest() -> None:
    with pytest.raises(VoterError, match="The input has no column 'raiting'") as caught:
        column_of(corpus({"rating": [1], "date": ["x"]}), "raiting")
    assert caught.value.hint == "Did you mean 'rating'? Known: date, rating."


def test_without_columns_it_says_so() -> None:
    with pytest.raises(VoterError, match="no column 'rating'") as caught:
        column_of(Corpus(pl.Series(["1"]), pl.Series(["a"])), "rating")
    assert caught.value.hint == "The input has no columns beside the text."


@pytest.mark.parametrize("value", [[1], {"a": 1}, b"x"])
def test_a_column_of_compound_values_is_refused(value: Any) -> None:
    with pytest.raises(VoterError, match=r"Column .x. holds .*, not plain values"):
        column_of(corpus({"x": [value]}), "x")


def test_columns_that_hold_only_numbers_as_text() -> None:
    columns = {
        "stars": ["5", " 1 ", None],
        "price": ["4,5", "-2.25", ""],
        "code": ["007", "12", "3"],
        "phone": ["77011234567", "1", "2"],
        "size": ["42", "XL", "1"],
        "empty": ["", None, " "],
        "typed": [1, 2, 3],
    }
    rows = Corpus(pl.Series(["1", "2", "3"]), pl.Series(["a", "b", "c"]), pl.DataFrame(columns))
    assert numeric_columns(stored(rows)) == ("stars", "price")
