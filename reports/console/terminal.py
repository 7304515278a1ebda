"""What the command line shows: tables on stdout, progress and messages on stderr."""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

from rich.table import Column, Table

from ...data.command import command
from ...data.progress import status
from ...data.runs.directory import RunDirectory
from ...data.runs.summaries import AdaptSummary, TrainSummary
from ...data.writing.sinks.sink import Written
from ...labeling.outputs import LabelSummary
from ...labeling.voting.registry import needs, voter_class, voter_kinds, voter_options
from ..printable import counted, percent, printable
from .progress_bars import plain_console

if TYPE_CHECKING:
    import polars as pl

    from ..sampling.draw import Drawn

_MANY = 1_000
"""Reviews from which the n-gram model ranks as well as adapters (2,000: AUC 0.95 both) in a sixth of a CPU's time (47 s
against 5 minutes); of 400 the encoder makes more."""


_ELSEWHERE = {
    ".json": "In Label Studio: paste {1} under Settings > Labeling Interface > Code, import {0}, label, and export as "
    "JSON to export.json.",
    ".jsonl": "In Argilla: make a dataset with the settings {1}, log the records {0}, label, and save them with "
    "dataset.records.to_json('export.json').",
}
"""What to do with a sample of a format that is labelled elsewhere, by the ending of its file."""


def print_summary(summary: LabelSummary, run_path: Path, *, gpu: bool = False) -> None:
    """Print what `labeler label` found, on stdout: a few lines, two small tables, the files, the next command."""
    console = plain_console()
    rejected = f", {summary.rejected:,} rejected (see rejected.jsonl)" if summary.rejected else ""
    tied = f", {summary.covered - summary.labelled:,} with tied votes" if summary.covered > summary.labelled else ""
    labelled = f"{summary.labelled:,} labelled ({percent(summary.labelled / max(summary.rows, 1))}){tied}"
    console.print(f"\n{summary.rows:,} reviews{rejected}; {labelled}\n")
    console.print(_distribution(summary))
    console.print(f"class balance: {summary.class_balance_source}\n")
    console.print(_voters(summary))
    if summary.refined is not None:
        console.print(
            f"refined: {summary.refined:,} labels of the label model changed; the most confident first in refined.csv"
        )
    if summary.gold:
        g = summary.gold
        before = f" (before refining {summary.weak_gold['macro_f1']:.3f})" if summary.weak_gold else ""
        console.print(
            f"on {counted(g['rows'], g['effective_rows'])} gold rows: macro-F1 {g['macro_f1']:.3f}{before}, "
            f"weighted F1 {g['weighted_f1']:.3f}, accuracy {g['accuracy']:.3f} (rows without a label count as wrong)"
        )
    if summary.relabelled is not None:
        console.print(f"{summary.relabelled:,} existing labels changed; the most confident first in relabelled.csv")
    for note in summary.notes:
        console.print(f"note: {printable(note)}", soft_wrap=True)
    run = RunDirectory(run_path)
    console.print()
    console.print(printable(f"labels: {run.labels} and {run.labels_csv}"), soft_wrap=True)
    console.print(printable(f"voters: {run.lf_summary}"), soft_wrap=True)
    if summary.gold is None:
        console.print(printable(f"measure: {command('sample', '--run', run_path)}"), soft_wrap=True)
    console.print(printable(f"improve: {command('suggest', '--run', run_path)}"), soft_wrap=True)
    console.print(printable(f"next: {_training(summary.labelled, run_path, gpu=gpu)}"), soft_wrap=True)


def _training(labelled: int, run_path: Path, *, gpu: bool) -> str:
    """Return the command that trains a good model in minutes on this machine."""
    how = ("--mode", "lora") if gpu or labelled < _MANY else ("--head", "ngram")
    return command("train", *how, "--run", run_path)


def print_training(summaries: Sequence[TrainSummary], run_path: Path) -> None:
    """Print what `labeler train` made, on stdout: one table, the folder, the next command."""
    console, run = plain_console(), RunDirectory(run_path)
    table = Table(
        "model", "trainable parameters", "reviews", "reviews/s", "agreement (AUC)", "macro-F1 on gold", box=None
    )
    for summary in summaries:
        share = summary.trained_parameters / summary.total_parameters
        table.add_row(
            summary.name,
            f"{summary.trained_parameters:,} ({percent(share)})",
            f"{summary.rows['trained']:,}",
            f"{summary.rows_per_second:,.0f}",
            "-" if summary.agreement is None else f"{summary.agreement:.3f}",
            "-" if summary.gold is None else f"{summary.gold['macro_f1']:.3f}",
        )
        if summary.gold_only is not None:
            table.add_row(f"{summary.name}, gold rows only", "", "", "", "", f"{summary.gold_only['macro_f1']:.3f}")
    if (weak := summaries[0].weak_gold) is not None:
        table.add_row("weak labels", "", "", "", "", f"{weak['macro_f1']:.3f}")
    console.print()
    console.print(table)
    if (gold := summaries[0].gold) is not None:
        console.print(f"scored on {counted(gold['rows'], gold['effective_rows'])} gold rows that nothing was tuned on")
    for name, note in dict.fromkeys((summary.name, note) for summary in summaries for note in summary.notes):
        console.print(f"note: {name}: {printable(note)}", soft_wrap=True)
    console.print(printable(f"model: {run.model}"), soft_wrap=True)
    following = command("predict", "new.csv", "--run", run_path, "--output", "labelled.csv")
    console.print(printable(f"next: {following}"), soft_wrap=True)


def print_adaptation(summary: AdaptSummary) -> None:
    """Print what `labeler adapt` made, on stdout: the numbers before and after, the folder, the next commands."""
    console = plain_console()
    before, after = (f"{scores['pseudo_perplexity']:,.1f}" for scores in (summary.before, summary.after))
    texts = summary.texts
    rate = f" ({summary.texts_per_second:,.0f} texts/s)" if summary.texts_per_second else ""
    console.print(f"\n{summary.backbone} has read {texts['trained']:,} reviews{rate}")
    console.print(f"pseudo-perplexity of {texts['held_out']:,} held-out reviews: {before} before, {after} after")
    console.print(printable(f"model: {summary.folder}"), soft_wrap=True)
    console.print(printable(f"next: {command('train', '--backbone', summary.folder)}"), soft_wrap=True)


def print_prediction(written: Written, *, without_content: int, rejected: int, seconds: float) -> None:
    """Say on stderr what `labeler predict` stored: stdout may hold the rows."""
    before = f", {written.rows_before:,} were there already" if written.rows_before else ""
    unusable = f", {rejected:,} rejected" if rejected else ""
    rate = written.rows_new / max(seconds, 1e-9)
    silent = f", {without_content:,} without content got no label" if without_content else ""
    labelled = written.rows_new - without_content
    status(f"{labelled:,} reviews labelled{silent}{before}{unusable} ({rate:,.0f}/s): {written.place}")


def print_texts(frame: pl.DataFrame) -> None:
    """Print the labels of single texts, as `predict_texts` returns them, on stdout."""
    scores = frame.columns[2:-1]
    table = Table(Column("text", overflow="fold"), "label", *scores, box=None)
    for row in frame.iter_rows(named=True):
        shown = ("-" if row[name] is None else f"{row[name]:.3f}" for name in scores)
        table.add_row(printable(row["text"]), printable(row["label"] or f"({row['reason']})"), *shown)
    plain_console().print(table)


def print_sample(drawn: Drawn, run: Path) -> None:
    """Print the files of a sample on stdout, and on stderr how to go on."""
    for note in drawn.notes:
        status(note)
    for file in drawn.files:
        plain_console().print(printable(str(file)), soft_wrap=True)
    status(f"{len(drawn.frame):,} reviews to label")
    elsewhere = _ELSEWHERE.get(drawn.files[0].suffix.lower())
    if elsewhere is None:
        status(f"next: {command('annotate', '--run', run)}")
    else:
        status(elsewhere.format(*drawn.files))
        status(f"then: {command('label', '--gold', 'export.json', '--run', run)}")


def print_voter_kinds() -> None:
    """List the kinds of voters with the first line of their documentation."""
    table = Table("kind", "what it does", box=None)
    for kind in sorted(voter_kinds()):
        table.add_row(kind, _documentation(voter_class(kind)).partition("\n")[0])
    plain_console().print(table)


def print_voter_kind(kind: str) -> None:
    """Show one kind: its documentation and its options with types and defaults."""
    cls, console = voter_class(kind), plain_console()
    console.print(_documentation(cls).partition("\n\nRaises\n")[0], soft_wrap=True)
    hints = get_type_hints(cls)
    table = Table("option", "type", "default", box=None)
    for name, field in voter_options(kind).items():
        table.add_row(name, _type_name(hints[name]), _default(field, given=name in needs(kind)))
    console.print(table)


def _distribution(summary: LabelSummary) -> Table:
    interval = summary.class_balance_interval
    heading = "class balance" if interval is None else "class balance (95 %)"
    table = Table(Column("label", overflow="fold"), "reviews", "share", heading, box=None)
    for name, count in summary.distribution.items():
        balance = percent(summary.class_balance[name])
        if interval is not None:
            balance += " ({} to {})".format(*map(percent, interval[name]))
        table.add_row(printable(name), f"{count:,}", percent(count / max(summary.labelled, 1)), balance)
    return table


def _voters(summary: LabelSummary) -> Table:
    others = ["coverage", "overlaps", "conflicts", "agreement", "gold accuracy (95 %)", "gold votes"]
    if summary.refined is not None:
        others.append("overruled")
    table = Table(Column("voter", overflow="fold"), *others, box=None)
    for row in summary.voters:
        agreement = "-" if row["agreement"] is None else f"{row['agreement']:.2f}"
        shares = (percent(row[name]) for name in ("coverage", "overlaps", "conflicts"))
        overruled = [] if summary.refined is None else [f"{row['overruled']:,}"]
        table.add_row(printable(row["voter"]), *shares, agreement, *_on_gold(row), *overruled)
    return table


def _on_gold(row: dict[str, Any]) -> tuple[str, str]:
    """Return a voter's accuracy on gold rows with its interval, and how many these are."""
    if row["gold_accuracy"] is None:
        return "-", "-"
    accuracy = f"{row['gold_accuracy']:.2f} ({row['gold_accuracy_low']:.2f} to {row['gold_accuracy_high']:.2f})"
    return accuracy, counted(row["gold_votes"], row["gold_effective"])


def _documentation(cls: type[Any]) -> str:
    return inspect.cleandoc(cls.__doc__ or "")


def _type_name(hint: Any) -> str:
    return hint.__name__ if isinstance(hint, type) else re.sub(r"\b(typing|collections\.abc|pathlib)\.", "", str(hint))


def _default(field: dataclasses.Field[Any], *, given: bool) -> str:
    if field.default is not dataclasses.MISSING:
        return repr(field.default)
    if field.default_factory is not dataclasses.MISSING:
        return repr(field.default_factory())
    return "from the task or the run" if given else "required"
