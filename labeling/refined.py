"""The last step of labelling: labels of vote patterns become refined and calibrated labels of rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ..data.progress import status
from ..data.types.corpus import Corpus
from ..data.types.label_space import ABSTAIN
from ..data.types.soft_labels import SoftLabels
from .balance.settle import ESTIMATED
from .labelled import Labelled
from .refine.check import calibrated_on_gold, does_harm
from .refine.refinement import Refinement, fit_refinement
from .settings import RefineSection

_UNREFINED_SPREAD = 1.0  # of log-temperatures: what label models say of their own certainty is worth little
_REFINED_SPREAD = 0.3  # what students and label model agree on is worth some hundred gold rows
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
    if not reviews.n_gold:
        return labelled
    if refinement and _is_harmful(labelled, refinement):
        note = _HARM.format(rows=reviews.n_gold)
        status(note)
        labelled = replace(labelled, refinement=None, notes=(*labelled.notes, note))
    return _calibrated(labelled)


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


def _is_harmful(labelled: Labelled, refinement: Refinement) -> bool:
    gold, weak = labelled.reviews.gold, _gold_labels(labelled)
    assert gold is not None
    found = np.where(weak.covered, _gold_logits(labelled, weak, refinement).argmax(axis=1), ABSTAIN)
    return does_harm(found, weak.hard(), gold.labels, gold.weights, labelled.labels.k)


def _calibrated(labelled: Labelled) -> Labelled:
    gold, weak, refinement = labelled.reviews.gold, _gold_labels(labelled), labelled.refinement
    assert gold is not None
    truth = np.where(weak.covered, gold.labels, ABSTAIN).astype(np.int16)
    if not (truth != ABSTAIN).any():
        return labelled
    logits = _gold_logits(labelled, weak, refinement)
    start = np.ones(labelled.labels.k) if refinement is None else np.asarray(refinement.blend.temperatures)
    spread = _REFINED_SPREAD if refinement else _UNREFINED_SPREAD
    temperatures, probs = calibrated_on_gold(logits, truth, gold.weights, start, spread=spread)
    probs = np.where(weak.covered[:, np.newaxis], probs, weak.probs)
    if refinement is None:
        return replace(labelled, temperatures=temperatures, gold_probs=probs)
    return replace(labelled, refinement=refinement.with_temperatures(temperatures), gold_probs=probs)


def _gold_labels(labelled: Labelled) -> SoftLabels:
    """Return the label model's labels of the gold rows."""
    gold = labelled.reviews.gold
    assert gold is not None
    patterns = labelled.table.inverse[gold.rows]
    return SoftLabels(labelled.soft.probs[patterns], labelled.soft.covered[patterns])


def _gold_logits(labelled: Labelled, weak: SoftLabels, refinement: Refinement | None) -> npt.NDArray[np.float64]:
    """Return logits of the gold rows, shape (g, k), whose temperatures are to be found."""
    if refinement is None:
        return np.log(np.maximum(weak.probs, np.finfo(np.float32).tiny)).astype(np.float64)
    gold = labelled.reviews.gold
    assert gold is not None
    frame = labelled.reviews.corpus.take(gold.rows)
    return refinement.logits(refinement.of_texts(Corpus(frame["id"], frame["text"])), weak.probs)
