"""What `labeler suggest` prints: the explanation on stderr, entries for ``labeler.toml`` on stdout."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import tomli_w
import typer
from rich.table import Column, Table

from ...data.command import command
from ...data.progress import status
from ...labeling.suggest.keywords import Suggestion
from ...labeling.suggest.rule_check import RuleCheck
from ..printable import percent, printable
from ..suggest import Advice
from .progress_bars import plain_console

_WIDTH = 70  # letters of an example


def print_advice(advice: Advice) -> None:
    """Print what to add and what to drop on stderr, and the entries to paste on stdout."""
    console = plain_console(stderr=True)
    console.print(f"{advice.reviews:,} distinct reviews\n")
    for label, suggestions in advice.keywords.items():
        console.print(printable(f"keywords to add to {label}" if suggestions else f"{label}: no keyword to suggest"))
        if suggestions:
            console.print(_keywords(suggestions))
    harmful = [check for check in advice.rules if check.harmful]
    if harmful:
        console.print("rules that seem to do harm: the other voters disagree with them more often than by chance")
        console.print(_rules(harmful))
    else:
        console.print(f"none of {len(advice.rules):,} rules seems to do harm")
    typer.echo(entries_to_paste(advice), nl=False)


def entries_to_paste(advice: Advice) -> str:
    """Write the suggestions so that the lines of a class and language can be pasted into its list of keywords."""
    return "".join(
        f"# class {_quoted(label)}, keywords.{language}\n{', '.join(map(_quoted, entries))},\n"
        for label, by_language in advice.entries.items()
        for language, entries in by_language.items()
    )


def print_next(advice: Advice, file: Path, run: Path, *, applied: bool) -> None:
    """Say on stderr what became of the keywords, or how to add them to a configuration file."""
    if applied and advice.entries:
        status(f"{file}: keywords added; next: {command('label', '--config', file, '--run', run)}")
    elif applied:
        status(f"nothing to add: {file} stays as it is")
    elif advice.entries:
        add = command("suggest", "--run", run, "--apply")
        status(f"paste these into the lists of {file}, or add all of them: {add}")


def _keywords(suggestions: Sequence[Suggestion]) -> Table:
    table = Table("entry", "language", "reviews", "of the class", "no rule yet", "in conflict", _examples(), box=None)
    for found in suggestions:
        counts = f"{found.reviews:,}", percent(found.share, 0), f"{found.unruled:,}", f"{found.disputed:,}"
        examples = "\n".join(shortened(example, found.forms) for example in found.examples)
        table.add_row(found.entry, found.language, *counts, examples)
    return table


def _rules(checks: Sequence[RuleCheck]) -> Table:
    table = Table(
        "voter", "class", Column("rule", overflow="fold"), "votes", "others agree", "usual", _examples(), box=None
    )
    for check in checks:
        counts = f"{check.votes:,}", percent(check.agreement or 0, 0), percent(check.expected, 0)
        examples = "\n".join(shortened(example, ()) for example in check.examples)
        table.add_row(printable(check.voter), printable(check.label), printable(check.rule), *counts, examples)
    return table


def _examples() -> Column:
    return Column("examples", overflow="fold", ratio=1)


def shortened(text: str, forms: Sequence[str]) -> str:
    """Cut a review to one short line around the first of some words, in printable characters."""
    line = printable(text)
    places = [place for form in forms if (place := line.lower().find(form)) >= 0]
    start = max(0, min(places, default=0) - _WIDTH // 2)
    start = max(0, min(start, len(line) - _WIDTH))
    piece = line[start : start + _WIDTH]
    return f"{'…' if start else ''}{piece}{'…' if start + _WIDTH < len(line) else ''}"


def _quoted(text: str) -> str:
    return tomli_w.dumps({"x": text}).removeprefix("x = ").rstrip("\n")
