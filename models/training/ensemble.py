"""An ensemble: two trained end models whose logits are made comparable and averaged."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ...data.runs.summaries import TrainSummary
from ..end_model.load import EnsembleModel, load_end_model, mean_logits
from ..end_model.record import PARTS, EndModelRecord, write_record
from ..scoring.priors import Floats
from .fit.rank_agreement import agreement
from .fit.schedule import Fit
from .fitter import Fitter
from .recipe import Trained
from .threshold import decision_offset


def train_ensemble(fitter: Fitter, trained: Sequence[TrainSummary]) -> Trained:
    """Average end models in log-odds, with a decision threshold of their own.

    They count the same: the one that is less sure of something has smaller log-odds for it.

    Parameters
    ----------
    fitter : Fitter
    trained : Sequence[TrainSummary]
        The models, trained on the same rows, in the order of `PARTS`: the last one has the encoder.
    """
    rows, folders = fitter.rows, [Path(each.folder) for each in trained]
    parts = [load_end_model(folder, compute=fitter.compute) for folder in folders]

    @cache
    def logits_of_parts(texts: tuple[str, ...]) -> list[npt.NDArray[np.float32]]:
        return [part.logits(texts) for part in parts]

    texts, targets, _ = rows.evaluated()
    scales = tuple(log_odds_scale(logits, targets) for logits in logits_of_parts(tuple(texts)))
    offset = decision_offset(rows, fitter.settings, lambda some: mean_logits(logits_of_parts(tuple(some)), scales))
    record = replace(
        parts[-1].record,
        head="ensemble",
        trained_parameters=sum(part.record.trained_parameters for part in parts),
        total_parameters=sum(part.record.total_parameters for part in parts),
        bias_offset=tuple(float(value) for value in offset),
        scales=scales,
        temperatures=(),
    )
    logits = mean_logits(logits_of_parts(tuple(texts)), scales)
    seconds = sum(each.seconds for each in trained)
    return Trained(
        record=record,
        logits_of=EnsembleModel(record, parts).logits,
        save=partial(_save, record, folders),
        fit=Fit(
            loss=float(np.mean([each.loss for each in trained])),
            steps=1,
            epochs=max(each.epochs for each in trained),
            seconds=seconds,
            rows_per_second=len(rows) / max(seconds, 1e-9),
        ),
        agreement=agreement(logits, targets),
    )


def _save(record: EndModelRecord, folders: Sequence[Path], folder: Path) -> None:
    """Copy the parts into a folder, and write what makes an ensemble of them."""
    write_record(folder, record)
    for name, part in zip(PARTS, folders, strict=True):
        shutil.copytree(part, folder / name, ignore=shutil.ignore_patterns("training.json"))


def log_odds_scale(logits: Floats, targets: Floats) -> float:
    """Find the factor that makes logits log-odds of soft labels (Platt scaling, whose intercepts are not kept).

    Parameters
    ----------
    logits, targets : ndarray, shape (n, k)
    """
    from scipy.optimize import minimize
    from scipy.special import log_softmax, softmax

    logits = logits.astype(np.float64)

    def loss(parameters: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        found = parameters[0] * logits + parameters[1:]
        wrong = (softmax(found, axis=1) - targets) / len(logits)
        gradient = np.concatenate([[float(np.vdot(wrong, logits))], wrong.sum(axis=0)])
        return -float(np.vdot(targets, log_softmax(found, axis=1))) / len(logits), gradient

    start = np.concatenate([[1.0], np.zeros(logits.shape[1])])
    return float(minimize(loss, start, jac=True, method="L-BFGS-B").x[0])
