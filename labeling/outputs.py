"""What `labeler label` writes and says: the labels, the voters' table, and the numbers of the run."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from ..data.atomic import write_csv, write_json, write_parquet
from ..data.label_space import ABSTAIN, LabelSpace
from ..data.manifest import StageDetails
from ..data.run import RunDirectory
from ..data.scores import gold_scores
from ..data.soft_labels import SoftLabels
from .analysis import lf_summary
from .patterns import VotePatterns
from .reviews import Reviews
from .voting import NamedVoter


@dataclass(frozen=True, eq=False)
class Labelled:
    """The result of a run before it is written; arrays are over the corpus: input rows, then further gold rows."""

    reviews: Reviews
    labels: LabelSpace
    table: VotePatterns
    soft: SoftLabels
    voters: tuple[NamedVoter, ...]
    voter_accuracy: npt.NDArray[np.float64]
    class_balance: npt.NDArray[np.float64]
    class_balance_source: str
    method: str
    rejected: int
    notes: tuple[str, ...]
    cascade: tuple[dict[str, Any], ...] = ()

    @cached_property
    def hard(self) -> npt.NDArray[np.int16]:
        """Class index of each row, -1 without a label."""
        return self.soft.hard()

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
    label_model : str
        The method that made the labels.
    voters : list of dict
        One row per voter: see `labeling.analysis.lf_summary`.
    gold : dict of str to float, optional
        Rows, macro-F1, weighted F1 and accuracy on gold rows; unlabelled rows count as wrong.
    relabelled : int, optional
        Rows whose existing label changed, when an existing label column votes.
    notes : list of str
        What a user should be told.
    cascade : list of dict
        One entry per voter that was asked about hard rows only: see `labeling.cascade_step.ask_voters`.
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
    gold: dict[str, float] | None = None
    relabelled: int | None = None
    notes: list[str] = field(default_factory=list)
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
    frame, gold = labels_frame(labelled), labelled.reviews.corpus.gold
    ours = frame.head(labelled.reviews.n_input)
    outputs = [run.labels, run.labels_csv, run.lf_summary, run.summary]
    write_parquet(run.labels, ours)
    write_csv(run.labels_csv, ours)
    voters = lf_summary(
        labelled.table,
        voters=labelled.voter_names,
        classes=labelled.labels.names,
        gold=gold,
        estimated_accuracy=labelled.voter_accuracy,
    )
    write_csv(run.lf_summary, voters)
    run.remove((run.gold, run.relabelled))  # of an earlier run with a gold file or an existing label column
    if gold is not None:
        write_parquet(run.gold, gold_frame(frame, gold, labelled.labels, labelled.reviews.gold_weights))
        outputs.append(run.gold)
    changes = relabelled(labelled)
    if changes is not None:
        write_csv(run.relabelled, changes)
        outputs.append(run.relabelled)
    summary = summarise(labelled, ours, voters, changes, seconds=round(time.perf_counter() - started, 2))
    write_json(run.summary, asdict(summary))
    rows = {"rows": summary.rows, "covered": summary.covered, "labelled": summary.labelled}
    details = StageDetails(settings=settings, seed=settings["seed"], rows=rows, seconds=summary.seconds)
    run.record_stage("labels", key, outputs=tuple(outputs), details=details)
    return summary


def summarise(
    labelled: Labelled, ours: pl.DataFrame, voters: pl.DataFrame, changes: pl.DataFrame | None, *, seconds: float
) -> LabelSummary:
    """Gather the numbers of a run; `ours` are the labels of the input rows."""
    labels, gold = labelled.labels, labelled.reviews.corpus.gold
    decided = labelled.hard[: len(ours)]
    counts = np.bincount(decided[decided != ABSTAIN], minlength=labels.k)
    return LabelSummary(
        rows=len(ours),
        rejected=labelled.rejected,
        covered=int(ours["covered"].sum()),
        labelled=int(counts.sum()),
        distribution=dict(zip(labels.names, counts.tolist(), strict=True)),
        class_balance=dict(zip(labels.names, labelled.class_balance.tolist(), strict=True)),
        class_balance_source=labelled.class_balance_source,
        label_model=labelled.method,
        voters=voters.to_dicts(),
        gold=gold_scores(gold, labelled.hard, labelled.reviews.gold_weights)
        if gold is not None and labelled.reviews.n_gold
        else None,
        relabelled=None if changes is None else len(changes),
        notes=[*labelled.notes, *class_notes(counts, labels)],
        cascade=list(labelled.cascade),
        seconds=seconds,
    )


def labels_frame(labelled: Labelled) -> pl.DataFrame:
    """Build ``labels.parquet``: id, text, label (null where there is none), confidence, p_<class>, covered, votes."""
    corpus, soft, labels = labelled.reviews.corpus, labelled.soft, labelled.labels
    return pl.DataFrame(
        [
            corpus.ids,
            corpus.texts,
            class_names(labelled.hard, labels).alias("label"),
            pl.Series("confidence", soft.confidence).fill_nan(None),
            *(pl.Series(f"p_{name}", soft.probs[:, i]) for i, name in enumerate(labels.names)),
            pl.Series("covered", soft.covered),
            votes_as_text(labelled.table, labelled.voter_names, labels),
        ]
    )


def gold_frame(
    frame: pl.DataFrame,
    gold: npt.NDArray[np.int16],
    labels: LabelSpace,
    weights: npt.NDArray[np.float64] | None = None,
) -> pl.DataFrame:
    """Build ``gold.parquet``: the gold rows' labels frame with the columns ``gold`` and ``weight`` after the text."""
    rows = np.flatnonzero(gold != ABSTAIN)
    found = frame[rows.tolist()]
    counts = np.ones(len(rows)) if weights is None else weights[rows]
    truth = class_names(gold[rows], labels).alias("gold")
    return found.insert_column(2, truth).insert_column(3, pl.Series("weight", counts))


def relabelled(labelled: Labelled) -> pl.DataFrame | None:
    """Input rows whose existing label changed, the surest first: id, text, old_label, new_label, confidence.

    None without a voter of kind ``existing``; with several, the first is compared.
    """
    columns = [j for j, voter in enumerate(labelled.voters) if voter.section.kind == "existing"]
    if not columns:
        return None
    n = labelled.reviews.n_input
    old, new = labelled.table.expand(labelled.table.patterns[:, columns[0]])[:n], labelled.hard[:n]
    changed = np.flatnonzero((old != ABSTAIN) & (new != ABSTAIN) & (old != new))
    confidence = labelled.soft.confidence[changed]
    surest = np.argsort(-confidence, kind="stable")
    changed, corpus = changed[surest], labelled.reviews.corpus
    return pl.DataFrame(
        [
            corpus.ids.gather(changed),
            corpus.texts.gather(changed),
            class_names(old[changed], labelled.labels).alias("old_label"),
            class_names(new[changed], labelled.labels).alias("new_label"),
            pl.Series("confidence", confidence[surest]),
        ]
    )


def votes_as_text(table: VotePatterns, voters: Sequence[str], labels: LabelSpace) -> pl.Series:
    """Say who voted what, e.g. ``keywords=positive; emoji=positive``, once per distinct row of votes."""
    said = [
        "; ".join(f"{voter}={labels.names[c]}" for voter, c in zip(voters, row, strict=True) if c != ABSTAIN)
        for row in table.patterns
    ]
    return pl.Series("votes", said, dtype=pl.String).gather(table.inverse)


def class_names(indices: npt.NDArray[np.int16], labels: LabelSpace) -> pl.Series:
    """Class names of many rows at once, null for -1."""
    names = pl.Series([*labels.names, None], dtype=pl.String)
    return names.gather(np.where(indices == ABSTAIN, labels.k, indices))


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
