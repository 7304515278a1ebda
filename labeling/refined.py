"""The last step of labelling: labels of vote patterns become refined and calibrated labels of rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ..data.progress import status
from ..data.types.corpus import Corpus
from ..data.types.label_space import ABSTAIN
from ..data.types.soft_labels import SoftLabels
from ..models.scoring.temperatures import SPREAD
from .balance.settle import ESTIMATED
from .input import LocatedGold
from .labelled import Labelled
from .refine.check import calibrated_on_gold, does_harm, own_logits
from .refine.refinement import fit_refinement
from .settings import RefineSection

Array = npt.NDArray[np.float64]

_UNREFINED_SPREAD = 1.0  # of log-temperatures: what label models say of their own certainty is worth little
_HARM = "Refining is off: on {rows} gold rows its labels are worse than the label model's, beyond chance."


def refine_labels(labelled: Labelled, section: RefineSection, *, seed: int) -> Labelled:
    """Let students correct the labels where there are enough texts, unless gold rows object; calibrate by gold rows.

    Parameters
    ----------
    labelled : Labelled
        By all voters and the label model.
    section : RefineSection
    seed : int

    Returns
    -------
    Labelled
        With `refinement`, or `temperatures` where labels are not refined; with gold rows also `gold_probs`.
    """
    reviews = labelled.reviews
    refinement = None
    if section.enabled:
        refinement = fit_refinement(
            reviews.corpus,
            labelled.table,
            labelled.soft,
            _shares(labelled),
            n_input=reviews.n_input,
            min_texts=section.min_texts,
            seed=seed,
        )
    labelled = replace(labelled, refinement=refinement)
    return _checked_on_gold(labelled, reviews.gold) if reviews.gold is not None and len(reviews.gold) else labelled


def _checked_on_gold(labelled: Labelled, gold: LocatedGold) -> Labelled:
    """Drop refined labels that do harm on gold rows, and calibrate by these."""
    patterns, refinement = labelled.table.inverse[gold.rows], labelled.refinement
    weak = SoftLabels(labelled.soft.probs[patterns], labelled.soft.covered[patterns])
    if refinement is not None:
        frame = labelled.reviews.corpus.take(gold.rows)
        students = refinement.of_texts(Corpus(frame["id"], frame["text"]))
        logits, start = refinement.logits(students, weak.probs), np.asarray(refinement.blend.temperatures)
        found = np.where(weak.covered, logits.argmax(axis=1), ABSTAIN)
        if not does_harm(found, weak.hard(), gold.labels, gold.weights, labelled.labels.k):
            temperatures, probs = _calibrated(weak, logits, gold, start, spread=SPREAD)
            return replace(labelled, refinement=refinement.with_temperatures(temperatures), gold_probs=probs)
        note = _HARM.format(rows=len(gold))
        status(note)
        labelled = replace(labelled, refinement=None, notes=(*labelled.notes, note))
    start = np.ones(labelled.labels.k)
    temperatures, probs = _calibrated(weak, own_logits(weak), gold, start, spread=_UNREFINED_SPREAD)
    return replace(labelled, temperatures=temperatures, gold_probs=probs)


def _calibrated(
    weak: SoftLabels, logits: Array, gold: LocatedGold, start: Array, *, spread: float
) -> tuple[Array, npt.NDArray[np.float32]]:
    """Find temperatures by the covered gold rows, and probabilities of all of them; see `calibrated_on_gold`."""
    truth = np.where(weak.covered, gold.labels, ABSTAIN).astype(np.int16)
    temperatures, probs = calibrated_on_gold(logits, truth, gold.weights, start, spread=spread)
    return temperatures, np.where(weak.covered[:, np.newaxis], probs, weak.probs)


def _shares(labelled: Labelled) -> npt.NDArray[np.float64]:
    """Return the shares of classes that refined labels follow.

    A given class balance is followed. What hand labels say of it is uncertain, and the votes say something too: the
    label model's own shares serve better, for rare classes most of all, moved into the interval of the hand labels.
    """
    balance, counts = labelled.balance, np.zeros(labelled.labels.k)
    if balance.interval is None and balance.source != ESTIMATED:
        return balance.shares
    decided = labelled.hard != ABSTAIN
    np.add.at(counts, labelled.hard[decided], labelled.input_counts[decided])
    if not counts.any():
        return balance.shares
    shares = counts / counts.sum()
    if balance.interval is not None:
        shares = np.clip(shares, *balance.interval)
    return np.asarray(shares / shares.sum(), np.float64)
