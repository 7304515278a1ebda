"""The tables of a labelled run, as data frames and for notebooks."""

from __future__ import annotations

from html import escape

import polars as pl
import polars.selectors as cs

from ..data.runs.labels import LabelledRun
from ..labeling.outputs import LabelSummary


def labels_table(labelled: LabelledRun) -> pl.DataFrame:
    """Return a row for each review: id, text, label, confidence, p_<class>, covered, votes."""
    return labelled.frame("id", "text", "label", "confidence", *labelled.columns, "covered", "votes")


def votes_table(labelled: LabelledRun) -> pl.DataFrame:
    """Return a row for each review: its id, and a column for each voter with the class it votes."""
    votes, names = labelled.vote_matrix(ids=labelled.ids), labelled.label_space.series
    cast = (names(column).alias(voter) for voter, column in zip(labelled.voters, votes.T, strict=True))
    return pl.DataFrame([labelled.ids.alias("id"), *cast])


def voters_table(numbers: LabelSummary) -> pl.DataFrame:
    """Return a row for each voter; see `lf_summary`."""
    voters = pl.DataFrame(numbers.voters, infer_schema_length=None)
    return voters.with_columns(cs.by_dtype(pl.Null).cast(pl.Float64))


def summary_table(numbers: LabelSummary) -> pl.DataFrame:
    """Return the numbers of labelling: columns measure, label (null where it is not about one class) and value."""
    rows: list[tuple[str, str | None, float]] = [
        *((name, None, getattr(numbers, name)) for name in ("rows", "rejected", "covered", "labelled")),
        *(("labelled", name, count) for name, count in numbers.distribution.items()),
        *(("class_balance", name, share) for name, share in numbers.class_balance.items()),
        *((f"gold_{name}", None, value) for name, value in (numbers.gold or {}).items()),
    ]
    return pl.DataFrame(rows, {"measure": pl.String, "label": pl.String, "value": pl.Float64}, orient="row")


def summary_html(numbers: LabelSummary, place: str) -> str:
    """Write the numbers of labelling for a notebook."""
    rows = "".join(
        f"<tr><td>{escape(name)}</td><td>{count:,}</td><td>{numbers.class_balance[name]:.1%}</td></tr>"
        for name, count in numbers.distribution.items()
    )
    return (
        f"<p>{numbers.labelled:,} of {numbers.rows:,} reviews labelled: {escape(place)}</p>"
        f"<table><tr><th>label</th><th>reviews</th><th>class balance</th></tr>{rows}</table>"
    )
