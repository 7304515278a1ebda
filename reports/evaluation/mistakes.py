"""Gold rows that were labelled wrong: the surest first, and a few for each pair of classes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...data.types.label_space import ABSTAIN
from .evidence import Evidence, Opinion


@dataclass(frozen=True)
class Mistake:
    """A gold row and its wrong label.

    Parameters
    ----------
    id, text : str
    truth, found : str
        Class names; `found` is empty without a label.
    confidence : float, optional
        None without probabilities.
    """

    id: str
    text: str
    truth: str
    found: str
    confidence: float | None


def surest_mistakes(evidence: Evidence, opinion: Opinion, *, most: int = 20) -> list[Mistake]:
    """Return the mistakes made with the most confidence."""
    wrong = np.flatnonzero((opinion.found != evidence.truth) & (opinion.found != ABSTAIN) & opinion.unseen)
    if opinion.probs is not None:
        wrong = wrong[np.argsort(-opinion.probs[wrong].max(axis=1), kind="stable")]
    return [_mistake(evidence, opinion, int(row)) for row in wrong[:most]]


def mistakes_by_cell(evidence: Evidence, opinion: Opinion, *, most: int = 3) -> dict[tuple[str, str], list[Mistake]]:
    """Return some mistakes for each cell of the confusion matrix off its diagonal: (true class, found class)."""
    cells: dict[tuple[str, str], list[Mistake]] = {}
    for row in np.flatnonzero((opinion.found != evidence.truth) & opinion.unseen):
        mistake = _mistake(evidence, opinion, int(row))
        cell = cells.setdefault((mistake.truth, mistake.found), [])
        if len(cell) < most:
            cell.append(mistake)
    return dict(sorted(cells.items()))


def _mistake(evidence: Evidence, opinion: Opinion, row: int) -> Mistake:
    names = (*evidence.labels.names, "")
    confidence = None if opinion.probs is None else float(opinion.probs[row].max())
    ids, texts = evidence.gold.ids, evidence.gold.texts
    return Mistake(ids[row], texts[row], names[evidence.truth[row]], names[opinion.found[row]], confidence)
