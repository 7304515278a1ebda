"""`labeler share`: what share of the reviews of a run is of each class, of all and by group."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl

from ...data.command import command
from ...data.gold.gold_rows import GoldTable
from ...data.gold.inclusion import with_record
from ...data.gold.weights import NOT_RANDOM, effective_rows
from ...data.runs.directory import RunDirectory
from ...data.runs.labels import LabelledRun
from ..evaluation.evaluation_data import EvaluationData, read_evaluation_data
from ..metrics.resampling import Array
from ..settings import ReportSection
from .assumptions import constant_bias_fits_better
from .estimates import ClassRates, class_rates, group_shares, overall_shares
from .groups import group_reviews
from .tables import ASSUMPTIONS, CONSTANT_BIAS, CONSTANT_ERRORS, LABELS, OVERALL, ShareTable, share_tables

_SCHEMA = {
    "by": pl.String,
    "group": pl.String,
    "reviews": pl.Int64,
    "label": pl.String,
    "method": pl.String,
    "share": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "preferred": pl.Boolean,
}

_Row: TypeAlias = tuple[str | None, str | None, int, str, str, float | None, float | None, float | None, bool | None]


@dataclass(frozen=True, eq=False)
class Shares:
    """The share of each class in the reviews of a run, and in groups of them.

    Parameters
    ----------
    frame : DataFrame
        A row for each group, class and method: by, group (both null for all reviews), reviews, label, method, share,
        low and high (ends of the 95 % interval), preferred. Methods are ``labels`` (counted, without an interval),
        ``ppi`` of all reviews, ``constant bias`` and ``constant error rates`` of groups, see
        `reports.shares.estimates`. Of the last the share is null where it is not measurable. Of the last two
        ``preferred`` is the one whose assumption fits the hand labels better, null where that cannot be decided.
    hand_labels : int
        Reviews labelled by hand; 0 where there are none that can be used.
    effective_rows : float
        The number of reviews drawn at random that are as informative.
    notes : tuple of str
        What a user should be told.
    """

    frame: pl.DataFrame
    hand_labels: int
    effective_rows: float
    notes: tuple[str, ...] = ()

    @property
    def tables(self) -> list[ShareTable]:
        """The shares as text."""
        return share_tables(self.frame)

    def _repr_html_(self) -> str:
        """Show the tables in a notebook."""
        return "".join(table.to_html() for table in self.tables)


def run_shares(run: RunDirectory, by: Sequence[str], settings: ReportSection, given: GoldTable | None = None) -> Shares:
    """Estimate the shares of the classes.

    Parameters
    ----------
    run : RunDirectory
        With labels.
    by : sequence of str
        Columns of the input, or ``month``.
    settings : ReportSection
        Its column of dates, and resamples.
    given : GoldTable, optional
        Hand labels to use instead of those the run was made with.

    Raises
    ------
    LabelerError
        If the labels or hand labels cannot be read, or there is no such column or no date.
    """
    labelled = LabelledRun(run)
    data, notes = _hand_labels(labelled, given)
    has_label = labelled.hard[:, np.newaxis] == np.arange(labelled.label_space.k)
    rates = None
    if data is not None:
        rates = class_rates(
            data.truth, data.gold.weak, data.gold.weights, has_label.mean(axis=0), resamples=settings.resamples
        )
    rows = list(_overall(labelled, has_label, rates))
    columns = labelled.input_columns() if by else pl.DataFrame()
    for name in by:
        groups, more = group_reviews(columns, name, settings.date_column)
        notes += more
        rows += _by_group(name, groups, labelled, has_label, data, rates)
    frame = pl.DataFrame(rows, _SCHEMA, orient="row")
    if data is None:
        return Shares(frame, 0, 0.0, tuple(notes))
    notes += [ASSUMPTIONS] if by else []
    return Shares(frame, len(data.gold), effective_rows(data.gold.weights), tuple(notes))


def _hand_labels(labelled: LabelledRun, given: GoldTable | None) -> tuple[EvaluationData | None, list[str]]:
    """Return the hand labels, if there are some that say anything about all reviews, and notes on them."""
    run = labelled.run
    if given is None and labelled.gold is None:
        draw = f"{command('sample', '--run', run.path)}, then {command('annotate', '--run', run.path)}"
        return None, [f"Without hand labels these are shares of labels, mistakes included. For intervals: {draw}."]
    data = read_evaluation_data(run, None if given is None else with_record(given, run))
    notes = [note for note in data.notes if note != NOT_RANDOM]
    if not data.is_random_sample:
        return None, [*notes, f"{NOT_RANDOM} So these are shares of labels, mistakes included."]
    return data, notes


def _overall(labelled: LabelledRun, has_label: npt.NDArray[np.bool_], rates: ClassRates | None) -> Iterator[_Row]:
    found = None if rates is None else overall_shares(rates)
    counted = _counted(has_label)
    for c, name in enumerate(labelled.label_space.names):
        yield (None, None, len(has_label), name, LABELS, counted[c], None, None, None)
        if found is not None:
            yield (None, None, len(has_label), name, OVERALL, *_values(found[:, c]), None)


def _by_group(
    by: str,
    groups: pl.Series,
    labelled: LabelledRun,
    has_label: npt.NDArray[np.bool_],
    data: EvaluationData | None,
    rates: ClassRates | None,
) -> Iterator[_Row]:
    names = groups.drop_nulls().unique().sort()
    code = groups.replace_strict(names, range(len(names)), return_dtype=pl.Int64).fill_null(-1).alias("group")
    members = [has_label[code.to_numpy() == g] for g in range(len(names))]
    shares = np.stack([rows.mean(axis=0) for rows in members])
    if data is None or rates is None:
        for name, rows in zip(names, members, strict=True):
            yield from _rows(by, name, rows, labelled)
        return
    ids = pl.DataFrame([data.gold.ids.alias("id")])
    found = ids.join(pl.DataFrame([labelled.ids.alias("id"), code]), on="id", how="left", maintain_order="left")
    own = found["group"].fill_null(-1).to_numpy()
    at = np.flatnonzero(own >= 0)
    sizes = np.array([len(rows) for rows in members])
    better = constant_bias_fits_better(
        data.truth[at], data.gold.weak[at], own[at], data.gold.weights[at], rates, shares, sizes
    )
    for g, (name, rows) in enumerate(zip(names, members, strict=True)):
        yield from _rows(by, name, rows, labelled, group_shares(rates, shares[g], len(rows), seed=g), better)


def _rows(
    by: str,
    group: str,
    has_label: npt.NDArray[np.bool_],
    labelled: LabelledRun,
    estimates: tuple[Array, Array] | None = None,
    bias_fits_better: Sequence[bool | None] = (),
) -> Iterator[_Row]:
    counted = _counted(has_label)
    for c, label in enumerate(labelled.label_space.names):
        start = (by, group, len(has_label), label)
        yield (*start, LABELS, counted[c], None, None, None)
        if estimates is not None:
            better = bias_fits_better[c]
            bias, errors = (_values(found[:, c]) for found in estimates)
            yield (*start, CONSTANT_BIAS, *bias, better)
            yield (*start, CONSTANT_ERRORS, *errors, None if better is None else not better)


def _counted(has_label: npt.NDArray[np.bool_]) -> list[float]:
    """Return the share of each class among the labels; 0 without any."""
    counts = has_label.sum(axis=0)
    shares: list[float] = (counts / max(int(counts.sum()), 1)).tolist()
    return shares


def _values(estimate: Array) -> tuple[float | None, float | None, float | None]:
    value, low, high = (None if np.isnan(number) else float(number) for number in estimate)
    return value, low, high
