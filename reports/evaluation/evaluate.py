"""`labeler report`: everything that is known of how good the labels and the models of a run are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt
import polars as pl

from ...data.errors import InputError
from ...data.gold.gold_rows import GoldTable
from ...data.gold.inclusion import with_record
from ...data.progress import progress, status
from ...data.runs.directory import RunDirectory
from ...data.runs.train_summary import TrainSummary
from ...labeling.settings import LabelModelSection
from ..metrics.comparison import Comparison, compare
from ..metrics.measures import Measures, measure
from ..settings import ReportSection
from .baselines import baselines
from .class_terms import WeakPoints, weak_points
from .dates import find_dates
from .end_models import Predict, end_model_opinions, read_training, usable_models
from .evidence import Evidence, Opinion, read_evidence
from .label_issues import Suspects, label_suspects
from .mistakes import Mistake, mistakes_by_cell, surest_mistakes
from .selective import Kept, selective_accuracy
from .voters import VoterReport, agreement, voter_reports


@dataclass(frozen=True, eq=False)
class Subject:
    """Labels that a user may want to use, the weak ones or those of an end model, and how good they are.

    Parameters
    ----------
    opinion : Opinion
    measures : Measures
        On the gold rows that it may be scored on.
    kept : list of Kept
        Accuracy of the surest labels.
    mistakes : list of Mistake
        The surest ones.
    by_cell : dict
        Some mistakes for each pair of classes.
    """

    opinion: Opinion
    measures: Measures
    kept: list[Kept]
    mistakes: list[Mistake]
    by_cell: dict[tuple[str, str], list[Mistake]]


@dataclass(frozen=True)
class Duel:
    """Two sets of labels compared on the gold rows that both may be scored on."""

    first: str
    second: str
    comparison: Comparison


@dataclass(frozen=True, eq=False)
class Report:
    """What a report says.

    Parameters
    ----------
    evidence : Evidence
    weak : Subject
    models : Mapping of str to Subject
        The end models, by name.
    training : Mapping of str to TrainSummary
        How they were trained.
    baselines : Mapping of str to Measures
    voters : list of VoterReport
    agreement : ndarray of float64, shape (m, m)
        Of the voters, see `reports.voters.agreement`.
    duels : list of Duel
    suspects : Suspects, optional
    points : WeakPoints
    outdated : frozenset of str
        End models that were trained on earlier labels than those of the run.
    """

    evidence: Evidence
    weak: Subject
    models: Mapping[str, Subject]
    training: Mapping[str, TrainSummary]
    baselines: Mapping[str, Measures]
    voters: list[VoterReport]
    agreement: npt.NDArray[np.float64]
    duels: list[Duel]
    suspects: Suspects | None
    points: WeakPoints
    outdated: frozenset[str] = frozenset()


@dataclass(frozen=True)
class ReportJob:
    """What to report on.

    Parameters
    ----------
    run : RunDirectory
    label_model : LabelModelSection
        How the run combined its votes.
    settings : ReportSection
    predict : callable
        Asks an end model, see `reports.end_models`.
    gold : GoldTable, optional
        Gold rows to score on instead of those the run was made with.
    against : tuple of RunDirectory
        Other runs to compare with, on the gold rows that both have.
    """

    run: RunDirectory
    label_model: LabelModelSection
    settings: ReportSection
    predict: Predict
    gold: GoldTable | None = None
    against: tuple[RunDirectory, ...] = ()


def build_report(job: ReportJob) -> Report:
    """Score weak labels, voters and end models on the gold rows, and look for what is wrong.

    Parameters
    ----------
    job : ReportJob

    Raises
    ------
    LabelerError
        See `read_evidence`, `end_model_opinions` and `find_dates`.
    """
    settings, resamples = job.settings, job.settings.resamples
    evidence = read_evidence(job.run, None if job.gold is None else with_record(job.gold, job.run))
    for note in evidence.notes:
        status(f"note: {note}")
    if evidence.unmatched:
        status(f"hand-labelled rows that are not in the run and so are not scored: {evidence.unmatched:,}")
    training = usable_models(read_training(job.run), evidence.labels, job.run)
    outdated = frozenset(summary.name for summary in training if summary.is_outdated(job.run))
    models = end_model_opinions(evidence, training, job.predict)
    scored = ", ".join(["weak labels", *(f"end model {model.name}" for model in models), "voters"])
    status(f"hand-labelled rows: {len(evidence.gold):,}; scoring {scored}")
    duels = [
        duel
        for first, second in combinations([evidence.weak, *models][::-1], 2)
        if (duel := _duel(first, second, evidence, resamples))
    ]
    for other in job.against:
        duels += _against(evidence, models, other, job, resamples)
    rows = evidence.labelled.frame("id", "text", "label")
    columns = _input_columns(evidence.run, rows["id"])
    dates = find_dates(columns, settings.date_column)
    with progress("Scoring voters"):
        voters = voter_reports(evidence, job.label_model, resamples=resamples)
    with progress("Looking for label issues"):
        suspects = label_suspects(rows, evidence.labels)
    with progress("Counting words"):
        points = weak_points(rows, evidence.labels.names, dates=dates)
    return Report(
        evidence=evidence,
        weak=_subject(evidence.weak, evidence, settings),
        models={model.name: _subject(model, evidence, settings) for model in models if model.unseen.any()},
        training={summary.name: summary for summary in training},
        baselines={o.name: _measured(o, evidence, resamples) for o in baselines(evidence)},
        voters=voters,
        agreement=agreement(evidence),
        duels=duels,
        suspects=suspects,
        points=points,
        outdated=outdated,
    )


def _subject(opinion: Opinion, evidence: Evidence, settings: ReportSection) -> Subject:
    rows = np.flatnonzero(opinion.unseen)
    weights = None if evidence.weights is None else evidence.weights[rows]
    return Subject(
        opinion,
        _measured(opinion, evidence, settings.resamples),
        selective_accuracy(evidence.truth[rows], opinion.at(rows), weights=weights, resamples=settings.resamples),
        surest_mistakes(evidence, opinion, most=settings.examples),
        mistakes_by_cell(evidence, opinion),
    )


def _measured(opinion: Opinion, evidence: Evidence, resamples: int) -> Measures:
    rows = np.flatnonzero(opinion.unseen)
    return measure(
        evidence.truth[rows],
        opinion.found[rows],
        None if opinion.probs is None else opinion.probs[rows],
        labels=evidence.labels,
        weights=None if evidence.weights is None else evidence.weights[rows],
        resamples=resamples,
    )


def _duel(first: Opinion, second: Opinion, evidence: Evidence, resamples: int) -> Duel | None:
    """Compare on the rows that are unseen by both; None if there are none."""
    rows = np.flatnonzero(first.unseen & second.unseen)
    if not len(rows):
        return None
    weights = None if evidence.weights is None else evidence.weights[rows]
    found = compare(
        evidence.truth[rows],
        first.found[rows],
        second.found[rows],
        labels=evidence.labels,
        weights=weights,
        resamples=resamples,
    )
    return Duel(first.name, second.name, found)


def _against(
    evidence: Evidence, models: list[Opinion], other: RunDirectory, job: ReportJob, resamples: int
) -> list[Duel]:
    """Compare weak labels with weak labels, and end models with those of the same name."""
    theirs = read_evidence(other, job.gold)
    if theirs.labels != evidence.labels:
        raise _other_task(evidence, theirs)
    ours, others = (pl.DataFrame([each.gold.ids.alias("id")]).with_row_index("row") for each in (evidence, theirs))
    rows = ours.join(others, on="id", suffix="_theirs", maintain_order="left")
    if not len(rows):
        raise InputError(
            f"The runs {evidence.run.path} and {other.path} have no gold row in common.",
            hint="Give both the same gold rows: labeler report --gold FILE.",
        )
    here, there = rows["row"].to_numpy(), rows["row_theirs"].to_numpy()
    shared = Evidence(evidence.labelled, evidence.gold.take(here))
    named = {o.name: o for o in [theirs.weak, *end_model_opinions(theirs, read_training(other), job.predict)]}
    duels = []
    for opinion in [evidence.weak, *models]:
        if opinion.name in named:
            rival = named[opinion.name].at(there)
            rival = Opinion(f"{opinion.name} of {other.path}", rival.found, rival.probs, rival.unseen)
            duels.append(_duel(opinion.at(here), rival, shared, resamples))
    return [duel for duel in duels if duel]


def _other_task(ours: Evidence, theirs: Evidence) -> InputError:
    return InputError(
        f"{theirs.run.path} has other classes ({', '.join(theirs.labels.names)}) than {ours.run.path} "
        f"({', '.join(ours.labels.names)}).",
        hint="Compare runs of one task.",
    )


def _input_columns(run: RunDirectory, ids: pl.Series) -> pl.DataFrame:
    """Return the columns of the input rows besides id and text, in the order of the labels."""
    frame = pl.read_parquet(run.corpus, glob=False).drop("text")
    return pl.DataFrame([ids]).join(frame, on="id", how="left", maintain_order="left").drop("id")
