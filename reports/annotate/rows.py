"""One review of a file: its label and note, and what was done with it besides, kept in a column of the file."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

Mark = Literal["", "skipped", "settled"]
"""Skipped: left without a label on purpose. Settled: the final answer where two annotators differed."""

COLUMN = "labeler_mark"
"""Name of the column; it is added when there is something to keep in it."""

_SETTLED = "settled, was "


@dataclass(frozen=True)
class ReviewRow:
    """One review and the analyst's label and note.

    Parameters
    ----------
    id, text : str
        As in the file.
    label : str or None
        Class name.
    note : str
        May be empty.
    mark : str
        See `Mark`.
    before : str or None
        Of a settled row, the label it had before.
    version : int
        Number of the last change to it; 0 if it is as in the file.
    """

    id: str
    text: str
    label: str | None
    note: str
    mark: Mark = ""
    before: str | None = None
    version: int = 0

    @property
    def first_label(self) -> str | None:
        """The label before the review was settled: agreement is measured on that one."""
        return self.before if self.mark == "settled" else self.label

    def same_as(self, other: ReviewRow) -> bool:
        """Whether both have the same label, note and mark."""
        return replace(self, version=0) == replace(other, version=0)


def to_cell(row: ReviewRow) -> str | None:
    """Write the mark of a row, and of a settled one the label it had before, as one cell; None without a mark."""
    return f"{_SETTLED}{row.before}" if row.mark == "settled" and row.before is not None else row.mark or None


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
