"""What `labeler share` prints."""

from __future__ import annotations

from rich.table import Table

from ..printable import counted, printable
from ..shares.share import Shares
from .progress_bars import plain_console


def print_shares(shares: Shares) -> None:
    """Print the tables, what they rest on, and what to know about them, on stdout."""
    console = plain_console()
    for each in shares.tables:
        table = Table(*each.columns, box=None)
        for row in each.rows:
            table.add_row(*map(printable, row))
        console.print(f"\n{printable(each.title)}\n")
        console.print(table)
        if each.caption:
            console.print(each.caption, soft_wrap=True)
    console.print()
    if shares.hand_labels:
        console.print(f"from {counted(shares.hand_labels, shares.effective_rows)} hand labels")
    for note in shares.notes:
        console.print(f"note: {printable(note)}", soft_wrap=True)
