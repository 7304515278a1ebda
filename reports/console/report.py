"""What `labeler report` prints."""

from __future__ import annotations

from pathlib import Path

from rich.table import Column, Table

from ..evaluation.evaluate import Report
from ..evaluation.verdict import interval, judge, named_measures
from ..printable import counted, printable
from .progress_bars import plain_console


def print_report(report: Report, path: Path) -> None:
    """Print what `labeler report` found, on stdout: the scores with their intervals, the answer, the file."""
    console, verdict = plain_console(), judge(report)
    table = Table(Column("labels", overflow="fold"), "macro-F1", "weighted F1", "accuracy", "by hand", box=None)
    for name, scores in named_measures(report).items():
        estimates = (interval(value) for value in (scores.macro_f1, scores.weighted_f1, scores.accuracy))
        table.add_row(printable(name), *estimates, counted(scores.rows, scores.effective_rows))
    console.print()
    console.print(table)
    console.print()
    for line in (verdict.headline, *verdict.advice):
        console.print(printable(line), soft_wrap=True)
    console.print(printable(f"report: {path}"), soft_wrap=True)
