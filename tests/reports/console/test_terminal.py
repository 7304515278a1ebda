"""What the command line prints, and where."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from labeler.data.progress import status
from labeler.labeling.outputs import LabelSummary
from labeler.labeling.voting.registry import voter_kinds, voter_options
from labeler.reports.console.progress_bars import showing_status
from labeler.reports.console.terminal import print_summary, print_voter_kind, print_voter_kinds
from labeler.reports.printable import percent, spaced_percent

SUMMARY = LabelSummary(
    rows=1200,
    rejected=0,
    covered=900,
    labelled=800,
    distribution={"negative": 200, "positive": 600},
    class_balance={"negative": 0.3, "positive": 0.7},
    class_balance_source="given",
    label_model="snorkel",
    voters=[
        {
            "voter": "keywords",
            "polarity": "negative, positive",
            "coverage": 0.5,
            "overlaps": 0.25,
            "conflicts": 0.125,
            "agreement": 0.9,
            "gold_votes": 10,
            "gold_effective": 6.4,
            "gold_accuracy": 0.8,
            "gold_accuracy_low": 0.41,
            "gold_accuracy_high": 0.97,
        },
        {
            "voter": "[bold]silent[/bold]",
            "polarity": "",
            "coverage": 0.0,
            "overlaps": 0.0,
            "conflicts": 0.0,
            "agreement": None,
            "gold_votes": 0,
            "gold_effective": None,
            "gold_accuracy": None,
            "gold_accuracy_low": None,
            "gold_accuracy_high": None,
        },
    ],
)


def shown(summary: LabelSummary, capsys: pytest.CaptureFixture[str], path: str = "runs/latest") -> str:
    print_summary(summary, Path(path))
    out, err = capsys.readouterr()
    assert err == ""
    return out


def lines_with(text: str, word: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines() if word in line]


def test_messages_go_to_stderr_as_written(capsys: pytest.CaptureFixture[str]) -> None:
    with showing_status():
        status("v: [red]voted[/red] " + "x" * 200)
    assert capsys.readouterr() == ("", "v: [red]voted[/red] " + "x" * 200 + "\n")


def test_rows_and_coverage_come_first(capsys: pytest.CaptureFixture[str]) -> None:
    assert "1,200 reviews; 800 labelled (66.7%), 100 with tied votes" in shown(SUMMARY, capsys)


def test_rejected_rows_are_pointed_out(capsys: pytest.CaptureFixture[str]) -> None:
    assert "1,200 reviews, 3 rejected (see rejected.jsonl);" in shown(replace(SUMMARY, rejected=3), capsys)


def test_every_class_has_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert ["negative", "200", "25.0%", "30.0%"] in lines_with(shown(SUMMARY, capsys), "negative")


def test_every_voter_has_a_line_as_it_is_called(capsys: pytest.CaptureFixture[str]) -> None:
    out = shown(SUMMARY, capsys)
    assert lines_with(out, "keywords") == [
        ["keywords", "50.0%", "25.0%", "12.5%", "0.90", "0.80", *"(0.41 to 0.97) 10 (effective 6)".split()]
    ]
    assert lines_with(out, "silent") == [["[bold]silent[/bold]", "0.0%", "0.0%", "0.0%", "-", "-", "-"]]


def test_gold_scores_and_changes_are_shown_when_there_are_any(capsys: pytest.CaptureFixture[str]) -> None:
    gold = {"rows": 100, "effective_rows": 61.2, "macro_f1": 0.75, "weighted_f1": 0.8, "accuracy": 0.81}
    out = shown(replace(SUMMARY, gold=gold, relabelled=42), capsys)
    assert "on 100 (effective 61) gold rows: macro-F1 0.750, weighted F1 0.800, accuracy 0.810" in out
    assert "42 existing labels changed; the most confident first in relabelled.csv" in out
    assert "gold rows" not in shown(SUMMARY, capsys)


def test_notes_are_shown_as_written(capsys: pytest.CaptureFixture[str]) -> None:
    assert "note: column [/x] was renamed" in shown(replace(SUMMARY, notes=["column [/x] was renamed"]), capsys)


@pytest.mark.parametrize("path", ["runs/latest", "runs/[red]", "runs/[/x]", "runs/" + "long" * 40])
def test_the_files_are_named_whatever_the_path(capsys: pytest.CaptureFixture[str], path: str) -> None:
    out = shown(SUMMARY, capsys, path)
    assert f"labels: {path}/labels.parquet and {path}/labels.csv" in out
    assert f"voters: {path}/lf_summary.csv" in out


@pytest.mark.parametrize(
    ("labelled", "gpu", "how"),
    [(400, False, "--mode lora"), (2_000, False, "--head ngram"), (2_000, True, "--mode lora")],
)
def test_the_next_command_suits_rows_and_machine(
    capsys: pytest.CaptureFixture[str], labelled: int, gpu: bool, how: str
) -> None:
    print_summary(replace(SUMMARY, labelled=labelled), Path("runs/latest"), gpu=gpu)
    assert f"next: labeler train {how} --run runs/latest\n" in capsys.readouterr().out


def test_no_rows_do_not_divide_by_zero(capsys: pytest.CaptureFixture[str]) -> None:
    assert "0 labelled (0.0%)" in shown(replace(SUMMARY, rows=0, covered=0, labelled=0), capsys)


def test_the_kinds_are_listed_with_what_they_do(capsys: pytest.CaptureFixture[str]) -> None:
    print_voter_kinds()
    out = capsys.readouterr().out
    assert [line.split()[0] for line in out.splitlines()[1:]] == sorted(voter_kinds())
    assert "Vote one class for reviews whose length lies in a range" in out


@pytest.mark.parametrize("kind", sorted(voter_kinds()))
def test_a_kind_is_shown_with_all_its_options(capsys: pytest.CaptureFixture[str], kind: str) -> None:
    print_voter_kind(kind)
    table = capsys.readouterr().out.rpartition("option ")[2]
    assert [line.split()[0] for line in table.splitlines()[1:]] == list(voter_options(kind))


def test_an_option_shows_its_type_and_default(capsys: pytest.CaptureFixture[str]) -> None:
    print_voter_kind("regex")
    out = capsys.readouterr().out
    assert ["label", "str", "required"] in lines_with(out, "label")
    assert ["on", "Literal['normalized',", "'raw']", "'normalized'"] in lines_with(out, "Literal")


@pytest.mark.parametrize(
    ("share", "text"), [(1999 / 2000, "99.95%"), (1 / 3, "33.3%"), (0, "0.0%"), (1, "100.0%"), (1e-5, "0.001%")]
)
def test_a_share_is_never_rounded_to_none_or_all(share: float, text: str) -> None:
    assert percent(share) == text
    assert spaced_percent(0.9995) == "99.95 %"
