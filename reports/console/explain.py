"""What `labeler voters zero_shot --try TEXT` prints."""

from __future__ import annotations

from rich.table import Column, Table

from ...labeling.explain import Trial
from ..printable import printable
from .terminal import stdout_console


def print_trial(trial: Trial) -> None:
    """Print every statement with its scores, the classes, the winner, and warnings, on stdout."""
    console = stdout_console()
    console.print(printable(f"{trial.voter}: engine {trial.engine}, model {trial.model}"), soft_wrap=True)
    for reading, pieces in zip(trial.readings, trial.pieces, strict=True):
        console.print(printable(f"\n{reading.prompt.replace('{text}', trial.text) or trial.text}"), soft_wrap=True)
        table = Table("class", Column("statement", overflow="fold"), "tokens", "score", "calibrated", box=None)
        rows = zip(reading.classes, reading.statements, pieces, reading.scores[0], reading.calibrated[0], strict=True)
        for label, statement, tokens, score, calibrated in rows:
            name = printable(trial.labels.names[label])
            table.add_row(name, printable(statement), " ".join(tokens), f"{score:.3f}", f"{calibrated:+.3f}")
        console.print(table)
    console.print()
    for name, score in zip(trial.labels.names, trial.scores, strict=True):
        console.print(printable(f"{name}: {score:+.3f}"), soft_wrap=True)
    console.print(printable(f"votes {trial.winner}; on 100 reviews or more votes are matched to the class balance"))
    for warning in trial.warnings:
        console.print(printable(f"warning: {warning}"), soft_wrap=True)
