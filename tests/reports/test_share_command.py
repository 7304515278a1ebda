"""`labeler share` on a small run of rules."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from labeler.api.run import Run

from ..conftest import App

GOOD, BAD = "керемет рахмет", "нашар 👎"


@pytest.fixture
def reviews(workdir: Path) -> Path:
    """120 reviews of two months and two cities; each has a shop of its own."""
    rows = [
        f'{i},"{BAD if i % 5 == 0 else GOOD} {i}",2025-0{1 + i % 2}-10,{"Алматы" if i < 40 else "Астана"},shop {i}'
        for i in range(120)
    ]
    file = workdir / "dated.csv"
    file.write_text("\n".join(["id,text,date,city,shop", *rows]) + "\n", encoding="utf-8")
    return file


@pytest.fixture
def gold(workdir: Path) -> Path:
    """Hand labels of every third review: one label of a negative review is wrong."""
    labels = [f"{i},{'negative' if i % 5 == 0 or i == 3 else 'positive'}" for i in range(0, 120, 3)]
    file = workdir / "gold.csv"
    file.write_text("\n".join(["id,label", *labels]) + "\n", encoding="utf-8")
    return file


def test_hand_labels_give_intervals_of_all_and_of_groups(label: App, app: App, reviews: Path, gold: Path) -> None:
    assert label(reviews, "--gold", gold).exit_code == 0
    done = app("share", "--by", "month", "--by", "city", "--run", "run", "--json")
    assert done.exit_code == 0, done.stderr
    shown = json.loads(done.stdout)
    assert (shown["hand_labels"], shown["effective_rows"]) == (40, 40.0)
    frame = pl.DataFrame(shown["frame"], infer_schema_length=None).filter(pl.col("label") == "negative")
    whole = frame.filter(pl.col("by").is_null())
    counted, corrected = whole.rows_by_key("method", named=True, unique=True).values()
    assert (counted["share"], counted["low"]) == (pytest.approx(0.2), None)
    assert corrected["share"] == pytest.approx(0.2 * 8 / 8 + 0.8 * 1 / 32)
    assert corrected["low"] < corrected["share"] < corrected["high"]
    groups = frame.filter(pl.col("by").is_not_null()).unique("group", maintain_order=True)
    assert groups["group"].to_list() == ["2025-01", "2025-02", "Алматы", "Астана"]
    assert groups["reviews"].to_list() == [60, 60, 40, 80]
    methods = ["labels", "constant bias", "constant error rates"]
    assert frame.filter(pl.col("group") == "Алматы")["method"].to_list() == methods
    printed = app("share", "--by", "city", "--run", "run").stdout
    for part in ("all 120 reviews", "negative by city", "too few hand labels to tell", "from 40 hand labels"):
        assert part in printed


def test_without_hand_labels_shares_are_those_of_the_labels(label: App, app: App, reviews: Path) -> None:
    assert label(reviews).exit_code == 0
    shares = Run("run").share("city")
    assert shares.hand_labels == 0
    assert shares.frame["method"].unique().to_list() == ["labels"]
    assert shares.frame["low"].null_count() == len(shares.frame)
    assert "<td>Алматы</td><td>40</td><td>20.0%</td>" in shares._repr_html_()
    assert "Without hand labels" in app("share", "--run", "run").stdout


def test_hand_labels_that_are_no_random_sample_are_not_used(label: App, reviews: Path, workdir: Path) -> None:
    chosen = "\n".join(f"{i},negative" for i in range(0, 120, 5))
    (workdir / "chosen.csv").write_text(f"id,label\n{chosen}\n", encoding="utf-8")
    assert label(reviews, "--gold", "chosen.csv").exit_code == 0
    shares = Run("run").share()
    assert shares.hand_labels == 0
    assert "no random sample" in shares.notes[-1]


def test_the_most_frequent_groups_are_kept(label: App, workdir: Path) -> None:
    rows = [f"{i},{GOOD} {i},{'' if i == 0 else f'c{i % 30:02}'}" for i in range(70)]
    (workdir / "many.csv").write_text("\n".join(["id,text,city", *rows]) + "\n", encoding="utf-8")
    assert label("many.csv").exit_code == 0
    shares = Run("run").share(["city"])
    assert shares.frame["group"].n_unique() == 21  # 20, and null for all reviews
    assert shares.notes[1:] == (
        "1 reviews have no city.",
        "Column 'city' has 30 values; shown are the 20 most frequent, without 20 reviews.",
    )


@pytest.mark.parametrize(
    ("by", "said"),
    [
        ("citty", "Did you mean 'city'?"),
        ("shop", "Column 'shop' makes no groups: no value occurs twice."),
        ("text", "The run has no column 'text'."),
    ],
)
def test_what_makes_no_groups_is_refused(label: App, app: App, reviews: Path, by: str, said: str) -> None:
    assert label(reviews).exit_code == 0
    done = app("share", "--by", by, "--run", "run")
    assert done.exit_code == 1
    assert said in " ".join(done.stderr.split())


def test_months_need_dates(label: App, app: App) -> None:
    assert label("reviews.csv").exit_code == 0
    done = app("share", "--by", "month", "--run", "run")
    assert done.exit_code == 1
    assert "The run has no column of dates" in " ".join(done.stderr.split())
