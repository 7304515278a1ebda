"""Shares as tables for people: one of all reviews, and one for each class and way of grouping."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

import polars as pl

from ..printable import percent

LABELS, OVERALL = "labels", "ppi"
CONSTANT_BIAS, CONSTANT_ERRORS = "constant bias", "constant error rates"
METHODS = (LABELS, OVERALL, CONSTANT_BIAS, CONSTANT_ERRORS)

_HEADERS = {LABELS: "share of labels", OVERALL: "share (95 % interval)"}
ASSUMPTIONS = (
    f"{CONSTANT_BIAS}: the share of labels is off by as much in every group, as where the mix of products changes; "
    f"{CONSTANT_ERRORS}: reviews of a class get its label as often in every group, as where opinions change."
)


@dataclass(frozen=True)
class ShareTable:
    """A table of text.

    Parameters
    ----------
    title, caption : str
        What stands above and below.
    columns : tuple of str
    rows : list of tuple of str
    """

    title: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]]
    caption: str = ""

    def to_html(self) -> str:
        """Write it for a notebook."""
        head = "".join(f"<th>{escape(name)}</th>" for name in self.columns)
        rows = ("".join(f"<td>{escape(cell)}</td>" for cell in row) for row in self.rows)
        body = "".join(f"<tr>{row}</tr>" for row in rows)
        return f"<p>{escape(self.title)}</p><table><tr>{head}</tr>{body}</table><p>{escape(self.caption)}</p>"


def share_tables(frame: pl.DataFrame) -> list[ShareTable]:
    """Lay out the rows of `Shares.frame`."""
    parts = frame.partition_by("by", maintain_order=True)
    tables = [_table(part, "label", f"all {part['reviews'][0]:,} reviews") for part in parts[:1]]
    for part in parts[1:]:
        tables += [_by_group(rows) for rows in part.partition_by("label", maintain_order=True)]
    return tables


def _by_group(frame: pl.DataFrame) -> ShareTable:
    table = _table(frame, "group", f"{frame['label'][0]} by {frame['by'][0]}")
    if CONSTANT_BIAS not in frame["method"]:
        return table
    better = frame.filter(pl.col("preferred"))["method"]
    told = f"closer to the hand labels: {better[0]}" if len(better) else "too few hand labels to tell which is closer"
    return ShareTable(table.title, table.columns, table.rows, told)


def _table(frame: pl.DataFrame, key: str, title: str) -> ShareTable:
    """Put the methods side by side."""
    methods = [name for name in METHODS if name in frame["method"]]
    sizes = [] if key == "label" else ["reviews"]
    rows = []
    for part in frame.partition_by(key, maintain_order=True):
        cells = {row["method"]: _cell(row["share"], row["low"], row["high"]) for row in part.iter_rows(named=True)}
        rows.append((part[key][0], *(f"{part[name][0]:,}" for name in sizes), *(cells[name] for name in methods)))
    return ShareTable(title, (key, *sizes, *(_HEADERS.get(name, name) for name in methods)), rows)


def _cell(share: float | None, low: float | None, high: float | None) -> str:
    if share is None:
        return "not measurable"
    interval = "" if low is None or high is None else f" ({percent(low)} to {percent(high)})"
    return percent(share) + interval
