"""What `labeler voters zero_shot --try TEXT` prints."""

from __future__ import annotations

from rich.table import Column, Table

from ...labeling.explain import Explanation
from ..printable import printable
from .progress_bars import plain_console


def print_explanation(shown: Explanation) -> None:
    """Print every statement with its scores, the classes, the winner, and warnings, on stdout."""
    console = plain_console()
    console.print(printable(f"{shown.voter}: engine {shown.engine}, model {shown.model}"), soft_wrap=True)
    for prompt, words in zip(shown.prompts, shown.tokens, strict=True):
        console.print(printable(f"\n{prompt.prompt.replace('{text}', shown.text) or shown.text}"), soft_wrap=True)
        table = Table("class", Column("statement", overflow="fold"), "tokens", "score", "calibrated", box=None)
        rows = zip(prompt.classes, prompt.statements, words, prompt.scores[0], prompt.calibrated[0], strict=True)
        for label, statement, tokens, score, calibrated in rows:
            name = printable(shown.labels.names[label])
            table.add_row(name, printable(statement), " ".join(tokens), f"{score:.3f}", f"{calibrated:+.3f}")
        console.print(table)
    console.print()
    for name, score in zip(shown.labels.names, shown.scores, strict=True):
        console.print(printable(f"{name}: {score:+.3f}"), soft_wrap=True)
    console.print(printable(f"votes {shown.winner}; on 100 reviews or more votes are matched to the class balance"))
    for warning in shown.warnings:
        console.print(printable(f"warning: {warning}"), soft_wrap=True)
