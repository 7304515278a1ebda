"""What `labeler label` writes: the labels, the voters' table, and the numbers of the run."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from ..data.gold.scores import gold_scores
from ..data.progress import progress
from ..data.runs.directory import RunDirectory
from ..data.runs.manifest import StageDetails
from ..data.types.label_space import ABSTAIN, LabelSpace
from ..data.types.soft_labels import SoftLabels
from ..data.writing.atomic import write_csv, write_json, write_parquet
from ..data.writing.chunked_files import CHUNK_ROWS, ChunkedParquet, writing_csv
from .balance.settle import ClassBalance
from .input import Reviews
from .label_models.patterns import VotePatterns
from .label_models.summary import lf_summary
from .voting.configured import NamedVoter


@dataclass(frozen=True, eq=False)
class Labelled:
    """The result of a run before it is written: a label per vote pattern.

    `table` maps the rows of the corpus, input rows first, to patterns; `soft` has one row per pattern.
    """

    reviews: Reviews
    labels: LabelSpace
    table: VotePatterns
    soft: SoftLabels
    voters: tuple[NamedVoter, ...]
    voter_accuracy: npt.NDArray[np.float64]
    balance: ClassBalance
    method: str
    notes: tuple[str, ...]
    catch_all: str = ""
    cascade: tuple[dict[str, Any], ...] = ()

    @cached_property
    def hard(self) -> npt.NDArray[np.int16]:
        """Class index of each pattern, -1 without a label."""
        return self.soft.hard()

    @cached_property
    def input_counts(self) -> npt.NDArray[np.int64]:
        """How many input rows show each pattern."""
        return np.bincount(self.table.inverse[: self.reviews.n_input], minlength=len(self.table))

    @property
    def voter_names(self) -> list[str]:
        """The voters' names, in column order."""
        return [voter.name for voter in self.voters]


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
    notes: list[str] = field(default_factory=list)
    catch_all: str = ""
    cascade: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0.0


def write_labels(
    labelled: Labelled, run: RunDirectory, *, key: str, settings: Mapping[str, Any], started: float
) -> LabelSummary:
    """Write the labels, the tables beside them and the summary; record the stage.

    Raises
    ------
    RunError
        If a file cannot be written.
    """
    reviews, outputs = labelled.reviews, [run.label_model, run.labels, run.labels_csv, run.lf_summary, run.summary]
    known = _write_rows(labelled, run)
    voters = lf_summary(
        labelled.table,
        voters=labelled.voter_names,
        classes=labelled.labels.names,
        gold=_gold_column(reviews),
        gold_weights=None if reviews.gold is None else reviews.gold.weights,
        agreement=labelled.voter_accuracy,
    )
    write_csv(run.lf_summary, voters)
    run.remove((run.gold, run.relabelled))  # of an earlier run with a gold file or an existing label column
    run.remove_report()
    if reviews.gold is not None:
        truth = labelled.labels.series(reviews.gold.labels).alias("gold")
        known.insert_column(2, truth).insert_column(3, pl.Series("weight", reviews.gold.weights))
        write_parquet(run.gold, known)
        outputs.append(run.gold)
    changes = changed_rows(labelled)
    if changes is not None:
        with writing_csv(run.relabelled) as write:
            for start in range(0, max(len(changes), 1), CHUNK_ROWS):
                write(relabelled(labelled, changes[start : start + CHUNK_ROWS]))
        outputs.append(run.relabelled)
    summary = summarise(labelled, voters, changes, seconds=round(time.perf_counter() - started, 2))
    write_json(run.summary, asdict(summary))
    rows = {"rows": summary.rows, "covered": summary.covered, "labelled": summary.labelled}
    details = StageDetails(settings=settings, seed=settings["seed"], rows=rows, seconds=summary.seconds)
    run.record_stage("labels", key, outputs=tuple(outputs), details=details)
    return summary


def summarise(
    labelled: Labelled, voters: pl.DataFrame, changes: npt.NDArray[np.int64] | None, *, seconds: float
) -> LabelSummary:
    """Gather the numbers of a run; `changes` are the rows whose existing label changed."""
    labels, reviews, gold = labelled.labels, labelled.reviews, labelled.reviews.gold
    balance, interval = labelled.balance, labelled.balance.interval
    rows, decided = labelled.input_counts, labelled.hard != ABSTAIN
    counts = np.bincount(labelled.hard[decided], rows[decided], minlength=labels.k).astype(np.int64)
    return LabelSummary(
        rows=reviews.n_input,
        rejected=reviews.rejected,
        covered=int(rows[labelled.soft.covered].sum()),
        labelled=int(counts.sum()),
        distribution=dict(zip(labels.names, counts.tolist(), strict=True)),
        class_balance=dict(zip(labels.names, balance.shares.tolist(), strict=True)),
        class_balance_source=balance.source,
        class_balance_interval=None if interval is None else dict(zip(labels.names, interval.T.tolist(), strict=True)),
        label_model=labelled.method,
        voters=voters.to_dicts(),
        gold=gold_scores(gold.labels, labelled.hard[labelled.table.inverse[gold.rows]], gold.weights)
        if gold is not None and len(gold)
        else None,
        relabelled=None if changes is None else len(changes),
        notes=[*labelled.notes, *class_notes(counts, labels)],
        catch_all=labelled.catch_all,
        cascade=list(labelled.cascade),
        seconds=seconds,
    )


def _write_rows(labelled: Labelled, run: RunDirectory) -> pl.DataFrame:
    """Write the labels of the input rows, chunk by chunk; return those of the gold rows."""
    gold, n = labelled.reviews.gold, labelled.reviews.n_input
    wanted = np.zeros(0, np.int64) if gold is None else gold.rows
    known, by_pattern, start = [], pattern_labels(labelled), 0
    bar = progress("Writing labels", total=n)
    with writing_csv(run.labels_csv) as csv, ChunkedParquet(run.labels) as parquet, bar as advance:
        for frame in labelled.reviews.corpus.frames("id", "text"):
            rows = slice(start, start + len(frame))
            found = frame.hstack(by_pattern[labelled.table.inverse[rows]].get_columns())
            ours = found.head(max(n - start, 0))
            parquet.write(ours)
            csv(ours)
            advance(len(ours))
            first, end = np.searchsorted(wanted, [rows.start, rows.stop])
            known.append(found[wanted[first:end] - start])
            start = rows.stop
        parquet.save()
    return pl.concat(known)


def pattern_labels(labelled: Labelled) -> pl.DataFrame:
    """Build the columns of ``labels.parquet`` after id and text, one row per pattern.

    They are label (null where there is none), confidence, p_<class>, covered, votes.
    """
    soft, labels = labelled.soft, labelled.labels
    return pl.DataFrame(
        [
            labels.series(labelled.hard).alias("label"),
            pl.Series("confidence", soft.confidence).fill_nan(None),
            *(pl.Series(f"p_{name}", soft.probs[:, i]) for i, name in enumerate(labels.names)),
            pl.Series("covered", soft.covered),
            votes_as_text(labelled.table, labelled.voter_names, labels),
        ]
    )


def _gold_column(reviews: Reviews) -> npt.NDArray[np.int16] | None:
    """Gold labels of all rows of the corpus, -1 where there is none."""
    if reviews.gold is None:
        return None
    column = np.full(len(reviews.corpus), ABSTAIN, np.int16)
    column[reviews.gold.rows] = reviews.gold.labels
    return column


def changed_rows(labelled: Labelled) -> npt.NDArray[np.int64] | None:
    """Input rows whose existing label changed, the most confident first; None without a voter of kind ``existing``."""
    old = _existing(labelled)
    if old is None:
        return None
    changed = (old != ABSTAIN) & (labelled.hard != ABSTAIN) & (old != labelled.hard)
    inverse = labelled.table.inverse[: labelled.reviews.n_input]
    rows = np.flatnonzero(changed[inverse])
    return rows[np.argsort(-labelled.soft.confidence[inverse[rows]], kind="stable")]


def relabelled(labelled: Labelled, rows: npt.NDArray[np.int64]) -> pl.DataFrame:
    """Build lines of ``relabelled.csv``: id, text, old_label, new_label, confidence of `changed_rows`."""
    old, patterns = _existing(labelled), labelled.table.inverse[rows]
    assert old is not None
    return labelled.reviews.corpus.take(rows).with_columns(
        labelled.labels.series(old[patterns]).alias("old_label"),
        labelled.labels.series(labelled.hard[patterns]).alias("new_label"),
        pl.Series("confidence", labelled.soft.confidence[patterns]),
    )


def _existing(labelled: Labelled) -> npt.NDArray[np.int16] | None:
    """Existing label of each pattern: what the first voter of kind ``existing`` votes."""
    columns = [j for j, voter in enumerate(labelled.voters) if voter.section.kind == "existing"]
    return labelled.table.patterns[:, columns[0]] if columns else None


def votes_as_text(table: VotePatterns, voters: Sequence[str], labels: LabelSpace) -> pl.Series:
    """Write who voted what in each pattern, e.g. ``keywords=positive; emoji=positive``."""
    written = [
        "; ".join(f"{voter}={labels.names[c]}" for voter, c in zip(voters, row, strict=True) if c != ABSTAIN)
        for row in table.patterns
    ]
    return pl.Series("votes", written, dtype=pl.String)


def class_notes(counts: npt.NDArray[np.int64], labels: LabelSpace) -> list[str]:
    """Point out classes that got no label, or fewer than 1 % of them."""
    total = max(int(counts.sum()), 1)
    empty = [name for name, count in zip(labels.names, counts, strict=True) if count == 0]
    rare = [name for name, count in zip(labels.names, counts, strict=True) if 0 < count < 0.01 * total]
    notes = []
    if empty:
        notes.append(f"No row was labelled {', '.join(empty)}: the class may be absent, or its voters too weak.")
    if rare:
        notes.append(f"Fewer than 1 % of the labels are {', '.join(rare)}: check them by hand before training on them.")
    return notes
