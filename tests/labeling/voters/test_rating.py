"""The rating voter."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from labeler.data.errors import ConfigError, InputError, VoterError
from labeler.data.types.corpus import Corpus
from labeler.data.types.label_space import LabelSpace
from labeler.labeling.voters.rating import RatingVoter

LABELS = LabelSpace(("negative", "positive"))
RANGES = {"negative": (1.0, 2.0), "positive": (4.0, 5.0)}


def vote(values: list[Any], **options: Any) -> list[int]:
    ids = [str(i) for i in range(len(values))]
    corpus = Corpus(ids, ids, pl.DataFrame({"rating": values}))  # type: ignore[arg-type]
    labels: list[int] = RatingVoter(labels=LABELS, **{"ranges": RANGES, **options}).vote(corpus).labels.tolist()
    return labels


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ([1, 2, 3, 4, 5, 0, 6, None], [0, 0, -1, 1, 1, -1, -1, -1]),
        ([1.0, 2.5, 4.5, float("nan"), float("inf")], [0, -1, 1, -1, -1]),
        (["1", " 5 ", "4,5", "5.0", "3", "", "бес", "5/5", None], [0, 1, 1, 1, -1, -1, -1, -1, -1]),
        ([None, None], [-1, -1]),
        ([True, False], [0, -1]),
    ],
)
def test_ranges_are_inclusive_and_other_values_are_abstained_on(values: list[Any], labels: list[int]) -> None:
    assert vote(values) == labels


def test_a_missing_column_names_the_nearest() -> None:
    with pytest.raises(VoterError, match="has no column 'ratings'") as caught:
        vote([1], column="ratings")
    assert caught.value.hint == "Did you mean 'rating'? Known: rating."


def test_a_column_of_lists_is_refused() -> None:
    with pytest.raises(VoterError, match=r"Column 'rating' holds List\(Int64\)"):
        vote([[1], [2]])


def test_a_range_of_an_unknown_class_is_an_error() -> None:
    with pytest.raises(InputError, match="'positiv' is not a class"):
        vote([1], ranges={"positiv": (4, 5)})


@pytest.mark.parametrize(
    ("ranges", "message"),
    [
        ({"positive": (5, 4), "negative": (1, 2)}, r"The range \[5, 4\] of class 'positive' holds no number"),
        ({"positive": (3, 5), "negative": (1, 3)}, "The ranges of classes 'negative' and 'positive' overlap"),
    ],
)
def test_ranges_that_cannot_be_meant_are_refused(ranges: dict[str, tuple[float, float]], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        vote([1], ranges=ranges)
