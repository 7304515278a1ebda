"""What the command line shows: tables on stdout, progress and messages on stderr."""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, get_type_hints

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from ..data.progress import Advance, reporting
from ..data.run import RunDirectory
from ..labeling.outputs import LabelSummary
from ..labeling.registry import FROM_RUN, voter_class, voter_kinds, voter_options


class _Rate(ProgressColumn):
    """Steps per second."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:,.0f}/s" if task.speed else "")


def say(message: str) -> None:
    """Print one line of progress on stderr."""
    Console(stderr=True).print(escape(message), style="dim", highlight=False, soft_wrap=True)


@contextmanager
def showing_progress() -> Iterator[None]:
    """Draw a bar on stderr for long work inside the block; nothing where stderr is not a terminal."""
    console = Console(stderr=True)

    @contextmanager
    def bar(description: str, total: int) -> Iterator[Advance]:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            _Rate(),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
            task = progress.add_task(description, total=total)
            yield lambda steps: progress.advance(task, steps)

    with reporting(bar):
        yield


def print_summary(summary: LabelSummary, run_path: Path) -> None:
    """Print what `labeler label` found, on stdout: a few lines, two small tables, the files, the next command."""
    console = _stdout()
    rejected = f", {summary.rejected:,} rejected (see rejected.jsonl)" if summary.rejected else ""
    share = summary.covered / summary.rows if summary.rows else 0.0
    console.print(f"\n{summary.rows:,} reviews{rejected}; {summary.labelled:,} labelled, coverage {share:.1%}\n")
    console.print(_distribution(summary))
    console.print(f"class balance: {summary.class_balance_source}\n")
    console.print(_voters(summary))
    if summary.gold:
        g = summary.gold
        console.print(
            f"on {g['rows']:,} gold rows: macro-F1 {g['macro_f1']:.3f}, weighted F1 {g['weighted_f1']:.3f}, "
            f"accuracy {g['accuracy']:.3f} (rows without a label count as wrong)"
        )
    if summary.relabelled is not None:
        console.print(f"{summary.relabelled:,} existing labels changed; the surest first in relabelled.csv")
    for note in summary.notes:
        console.print(f"note: {escape(note)}", soft_wrap=True)
    run = RunDirectory(run_path)
    console.print(f"\nlabels: {run.labels} and {run.labels_csv}", soft_wrap=True)
    console.print(f"look first at: {run.lf_summary}; edit the voters with: labeler init", soft_wrap=True)


def print_voter_kinds() -> None:
    """List the kinds of voters with the first line of their documentation."""
    table = Table("kind", "what it does", box=None)
    for kind in sorted(voter_kinds()):
        table.add_row(kind, escape(_first_line(voter_class(kind))))
    _stdout().print(table)


def print_voter_kind(kind: str) -> None:
    """Show one kind: its documentation and its options with types and defaults."""
    cls, console = voter_class(kind), _stdout()
    console.print(escape(_documentation(cls)), highlight=False, soft_wrap=True)
    hints = get_type_hints(cls)
    table = Table("option", "type", "default", box=None)
    for name, field in voter_options(kind).items():
        table.add_row(name, escape(_type_name(hints[name])), escape(_default(name, field)))
    console.print(table)


def _stdout() -> Console:
    return Console(highlight=False)


def _distribution(summary: LabelSummary) -> Table:
    table = Table("label", "rows", "share", "class balance", box=None)
    for name, count in summary.distribution.items():
        share = count / max(summary.labelled, 1)
        table.add_row(escape(name), f"{count:,}", f"{share:.1%}", f"{summary.class_balance[name]:.1%}")
    return table


def _voters(summary: LabelSummary) -> Table:
    table = Table("voter", "coverage", "overlaps", "conflicts", "est. accuracy", "gold accuracy (votes)", box=None)
    for row in summary.voters:
        gold = f"{row['gold_accuracy']:.2f} ({row['gold_votes']})" if row["gold_accuracy"] is not None else "-"
        estimated = "-" if row["estimated_accuracy"] is None else f"{row['estimated_accuracy']:.2f}"
        shares = (f"{row[name]:.1%}" for name in ("coverage", "overlaps", "conflicts"))
        table.add_row(escape(row["voter"]), *shares, estimated, gold)
    return table


def _documentation(cls: type[Any]) -> str:
    return inspect.cleandoc(cls.__doc__ or "")


def _first_line(cls: type[Any]) -> str:
    return _documentation(cls).partition("\n")[0]


def _type_name(hint: Any) -> str:
    return hint.__name__ if isinstance(hint, type) else re.sub(r"\b(typing|collections\.abc|pathlib)\.", "", str(hint))


def _default(name: str, field: dataclasses.Field[Any]) -> str:
    if field.default is not dataclasses.MISSING:
        return repr(field.default)
    if field.default_factory is not dataclasses.MISSING:
        return repr(field.default_factory())
    return "from the task or the run" if name in FROM_RUN else "required"
