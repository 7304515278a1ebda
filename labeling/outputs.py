"""What `labeler label` writes: the labels, the voters' table, and the numbers of the run."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from ..data.gold.scores import gold_scores
from ..data.runs.directory import RunDirectory
from ..data.runs.manifest import StageDetails
from ..data.types.label_space import ABSTAIN, LabelSpace
from ..data.writing.atomic import write_csv, write_json, write_parquet
from .input import Reviews
from .label_models.summary import lf_summary
from .labelled import Labelled
from .rows import RowLabels, write_changes, write_rows
from .voting.executor import Executor


@dataclass(frozen=True)
class LabelSummary:
    """The numbers of a run, kept in ``summary.json``.

    Parameters
    ----------
    rows, rejected, covered, labelled : int
        Input rows used, input rows that could not be used, rows somebody voted on, rows with a label.
    distribution : dict of str to int
        Labelled rows per class.
    class_balance : dict of str to float
        The prior the label model worked with.
    class_balance_source : str
        Where it is from, in words: gold rows, the rules' votes, the configuration.
    class_balance_interval : dict of str to list of float, optional
        Lower and upper end of the 95 % interval of each share, from hand labels.
    label_model : str
        The method that made the labels.
    voters : list of dict
        One row per voter: see `label_models.summary.lf_summary`.
    gold : dict of str to float, optional
        See `data.gold.scores.gold_scores`: on gold rows by their weights; unlabelled rows count as wrong.
    relabelled : int, optional
        Rows whose existing label changed, when an existing label column votes.
    notes : list of str
        What a user should be told.
    refined : int, optional
        Rows whose label refining changed; None where labels are the label model's own.
    weak_distribution : dict of str to int
        Rows per class by the label model's own labels.
    weak_gold : dict of str to float, optional
        As `gold`, of the label model's own labels; where they are refined.
    catch_all : str
        The class that takes what no other one claims; empty without one.
    cascade : list of dict
        One entry per voter that was asked about hard rows only: see `cascade.apply.apply_on_demand`.
    seconds : float
        Wall time of the run that made the labels.
    """

    rows: int
    rejected: int
    covered: int
    labelled: int
    distribution: dict[str, int]
    class_balance: dict[str, float]
    class_balance_source: str
    label_model: str
    voters: list[dict[str, Any]]
    class_balance_interval: dict[str, list[float]] | None = None
    gold: dict[str, float] | None = None
    relabelled: int | None = None
    refined: int | None = None
    weak_distribution: dict[str, int] = field(default_factory=dict)
    weak_gold: dict[str, float] | None = None
    notes: list[str] = field(default_factory=list)
    catch_all: str = ""
    cascade: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0.0


def write_labels(
    labelled: Labelled,
    run: RunDirectory,
    *,
    executor: Executor,
    key: str,
    settings: Mapping[str, Any],
    started: float,
) -> LabelSummary:
    """Write the labels, the tables beside them and the summary; record the stage.

    Raises
    ------
    RunError
        If a file cannot be written.
    """
    reviews, outputs = labelled.reviews, [run.label_model, run.labels, run.labels_csv, run.lf_summary, run.summary]
    rows, known = write_rows(labelled, run, executor)
    voters = lf_summary(
        labelled.table,
        voters=labelled.voter_names,
        classes=labelled.labels.names,
        gold=_gold_column(reviews),
        gold_weights=None if reviews.gold is None else reviews.gold.weights,
        agreement=labelled.voter_accuracy,
    )
    if rows.refined is not None:
        voters = voters.with_columns(overruled=pl.Series(rows.overruled))
    write_csv(run.lf_summary, voters)
    run.remove((run.gold, run.relabelled, run.refined))  # of an earlier run with other settings
    run.remove_report()
    if reviews.gold is not None:
        truth = labelled.labels.series(reviews.gold.labels).alias("gold")
        known.insert_column(2, truth).insert_column(3, pl.Series("weight", reviews.gold.weights))
        write_parquet(run.gold, known)
        outputs.append(run.gold)
    outputs += write_changes(rows, run)
    summary = summarise(rows, voters, seconds=round(time.perf_counter() - started, 2))
    write_json(run.summary, asdict(summary))
    counts = {"rows": summary.rows, "covered": summary.covered, "labelled": summary.labelled}
    details = StageDetails(settings=settings, seed=settings["seed"], rows=counts, seconds=summary.seconds)
    run.record_stage("labels", key, outputs=tuple(outputs), details=details)
    return summary


def summarise(rows: RowLabels, voters: pl.DataFrame, *, seconds: float) -> LabelSummary:
    """Gather the numbers of a run."""
    labelled = rows.labelled
    labels, reviews, balance = labelled.labels, labelled.reviews, labelled.balance
    weak, refined = labelled.hard[labelled.input_patterns], rows.refined is not None
    counts = _counts(rows.input, labels)
    return LabelSummary(
        rows=reviews.n_input,
        rejected=reviews.rejected,
        covered=int(labelled.input_counts[labelled.soft.covered].sum()),
        labelled=sum(counts.values()),
        distribution=counts,
        class_balance=dict(zip(labels.names, balance.shares.tolist(), strict=True)),
        class_balance_source=balance.source,
        class_balance_interval=None
        if balance.interval is None
        else dict(zip(labels.names, balance.interval.T.tolist(), strict=True)),
        label_model=labelled.method,
        voters=voters.to_dicts(),
        gold=_gold_scores(reviews, rows.hard),
        relabelled=None if rows.relabelled is None else len(rows.relabelled),
        refined=None if rows.refined is None else len(rows.refined),
        weak_distribution=_counts(weak, labels),
        weak_gold=_gold_scores(reviews, labelled.hard[labelled.table.inverse]) if refined else None,
        notes=[*labelled.notes, *class_notes(counts)],
        catch_all=labelled.catch_all,
        cascade=list(labelled.cascade),
        seconds=seconds,
    )


def _counts(hard: npt.NDArray[np.int16], labels: LabelSpace) -> dict[str, int]:
    """Count the rows of each class."""
    counts = np.bincount(hard[hard != ABSTAIN], minlength=labels.k)
    return dict(zip(labels.names, counts.tolist(), strict=True))


def _gold_scores(reviews: Reviews, hard: npt.NDArray[np.int16]) -> dict[str, float] | None:
    """Score the labels of all rows on gold rows."""
    gold = reviews.gold
    return gold_scores(gold.labels, hard[gold.rows], gold.weights) if gold is not None and len(gold) else None


def _gold_column(reviews: Reviews) -> npt.NDArray[np.int16] | None:
    """Gold labels of all rows of the corpus, -1 where there is none."""
    if reviews.gold is None:
        return None
    column = np.full(len(reviews.corpus), ABSTAIN, np.int16)
    column[reviews.gold.rows] = reviews.gold.labels
    return column


def class_notes(counts: Mapping[str, int]) -> list[str]:
    """Point out classes that got no label, or fewer than 1 % of them."""
    total = max(sum(counts.values()), 1)
    empty = [name for name, count in counts.items() if count == 0]
    rare = [name for name, count in counts.items() if 0 < count < 0.01 * total]
    notes = []
    if empty:
        notes.append(f"No row was labelled {', '.join(empty)}: the class may be absent, or its voters too weak.")
    if rare:
        notes.append(f"Fewer than 1 % of the labels are {', '.join(rare)}: check them by hand before training on them.")
    return notes
