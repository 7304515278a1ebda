"""Stars are found by the name and the content of their column, said aloud, or taken as told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from ...conftest import RULES, App

Rated = Callable[..., tuple[str, list[str | None]]]

STARS = """
[[voters]]
name = "rating"
kind = "rating"
ranges = { negative = [1, 2], positive = [4, 5] }
optional = true
"""


@pytest.fixture
def rated(workdir: Path, label: App) -> Rated:
    """Write reviews with other columns, and label them."""
    (workdir / "rules.toml").write_text(RULES + STARS, encoding="utf-8")

    def call(columns: dict[str, list[str]], *args: str) -> tuple[str, list[str | None]]:
        frame = pl.DataFrame({"id": list("abcd"), "text": ["жаман", "жақсы", "керемет", "нашар"]} | columns)
        frame.write_csv("rated.csv")
        result = label("rated.csv", *args)
        votes = Path("run/votes/rating.parquet")
        return result.output, pl.read_parquet(votes)["vote"].to_list() if votes.exists() else []

    return call


@pytest.mark.parametrize("name", ["stars", "Оценка", "score", "Рейтинг", "Жұлдыз", "Review Score", "Звёзды"])
def test_a_usual_name_is_found_and_said(rated: Rated, name: str) -> None:
    said, votes = rated({name: ["1", "4,5", "5", ""]})
    assert f"rating: reads column '{name}'" in said
    assert votes == ["negative", "positive", "positive", None]


@pytest.mark.parametrize(
    "values",
    [["4.73", "4.91", "3.8", "5"], ["10", "7", "9", "2"], ["5", "5", "5", "5"], ["good", "5", "4", "1"], [""] * 4],
    ids=["means", "another scale", "constant", "words", "empty"],
)
def test_a_column_that_holds_no_ratings_is_not_read(rated: Rated, values: list[str]) -> None:
    said, votes = rated({"score": values, "date": ["1", "2", "3", "4"]})
    assert "rating: left out, the input has no column 'rating'" in said
    assert votes == []


def test_of_several_none_is_chosen_until_the_user_does(rated: Rated) -> None:
    columns = {"stars": ["1", "5", "4", "2"], "score": ["5", "1", "2", "4"]}
    said, votes = rated(columns)
    assert "rating: several columns may hold it: stars, score; choose one with --rating-column" in said
    assert votes == []
    said, votes = rated(columns, "--rating-column", "score", "--force")
    assert "rating: reads column 'score'" in said
    assert votes == ["positive", "negative", "negative", "positive"]


def test_the_configured_column_comes_first(rated: Rated) -> None:
    said, votes = rated({"rating": ["1", "5", "4", "2"], "stars": ["5", "1", "2", "4"]})
    assert "reads column" not in said
    assert votes == ["negative", "positive", "positive", "negative"]


def test_a_column_that_cannot_be_read_is_refused(rated: Rated, label: App, workdir: Path) -> None:
    said, _ = rated({"stars": ["1", "5", "4", "2"]}, "--rating-column", "starz")
    assert "no column 'starz'" in said
    assert "Did you mean 'stars'?" in said
    (workdir / "rules.toml").write_text(RULES, encoding="utf-8")
    assert "no voter reads one" in label("rated.csv", "--rating-column", "stars").output
