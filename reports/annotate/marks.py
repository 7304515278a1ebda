"""What was done with a review besides labelling it, kept in a column of the file."""

from __future__ import annotations

from typing import Literal

Mark = Literal["", "skipped", "settled"]
"""Skipped: left without a label on purpose. Settled: the final answer where two annotators differed."""

COLUMN = "labeler_mark"
"""Name of the column; it is added when there is something to keep in it."""

_SETTLED = "settled, was "


def to_cell(mark: Mark, before: str | None) -> str:
    """Write a mark, and for a settled review the label it had before, as one cell."""
    return f"{_SETTLED}{before}" if mark == "settled" and before is not None else mark


def from_cell(cell: str, label: str | None) -> tuple[Mark, str | None]:
    """Read what `to_cell` wrote; any other cell is no mark.

    Parameters
    ----------
    cell : str
    label : str or None
        Label of the review: a review that was labelled in a spreadsheet is no longer skipped.
    """
    if cell.startswith(_SETTLED):
        return "settled", cell.removeprefix(_SETTLED)
    if cell == "settled":
        return "settled", None
    return ("skipped" if cell == "skipped" and label is None else ""), None
