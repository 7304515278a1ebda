"""Predictions of a run's end models for its gold rows."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from ...data.command import command
from ...data.errors import RunError
from ...data.progress import status
from ...data.runs.directory import RunDirectory
from ...data.runs.summaries import TrainSummary
from ...data.types.label_space import LabelSpace
from .evaluation_data import EvaluationData, Predictions

Predict = Callable[[RunDirectory, Path, str, pl.Series], tuple[npt.NDArray[np.float32], LabelSpace]]
"""Class probabilities of texts by the end model of a name in a folder: see `models.gold_predictions`."""


def read_training(run: RunDirectory) -> list[TrainSummary]:
    """Read the numbers of the run's end models; none if it was not trained.

    Raises
    ------
    RunError
        If the file is damaged.
    """
    if not run.training.exists():
        return []
    try:
        return [TrainSummary(**entry) for entry in json.loads(run.training.read_text(encoding="utf-8"))]
    except (OSError, ValueError, TypeError) as error:
        raise RunError(
            f"{run.training} cannot be read.", hint=f"Train again: {command('train', '--run', run.path)}"
        ) from error


def usable_models(summaries: list[TrainSummary], labels: LabelSpace, run: RunDirectory) -> list[TrainSummary]:
    """Leave out models of other classes than the run has now, and say which models are older than its labels."""
    usable = []
    for summary in summaries:
        again = f"train again: {summary.training_command(run.path)}"
        if not set(summary.labels) <= set(labels.names):
            status(f"{summary.name}: left out, it was trained for other classes ({', '.join(summary.labels)}); {again}")
            continue
        if summary.is_outdated(run):
            status(f"{summary.name}: trained on earlier labels of this run; {again}")
        usable.append(summary)
    return usable


def end_model_predictions(data: EvaluationData, summaries: list[TrainSummary], predict: Predict) -> list[Predictions]:
    """Predict the gold rows of a run with its end models.

    Raises
    ------
    ModelError
        If a model cannot be opened.
    """
    run, predictions = data.run, []
    for summary in summaries:
        folder = run.models / summary.name if Path(summary.folder).parent.name == run.models.name else run.model
        probs, labels = predict(run, folder, summary.name, data.gold.texts)
        places = [labels.index(name) if name in labels.names else -1 for name in data.labels.names]
        full = np.column_stack([probs[:, j] if j >= 0 else np.zeros(len(probs), np.float32) for j in places])
        unseen = ~data.gold.ids.is_in(summary.gold_used).to_numpy()
        predictions.append(Predictions(summary.name, full.argmax(axis=1).astype(np.int16), full, unseen))
    return predictions
