"""One end model, from training rows to a trained classifier with its decision threshold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ...data.gold.run_gold import GoldRows
from ...data.progress import status
from ..loading.device import from_main_process
from ..scoring.temperatures import expected_temperatures
from .attempts import nothing_learned, until_learned
from .fit.batches import Examples
from .fit.losses import SoftLoss
from .fit.rank_agreement import RankAgreement, agreement
from .fit.schedule import Fit
from .fitter import Fitter
from .linear import fit_frozen
from .rows.imbalance import class_weights, log_prior
from .rows.training_rows import TrainingRows
from .saving import save_checked
from .settings import Imbalance
from .threshold import LogitsOf, decision_offset
from .variants import attempt_name, slowed

if TYPE_CHECKING:
    from ..end_model.classifier import TextClassifier
    from ..end_model.record import EndModelRecord

_GOLD_EPOCHS = 5.0


@dataclass(frozen=True, eq=False)
class Trained:
    """A finished training.

    Parameters
    ----------
    record : EndModelRecord
        What it is; the decision threshold is in it, and in its logits.
    logits_of : callable
        Takes n texts and returns their logits, shape (n, k).
    save : callable
        Writes it into an existing, empty folder.
    fit : Fit
        The numbers of the fit to all rows.
    agreement : RankAgreement
        With the labels of the held-out rows; of those trained on if none are held out.
    gold_only : callable, optional
        For comparison, gives the logits of the same classifier trained on the used gold rows alone; None where they are
        not trained on.
    """

    record: EndModelRecord
    logits_of: LogitsOf
    save: Callable[[Path], None]
    fit: Fit
    agreement: RankAgreement
    gold_only: LogitsOf | None = None


def train_classifier(fitter: Fitter) -> Trained:
    """Train on the weak labels, and on gold rows, as the settings say.

    Raises
    ------
    NothingLearnedError
        If even low learning rates give no classifier.
    ModelError, ConfigError
        See `build_classifier` and `fit_classifier`.
    """
    rows, gold = fitter.rows, fitter.rows.gold_used
    classifier = fitter.new_classifier()
    record = classifier.record
    trained, total = record.trained_parameters, record.total_parameters
    status(f"trains {trained:,} of {total:,} parameters ({record.trained_share:.2%})")
    examples = fitter.examples(classifier, rows.texts.to_list(), rows.targets)
    classifier, fit, found = _fit_all(fitter, classifier, examples)
    baseline: TextClassifier | None = None
    if gold is not None and fitter.settings.gold == "continue":
        baseline = fitter.new_classifier()
        _fit_gold(fitter, baseline, gold, "gold-only", fresh=True)
        _fit_gold(fitter, classifier, gold, "gold", fresh=False)
        found = _agreement(fitter, classifier)
        if reason := from_main_process(found.failure()):
            raise nothing_learned("gold rows", reason, attempts=1)
    logits_of = partial(fitter.logits_of, classifier)
    classifier.shift_bias(decision_offset(rows, fitter.settings, logits_of))
    return Trained(
        record=classifier.record,
        logits_of=logits_of,
        save=partial(save_checked, classifier, logits_of, rows, fitter.compute),
        fit=fit,
        agreement=found,
        gold_only=partial(fitter.logits_of, baseline) if baseline else None,
    )


def temperatures_of(trained: Trained, rows: TrainingRows) -> tuple[float, ...]:
    """Return the temperatures under which a model's probabilities mean what those of the labels mean."""
    texts, targets, _ = rows.evaluated()
    found = expected_temperatures(trained.logits_of(texts.to_list()), targets, np.ones(len(targets)))
    return tuple(found.tolist())


def _fit_all(fitter: Fitter, first: TextClassifier, examples: Examples) -> tuple[TextClassifier, Fit, RankAgreement]:
    """Train on all rows, with the answer to rare classes and the validation that the settings ask for."""
    loss = loss_for(examples.targets, fitter.settings.imbalance)
    if fitter.settings.encoder_mode == "frozen":
        fit, found = fit_frozen(first, examples, loss), _agreement(fitter, first)
        if reason := from_main_process(found.failure()):
            raise nothing_learned("all reviews", reason, attempts=1)
        return first, fit, found
    validation = _validation(fitter, first)
    schedule = fitter.schedule(first, len(examples))

    def train(attempt: int, slower: int) -> tuple[tuple[TextClassifier, Fit], RankAgreement]:
        classifier = fitter.new_classifier(attempt) if attempt else first
        phase, slow = attempt_name("all", attempt), slowed(schedule, attempt, slower)
        fit = fitter.fit(classifier, examples, phase, slow, loss=loss, validation=validation)
        return (classifier, fit), _agreement(fitter, classifier)

    (classifier, fit), found = until_learned(train, "all reviews", fitter.note)
    return classifier, fit, found


def loss_for(targets: npt.NDArray[np.floating], imbalance: Imbalance) -> SoftLoss:
    """Return the loss with an answer to rare classes."""
    return SoftLoss(
        class_weights=class_weights(targets) if imbalance == "weights" else None,
        log_prior=log_prior(targets) if imbalance == "adjust" else None,
    )


def _validation(fitter: Fitter, classifier: TextClassifier) -> Examples | None:
    """Return held-out rows: gold ones if they may stop the training, else weakly labelled ones."""
    rows = fitter.rows
    if fitter.settings.gold == "stop" and rows.gold_used is not None:
        return fitter.gold_examples(classifier, rows.gold_used)
    if not len(rows.held_out_texts):
        return None
    return fitter.examples(classifier, rows.held_out_texts.to_list(), rows.held_out_targets)


def _fit_gold(fitter: Fitter, classifier: TextClassifier, gold: GoldRows, phase: str, *, fresh: bool) -> None:
    """Train on hand-labelled rows; with a lower rate what has been trained already."""
    schedule = fitter.schedule(classifier, len(gold))
    rate = schedule.learning_rate if fresh else schedule.learning_rate / 3
    schedule = replace(schedule, epochs=_GOLD_EPOCHS, batch_size=16, learning_rate=rate)
    fitter.fit(classifier, fitter.gold_examples(classifier, gold), phase, schedule, fresh=fresh)


def _agreement(fitter: Fitter, classifier: TextClassifier) -> RankAgreement:
    texts, targets, _ = fitter.rows.evaluated()
    return agreement(fitter.logits_of(classifier, texts.to_list()), targets)
