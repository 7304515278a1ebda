"""An ensemble: two trained end models whose logits are added up in units of their spread."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
import numpy.typing as npt

from ...data.runs.summaries import TrainSummary
from ..end_model.load import load_end_model
from ..end_model.record import PARTS, EndModelRecord, write_record
from ..scoring.blending import fit_blend
from .fit.rank_agreement import agreement
from .fit.schedule import Fit
from .fitter import Fitter
from .ngram import logits_as_unseen
from .recipe import Trained
from .threshold import decision_offset

if TYPE_CHECKING:
    from ..end_model.classifier import TextClassifier
    from ..end_model.heads.ngram import NgramClassifier


def train_ensemble(fitter: Fitter, trained: Mapping[Path, TrainSummary]) -> Trained:
    """Blend end models, each of which counts the same, with a decision threshold of their own.

    In units of their spread the sum was as good as that of log-odds calibrated on held-out labels, from 1,000 to 12,000
    reviews, and it needs no such labels.

    Parameters
    ----------
    fitter : Fitter
    trained : mapping of Path to TrainSummary
        Folders and numbers of the models, trained on the same rows, in the order of `PARTS`: the last one has the
        encoder.
    """
    rows = fitter.rows
    ngram, encoder = parts = [load_end_model(folder, compute=fitter.compute) for folder in trained]
    logits_of_ngrams = logits_as_unseen(cast("NgramClassifier", ngram.classifier), rows, fitter.settings)

    @cache  # the same rows are asked for again and again
    def logits_of_parts(texts: tuple[str, ...]) -> list[npt.NDArray[np.float32]]:
        # The fitter takes the vectors of a frozen encoder from the cache.
        return [
            logits_of_ngrams(list(texts)),
            fitter.logits_of(cast("TextClassifier", encoder.classifier), list(texts)),
        ]

    texts, targets, _ = rows.evaluated()
    blend = fit_blend(logits_of_parts(tuple(texts)), (1.0, 1.0), rows.class_balance)
    offset = decision_offset(rows, fitter.settings, lambda some: blend.logits(logits_of_parts(tuple(some))))
    final = replace(blend, offset=tuple(np.add(blend.offset, offset).tolist()))
    record = replace(
        encoder.record,
        head="ensemble",
        trained_parameters=sum(part.record.trained_parameters for part in parts),
        total_parameters=sum(part.record.total_parameters for part in parts),
        bias_offset=final.offset,
        scales=final.coefficients,
        temperatures=(),
    )
    seconds = sum(each.seconds for each in trained.values())
    return Trained(
        record=record,
        logits_of=lambda some: final.logits(logits_of_parts(tuple(some))),
        save=partial(_save, record, list(trained)),
        fit=Fit(
            loss=float(np.mean([each.loss for each in trained.values()])),
            steps=1,
            epochs=max(each.epochs for each in trained.values()),
            seconds=seconds,
            rows_per_second=len(rows) / max(seconds, 1e-9),
        ),
        agreement=agreement(final.logits(logits_of_parts(tuple(texts))), targets),
    )


def _save(record: EndModelRecord, folders: Sequence[Path], folder: Path) -> None:
    """Copy the parts into a folder, and write what makes an ensemble of them."""
    write_record(folder, record)
    for name, part in zip(PARTS, folders, strict=True):
        shutil.copytree(part, folder / name, ignore=shutil.ignore_patterns("training.json"))
