"""`labeler report` end to end, on a small run of rules."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import f1_score
from typer.testing import Result

GOLD = (
    "id,label\nr1,positive\nr2,negative\nr3,positive\nr4,negative\nr5,positive\nr6,positive\nr7,negative\nr8,negative\n"
)

App = Callable[..., Result]


@pytest.fixture
def labelled(label: App, workdir: Path) -> Path:
    """A run that was made with gold rows."""
    (workdir / "gold.csv").write_text(GOLD, encoding="utf-8")
    assert label("reviews.csv", "--gold", "gold.csv").exit_code == 0
    return workdir / "run"


def metrics(run: Path) -> Any:
    return json.loads((run / "metrics.json").read_text(encoding="utf-8"))


def test_the_scores_are_scikit_learns(app: App, labelled: Path) -> None:
    done = app("report", "--run", "run")
    assert done.exit_code == 0, done.stderr
    gold = pl.read_parquet(labelled / "gold.parquet")
    found = gold["label"].fill_null("")
    expected = f1_score(gold["gold"], found, average="macro", labels=["negative", "positive"])
    scores = metrics(labelled)["weak_labels"]
    assert scores["macro_f1"] == pytest.approx(expected, abs=1e-12)
    low, high = scores["macro_f1_ci"]
    assert low < scores["macro_f1"] < high
    assert "weak labels" in done.stdout
    assert "report.html" in done.stdout


def test_json_is_what_the_file_holds(app: App, labelled: Path) -> None:
    done = app("report", "--run", "run", "--json")
    found = json.loads(done.stdout)
    assert found == metrics(labelled)
    assert (found["schema"], found["gold_rows"], found["end_models"]) == (1, 8, {})
    assert set(found["voters"]) == {"keywords", "emoji", "thanks"}
    assert found["voters"]["thanks"]["gold_votes"] == 3
    assert found["voters"]["thanks"]["accuracy"] == pytest.approx(2 / 3)


def test_running_again_gives_the_same_files(app: App, labelled: Path) -> None:
    pages = []
    for _ in range(2):
        app("report", "--run", "run")
        pages.append([(labelled / name).read_bytes() for name in ("report.html", "report.md", "metrics.json")])
    assert pages[0] == pages[1]


def test_hostile_text_stays_text(app: App, label: App, workdir: Path) -> None:
    hostile = [
        "<script>alert(1)</script> нашар",
        "=cmd|' /C calc'!A0 жаман",
        "\u202eнашар [x](javascript:y) | `z`",
        "плохо " * 9000,
    ]
    rows = pl.DataFrame({"text": hostile, "label": ["positive"] * 4})
    rows.write_csv(workdir / "hostile.csv")
    assert label("hostile.csv", "--gold", "hostile.csv").exit_code == 0
    done = app("report", "--run", "run")
    assert done.exit_code == 0, done.stderr
    page = (workdir / "run/report.html").read_text(encoding="utf-8")
    assert "&lt;script&gt;alert(1)" in page
    assert "<script" not in page
    assert "\u202e" not in page
    assert len(page) < 60_000
    table = (workdir / "run/report.md").read_text(encoding="utf-8")
    assert "<script" not in table
    assert r"\[x\](javascript:y) \| \`z\`" in table
    assert "\u202e" not in table


def test_rows_that_were_not_drawn_evenly_are_weighted(app: App, label: App, workdir: Path) -> None:
    rows = "id,label,inclusion_probability\nr1,positive,0.1\nr2,negative,1\nr7,negative,0.2\n"
    (workdir / "gold.csv").write_text(rows, encoding="utf-8")
    label("reviews.csv", "--gold", "gold.csv")
    app("report", "--run", "run")
    gold = pl.read_parquet(workdir / "run/gold.parquet")
    right = (gold["label"] == gold["gold"]).fill_null(value=False).to_numpy()
    weights = np.array([10.0, 1.0, 5.0])
    assert metrics(workdir / "run")["weak_labels"]["accuracy"] == pytest.approx(np.average(right, weights=weights))
    assert metrics(workdir / "run")["gold_rows_weighted"] is True


def test_another_gold_file_is_matched_and_the_rest_counted(app: App, labelled: Path, workdir: Path) -> None:
    (workdir / "more.csv").write_text("id,text,label\nr3,,negative\nzz,unknown,positive\n", encoding="utf-8")
    done = app("report", "--run", "run", "--gold", "more.csv")
    assert "not in the run and so are not scored: 1" in done.stderr
    assert (metrics(labelled)["gold_rows"], metrics(labelled)["gold_rows_unmatched"]) == (1, 1)


def test_two_runs_are_compared_on_the_rows_both_have(app: App, label: App, labelled: Path, workdir: Path) -> None:
    (workdir / "rules.toml").write_text(
        (workdir / "rules.toml").read_text(encoding="utf-8").replace("рахмет|спасибо", "емес"), encoding="utf-8"
    )
    label("reviews.csv", "--gold", "gold.csv", "--run", "other")
    assert app("report", "--run", "run", "--against", "other").exit_code == 0
    (pair,) = metrics(labelled)["comparisons"]
    assert (pair["first"], pair["second"]) == ("weak labels", "weak labels of other")
    assert pair["rows"] == 8


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("id,label\nzz,positive\n", "None of the 1 labelled rows of bad.csv is in the run"),
        ("id,label\nr1,fine\n", "not classes of this task: 'fine'"),
        ("id,label\nr1,positive\nr1,negative\n", "different labels"),
        ("id,label\nr1,\n", "no labelled row"),
    ],
)
def test_gold_rows_that_cannot_be_used_are_explained(
    app: App, labelled: Path, workdir: Path, rows: str, message: str
) -> None:
    (workdir / "bad.csv").write_text(rows, encoding="utf-8")
    done = app("report", "--run", "run", "--gold", "bad.csv")
    assert done.exit_code == 1
    assert message in done.stderr
    assert not (labelled / "report.html").exists()


def test_gold_rows_of_one_class_can_be_scored(app: App, labelled: Path, workdir: Path) -> None:
    (workdir / "one.csv").write_text("id,label\nr1,positive\nr3,positive\n", encoding="utf-8")
    assert app("report", "--run", "run", "--gold", "one.csv").exit_code == 0


def test_a_run_without_gold_rows_says_how_to_get_some(app: App, label: App) -> None:
    label("reviews.csv")
    done = app("report", "--run", "run")
    assert done.exit_code == 1
    assert "labeler sample" in done.stderr


def test_no_run_says_how_to_make_one(app: App) -> None:
    done = app("report")
    assert done.exit_code == 1
    assert "labeler label" in done.stderr


def test_damaged_labels_are_explained(app: App, labelled: Path) -> None:
    (labelled / "labels.parquet").write_bytes(b"PAR1")
    done = app("report", "--run", "run")
    assert (done.exit_code, "cannot be read" in done.stderr) == (1, True)
