"""`labeler report`: everything that is known of how good the labels and the models of a run are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl

from ...data.errors import InputError
from ...data.gold.gold_rows import GoldTable
from ...data.gold.inclusion import with_record
from ...data.progress import progress, status
from ...data.runs.directory import RunDirectory
from ...data.runs.summaries import TrainSummary
from ...labeling.settings import LabelModelSection
from ..metrics.comparison import Comparison
from ..metrics.measures import Measures
from ..settings import ReportSection
from .baselines import baselines
from .class_terms import CharacteristicTerms, characteristic_terms
from .dates import find_dates
from .end_models import Predict, end_model_predictions, read_training, usable_models
from .evaluation_data import EvaluationData, Predictions, read_evaluation_data
from .label_issues import LabelIssues, find_label_issues
from .mistakes import Mistake, mistakes_by_cell, most_confident_mistakes
from .selective import RetainedRows, selective_accuracy
from .voters import VoterReport, agreement, voter_reports

PairwiseComparison: TypeAlias = tuple[str, str, Comparison]
"""Names of two sets of labels, and how they compare on the gold rows that both may be scored on."""


@dataclass(frozen=True, eq=False)
class EvaluatedModel:
    """An end model, or the weak labels, with its scores on the gold rows.

    Parameters
    ----------
    predictions : Predictions
    measures : Measures
        On the gold rows that it may be scored on.
    retained : list of RetainedRows
        Accuracy of the most confident labels.
    mistakes : list of Mistake
        The most confident ones.
    by_cell : dict
        Some mistakes for each pair of classes.
    """

    predictions: Predictions
    measures: Measures
    retained: list[RetainedRows]
    mistakes: list[Mistake]
    by_cell: dict[tuple[str, str], list[Mistake]]


@dataclass(frozen=True, eq=False)
class Report:
    """The contents of a report.

    Parameters
    ----------
    data : EvaluationData
    weak : EvaluatedModel
    models : Mapping of str to EvaluatedModel
        The end models, by name.
    training : Mapping of str to TrainSummary
        How they were trained.
    baselines : Mapping of str to Measures
    voters : list of VoterReport
    agreement : ndarray of float64, shape (m, m)
        Of the voters, see `reports.voters.agreement`.
    comparisons : list of PairwiseComparison
    issues : LabelIssues, optional
    points : CharacteristicTerms
    outdated : frozenset of str
        End models that were trained on earlier labels than those of the run.
    """

    data: EvaluationData
    weak: EvaluatedModel
    models: Mapping[str, EvaluatedModel]
    training: Mapping[str, TrainSummary]
    baselines: Mapping[str, Measures]
    voters: list[VoterReport]
    agreement: npt.NDArray[np.float64]
    comparisons: list[PairwiseComparison]
    issues: LabelIssues | None
    terms: CharacteristicTerms
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
        Asks an end model, see `reports.evaluation.end_models`.
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
        See `read_evaluation_data`, `end_model_predictions` and `find_dates`.
    """
    settings, resamples = job.settings, job.settings.resamples
    data = read_evaluation_data(job.run, None if job.gold is None else with_record(job.gold, job.run))
    for note in data.notes:
        status(f"note: {note}")
    if data.unmatched:
        status(f"hand-labelled rows that are not in the run and so are not scored: {data.unmatched:,}")
    training = usable_models(read_training(job.run), data.labels, job.run)
    outdated = frozenset(summary.name for summary in training if summary.is_outdated(job.run))
    models = end_model_predictions(data, training, job.predict)
    scored = ", ".join(["weak labels", *(f"end model {model.name}" for model in models), "voters"])
    status(f"hand-labelled rows: {len(data.gold):,}; scoring {scored}")
    unrefined = [data.unrefined] if data.summary.get("refined") is not None else []
    comparisons = [
        (first.name, second.name, compared)
        for first, second in combinations([*unrefined, data.weak, *models][::-1], 2)
        if (compared := data.compare(first, second, resamples=resamples))
    ]
    for other in job.against:
        comparisons += _against(data, models, other, job)
    rows = data.labelled.frame("id", "text", "label")
    dates = find_dates(data.labelled.input_columns(), settings.date_column)
    with progress("Scoring voters"):
        voters = voter_reports(data, job.label_model, resamples=resamples)
    with progress("Looking for label issues"):
        issues = find_label_issues(rows, data.labels)
    with progress("Counting words"):
        terms = characteristic_terms(rows, data.labels.names, dates=dates)
    return Report(
        data=data,
        weak=_evaluated(data.weak, data, settings),
        models={model.name: _evaluated(model, data, settings) for model in models if model.unseen.any()},
        training={summary.name: summary for summary in training},
        baselines={each.name: data.measure(each, resamples=resamples) for each in [*baselines(data), *unrefined]},
        voters=voters,
        agreement=agreement(data),
        comparisons=comparisons,
        issues=issues,
        terms=terms,
        outdated=outdated,
    )


def _evaluated(predictions: Predictions, data: EvaluationData, settings: ReportSection) -> EvaluatedModel:
    rows = np.flatnonzero(predictions.unseen)
    return EvaluatedModel(
        predictions,
        data.measure(predictions, resamples=settings.resamples),
        selective_accuracy(
            data.truth[rows], predictions.take(rows), weights=data.gold.weights[rows], resamples=settings.resamples
        ),
        most_confident_mistakes(data, predictions, most=settings.examples),
        mistakes_by_cell(data, predictions),
    )


def _against(
    data: EvaluationData, models: list[Predictions], other: RunDirectory, job: ReportJob
) -> list[PairwiseComparison]:
    """Compare weak labels with weak labels, and end models with those of the same name."""
    theirs = read_evaluation_data(other, job.gold)
    if theirs.labels != data.labels:
        raise InputError(
            f"{other.path} has other classes ({', '.join(theirs.labels.names)}) than {data.run.path} "
            f"({', '.join(data.labels.names)}).",
            hint="Compare runs of one task.",
        )
    ours, others = (pl.DataFrame([each.gold.ids.alias("id")]).with_row_index("row") for each in (data, theirs))
    rows = ours.join(others, on="id", suffix="_theirs", maintain_order="left")
    if not len(rows):
        raise InputError(
            f"The runs {data.run.path} and {other.path} have no gold row in common.",
            hint="Give both the same gold rows: labeler report --gold FILE.",
        )
    here, there = rows["row"].to_numpy(), rows["row_theirs"].to_numpy()
    shared = EvaluationData(data.labelled, data.gold.take(here))
    named = {each.name: each for each in end_model_predictions(theirs, read_training(other), job.predict)}
    pairs = [(data.weak, theirs.weak), *((each, named[each.name]) for each in models if each.name in named)]
    compared = [
        (mine.name, shared.compare(mine.take(here), rival.take(there), resamples=job.settings.resamples))
        for mine, rival in pairs
    ]
    return [(name, f"{name} of {other.path}", found) for name, found in compared if found]
