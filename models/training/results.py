"""What `labeler train` reports of a model: its numbers and its card."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...data.gold.scores import gold_scores
from ...data.runs.summaries import TrainSummary
from ..end_model.card import model_card
from .settings import TrainSection

if TYPE_CHECKING:
    from ..end_model.record import EndModelRecord
    from .fitter import Fitter
    from .recipe import Trained


_METRICS = ("macro_f1", "weighted_f1", "accuracy")


def summarise(name: str, folder: Path, fitter: Fitter, trained: Trained) -> TrainSummary:
    """Gather the numbers of a trained model, and score it on the gold rows that nothing was tuned on."""
    rows, record, fit = fitter.rows, trained.record, trained.fit
    scores: dict[str, Any] = {}
    if rows.gold_scored is not None and len(rows.gold_scored):
        gold = rows.gold_scored
        scores["weak_gold"] = gold_scores(gold.labels, gold.weak, gold.weights)
        texts = gold.texts.to_list()
        for name_of_scores, logits_of in (("gold", trained.logits_of), ("gold_only", trained.gold_only)):
            if logits_of is not None:
                found = logits_of(texts).argmax(axis=1).astype(np.int16)
                scores[name_of_scores] = gold_scores(gold.labels, found, gold.weights)
    return TrainSummary(
        name=name,
        folder=str(folder),
        mode=record.mode,
        head=record.head,
        backbone=record.backbone.name if record.backbone else "",
        pooling=record.pooling,
        labels=list(record.labels),
        excluded=rows.excluded,
        rows={"labelled": rows.labelled, "trained": len(rows), "held_out": len(rows.held_out_texts)},
        trained_parameters=record.trained_parameters,
        total_parameters=record.total_parameters,
        epochs=round(fit.epochs, 3),
        loss=fit.loss,
        validation_loss=fit.validation_loss,
        seconds=round(fit.seconds, 2),
        rows_per_second=round(fit.rows_per_second, 1),
        agreement=trained.agreement.auc,
        agreement_rows=trained.agreement.rows,
        spread=trained.agreement.spread,
        notes=[*filter(None, [rows.evaluated()[2]]), *fitter.notes],
        gold_used=rows.gold_used.ids.to_list() if rows.gold_used is not None else [],
        **scores,
    )


def card(summary: TrainSummary, record: EndModelRecord, settings: TrainSection) -> str:
    """Write the model card of a trained model."""
    labelled, trained = summary.rows["labelled"], summary.rows["trained"]
    metrics: dict[str, Any] = {
        f"agreement (AUC) with the weak labels of {summary.agreement_rows} reviews": summary.agreement,
        "spread of the logits there": summary.spread,
        "soft cross-entropy on held-out weak labels": summary.validation_loss,
        **{
            f"{metric} on {summary.gold['rows']} gold rows": summary.gold[metric] for metric in _METRICS if summary.gold
        },
        **{f"{metric} of the weak labels there": summary.weak_gold[metric] for metric in _METRICS if summary.weak_gold},
    }
    return model_card(
        record,
        title=f"Reviews: {', '.join(record.labels)}",
        data=f"Trained on {trained:,} of {labelled:,} weakly labelled reviews: heuristic rules, a zero-shot model and "
        "embedding similarity voted, a label model combined the votes. No person labelled these rows.",
        settings={name: value for name, value in settings.model_dump(mode="json").items() if value is not None},
        metrics={name: f"{value:.4f}" for name, value in metrics.items() if value is not None},
        limits=[
            "Weak labels are wrong in places, and the model learns some of their mistakes.",
            *(f"Class left out: {reason}" for reason in summary.excluded.values()),
            *summary.notes,
        ],
    )
