"""Typical words are those that a class has and the others lack; topics are words that come together."""

from datetime import date, datetime
from typing import Any

import polars as pl
import pytest

from labeler.data.errors import InputError
from labeler.reports.evaluation.class_terms import characteristic_terms
from labeler.reports.evaluation.dates import find_dates

CLASSES = ("negative", "positive")


def reviews() -> pl.DataFrame:
    texts = [f"жеткізу кешікті тауар {i}" for i in range(40)] + [f"экран сынық тауар {i}" for i in range(40)]
    texts += [f"керемет тауар рахмет {i}" for i in range(200)]
    return pl.DataFrame({"text": texts, "label": ["negative"] * 80 + ["positive"] * 200})


def test_words_of_one_class_are_found_and_common_ones_are_not() -> None:
    words = characteristic_terms(reviews(), CLASSES).words
    assert {word.word for word in words["negative"]} == {"жеткізу", "кешікті", "экран", "сынық"}
    assert {word.word for word in words["positive"]} == {"керемет", "рахмет"}
    delivery = next(word for word in words["negative"] if word.word == "жеткізу")
    assert (delivery.reviews, delivery.share, delivery.share_elsewhere) == (40, 0.5, 0.0)
    assert "жеткізу" in delivery.example


def test_endings_do_not_split_a_word() -> None:
    rows = reviews().with_columns(pl.col("text").str.replace("жеткізу", "жеткізілмеді").alias("other"))
    mixed = pl.concat([rows.select("text", "label"), rows.select(pl.col("other").alias("text"), "label")])
    found = [word for word in characteristic_terms(mixed, CLASSES).words["negative"] if word.word.startswith("жеткіз")]
    assert [word.reviews for word in found] == [80]


def test_topics_are_words_that_come_together() -> None:
    topics = characteristic_terms(reviews(), CLASSES).topics["negative"]
    assert {frozenset(topic.words[:2]) for topic in topics} == {
        frozenset({"жеткізу", "кешікті"}),
        frozenset({"экран", "сынық"}),
    }
    assert [topic.reviews for topic in topics] == [40, 40]


def test_labels_are_counted_by_month() -> None:
    rows = pl.DataFrame({"text": ["a"] * 4, "label": ["negative", "positive", None, "positive"]})
    dates = pl.Series([date(2025, 3, 1), date(2025, 3, 9), date(2025, 3, 9), date(2024, 12, 31)])
    months = characteristic_terms(rows, CLASSES, dates=dates).months
    assert [(m.month, m.reviews, m.counts) for m in months] == [
        ("2024-12", 1, {"negative": 0, "positive": 1}),
        ("2025-03", 2, {"negative": 1, "positive": 1}),
    ]


def test_no_labels_have_no_words() -> None:
    empty = characteristic_terms(
        pl.DataFrame({"text": ["a"], "label": [None]}, schema_overrides={"label": pl.String}), CLASSES
    )
    assert empty.words == {"negative": [], "positive": []}


@pytest.mark.parametrize(
    "values",
    [
        ["2025-03-30", None],
        ["30.03.2025", "x"],
        ["30.03.25", "31.02.25"],
        ["30.3.25 9:05", "no date"],
        ["2025-03-30T10:00:00Z", ""],
        ["2025/3/30", ""],
        ["3/30/25", None],
        ["30-03-2025", None],
        ["1743328800", "17"],
        [1743328800000, None],
        [datetime(2025, 3, 30, 10), None],
    ],
)
def test_dates_are_read_in_usual_forms(values: list[Any]) -> None:
    dates = find_dates(pl.DataFrame({"rating": [1, 2], "Created At": values}), None)
    assert dates is not None
    assert dates.to_list() == [date(2025, 3, 30), None]


@pytest.mark.parametrize(("values", "months"), [(["03/04/24", "01/13/24"], [3, 1]), (["03/04/24", "13/01/24"], [4, 1])])
def test_one_value_can_tell_day_and_month_of_all(values: list[str], months: list[int]) -> None:
    dates = find_dates(pl.DataFrame({"date": values}), None)
    assert dates is not None
    assert [(day.year, day.month) for day in dates] == [(2024, month) for month in months]


@pytest.mark.parametrize("values", [["03/04/2024", "05-06-2024"], ["03/04/24"], ["01/13/24", "13/01/24"]])
def test_day_and_month_are_not_guessed(values: list[str], said: list[str]) -> None:
    frame = pl.DataFrame({"date": values})
    assert find_dates(frame, None) is None
    (note,) = said
    assert "'date'" in note
    assert "cannot be told apart" in note
    with pytest.raises(InputError, match="cannot be told apart"):
        find_dates(frame, "date")


def test_a_column_without_dates_is_none_and_one_that_was_named_is_an_error() -> None:
    frame = pl.DataFrame({"date": ["soon", "later"], "time": [1, 2]})
    assert find_dates(frame, None) is None
    with pytest.raises(InputError, match="holds no dates"):
        find_dates(frame, "date")
    with pytest.raises(InputError, match="no column 'day'"):
        find_dates(frame, "day")
