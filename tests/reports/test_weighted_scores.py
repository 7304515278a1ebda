"""One weighted sample, one answer: the terminal, the voters' table and the report agree to the digit."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import polars as pl
import pytest

from labeler.reports.printable import counted

from ..conftest import App

WORDS = ("нашар", "нашар рахмет", "плохо спасибо", "отлично 👎", "керемет")


@pytest.fixture
def drawn(workdir: Path, label: App, app: App) -> Path:
    """Label reviews, draw some of them unevenly, and fill the labels in."""
    lines = (f"r{i},{WORDS[min(i % 20, 4)]} {i}" for i in range(480))
    (workdir / "reviews.csv").write_text("id,text\n" + "\n".join(lines) + "\n", encoding="utf-8")
    assert label("reviews.csv").exit_code == 0
    assert app("sample", "--n", "60", "--output", "drawn.csv", "--run", "run").exit_code == 0
    sample = pl.read_csv("drawn.csv")
    bad = sample["text"].str.contains("нашар|плохо|👎")
    answered = sample.with_columns(pl.when(bad).then(pl.lit("negative")).otherwise(pl.lit("positive")).alias("label"))
    answered.write_csv("drawn.csv")
    return workdir / "drawn.csv"


def test_terminal_table_and_report_agree_on_a_weighted_sample(drawn: Path, label: App, app: App) -> None:
    shown = label("reviews.csv", "--gold", drawn).stdout
    assert app("report", "--run", "run").exit_code == 0
    metrics = json.loads(Path("run/metrics.json").read_text(encoding="utf-8"))
    summary = json.loads(Path("run/summary.json").read_text(encoding="utf-8"))
    with Path("run/lf_summary.csv").open(encoding="utf-8-sig") as file:
        table = {row["voter"]: row for row in csv.DictReader(file)}
    assert metrics["gold_rows_weighted"]
    for name, voter in metrics["voters"].items():
        interval = [voter["accuracy"], *voter["accuracy_ci"]]
        written = [float(table[name][f"gold_accuracy{end}"]) for end in ("", "_low", "_high")]
        assert written == pytest.approx(interval, rel=1e-9)
        assert float(table[name]["gold_effective"]) == pytest.approx(voter["gold_effective"])
        line = next(line for line in shown.splitlines() if line.split()[:1] == [name])
        assert "{:.2f} ({:.2f} to {:.2f})".format(*interval) in line
        assert counted(voter["gold_votes"], voter["gold_effective"]) in line
    weak = metrics["weak_labels"]
    scores = re.search(
        r"on 60 \(effective (\d+)\) gold rows: macro-F1 (\S+), weighted F1 (\S+), accuracy (\S+) ", shown
    )
    assert scores is not None
    assert scores[1] == f"{weak['effective_rows']:.0f}"
    assert [*scores.groups()[1:]] == [f"{weak[name]:.3f}" for name in ("macro_f1", "weighted_f1", "accuracy")]
    assert metrics["class_balance_ci"] == summary["class_balance_interval"]
    for name, (low, high) in summary["class_balance_interval"].items():
        assert low < summary["class_balance"][name] < high
        assert f"{summary['class_balance'][name]:.1%} ({low:.1%} to {high:.1%})" in shown


def test_a_file_that_lost_its_probabilities_gets_them_from_the_run(drawn: Path, label: App, app: App) -> None:
    told = json.loads(label("reviews.csv", "--gold", drawn, "--json").stdout)
    pl.read_csv(drawn).select("id", "label").write_csv("bare.csv")
    drawn.unlink()  # the run's own sample would be read too
    found = json.loads(label("reviews.csv", "--gold", "bare.csv", "--json").stdout)
    for key in ("class_balance", "gold", "voters"):
        assert found[key] == told[key]
    assert any("the run's record of its samples does for 60 of 60" in note for note in found["notes"])
    report = app("report", "--run", "run", "--gold", "bare.csv", "--json")
    assert json.loads(report.stdout)["gold_rows_weighted"]


def test_uneven_hand_labels_that_nobody_can_weigh_do_not_set_the_class_balance(
    drawn: Path, label: App, app: App
) -> None:
    pl.read_csv(drawn).select("text", "label").write_csv("bare.csv")
    drawn.unlink()
    first = label("reviews.csv", "--run", "other")
    second = label("reviews.csv", "--gold", "bare.csv", "--run", "other")
    assert "class balance: estimated from the rules' votes" in second.stdout
    assert "no random sample of the input" in second.stdout
    assert [line for line in first.stdout.splitlines() if " negative " in line] == [
        line for line in second.stdout.splitlines() if " negative " in line
    ]
    scored = app("report", "--run", "run", "--gold", "bare.csv")
    assert "record of its samples" in scored.stderr
