"""Gold rows that were labelled wrong: the most confident first, and a few for each pair of classes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...data.types.label_space import ABSTAIN
from .evaluation_data import EvaluationData, Predictions

_PER_CELL = 3


@dataclass(frozen=True)
class Mistake:
    """A gold row and its wrong label.

    Parameters
    ----------
    id, text : str
    truth, predicted : str
        Class names; `predicted` is empty without a label.
    confidence : float, optional
        None without probabilities.
    """

    id: str
    text: str
    truth: str
    predicted: str
    confidence: float | None


def most_confident_mistakes(data: EvaluationData, predictions: Predictions, *, most: int) -> list[Mistake]:
    """Return the mistakes made with the most confidence."""
    wrong = np.flatnonzero((predictions.hard != data.truth) & (predictions.hard != ABSTAIN) & predictions.unseen)
    if predictions.probs is not None:
        wrong = wrong[np.argsort(-predictions.probs[wrong].max(axis=1), kind="stable")]
    return [_mistake(data, predictions, int(row)) for row in wrong[:most]]


def mistakes_by_cell(data: EvaluationData, predictions: Predictions) -> dict[tuple[str, str], list[Mistake]]:
    """Return some mistakes for each cell of the confusion matrix off its diagonal: (true class, predicted class)."""
    cells: dict[tuple[str, str], list[Mistake]] = {}
    for row in np.flatnonzero((predictions.hard != data.truth) & predictions.unseen):
        mistake = _mistake(data, predictions, int(row))
        cell = cells.setdefault((mistake.truth, mistake.predicted), [])
        if len(cell) < _PER_CELL:
            cell.append(mistake)
    return dict(sorted(cells.items()))


def _mistake(data: EvaluationData, predictions: Predictions, row: int) -> Mistake:
    names = (*data.labels.names, "")
    confidence = None if predictions.probs is None else float(predictions.probs[row].max())
    ids, texts = data.gold.ids, data.gold.texts
    return Mistake(ids[row], texts[row], names[data.truth[row]], names[predictions.hard[row]], confidence)
