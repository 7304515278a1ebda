"""The end model on n-grams: solved at once, not trained in steps."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import numpy.typing as npt

from ...data.distributed import is_main_process
from ...data.progress import progress, status
from ..end_model.build import check_mode
from ..end_model.heads.ngram import NgramClassifier
from .attempts import nothing_learned
from .fit.losses import SoftLoss
from .fit.rank_agreement import agreement
from .fit.schedule import Fit
from .fitter import Fitter
from .linear import solve, solve_without, solved
from .recipe import Trained, loss_for
from .rows.training_rows import TrainingRows, shuffled_places
from .saving import save_checked
from .settings import TrainSection
from .threshold import MIN_UNSEEN, LogitsOf, decision_offset

_PENALTY = 0.2  # from 0.03 to 0.7 nothing changes that 6,000 labelled reviews show
_FOLDS = 5
_GOLD_WEIGHT = 5.0  # of a hand label, in weak labels
_MAX_ROWS = 500_000  # half a gigabyte of n-grams
_UNUSED = ("epochs", "learning_rate", "head_learning_rate", "batch_size", "weight_decay", "warmup", "patience")


def train_ngram(fitter: Fitter) -> Trained:
    """Fit n-grams to the weak labels, and to gold rows with `gold = "continue"`, as the settings say.

    Raises
    ------
    NothingLearnedError
        If it does not separate reviews as their labels do.
    ConfigError
        If the settings ask for an encoder.
    """
    rows, settings = fitter.rows, fitter.settings
    check_mode(settings.head, settings.encoder_mode)
    defaults = TrainSection()
    if given := [name for name in _UNUSED if getattr(settings, name) != getattr(defaults, name)]:
        status(f"the solver of n-grams does not use {', '.join(given)}")
    step = -(-len(rows) // _MAX_ROWS)
    texts, targets = rows.texts.gather_every(step).to_list(), rows.targets[::step]
    weights, gold_only, gold = np.ones(len(texts)), None, rows.gold_used
    fit = partial(_fitted, rows.labels.names, max_length=settings.max_length)
    if gold is not None and settings.gold == "continue":
        gold_texts, gold_targets = gold.texts.to_list(), np.eye(rows.labels.k, dtype=np.float32)[gold.labels]
        gold_only = fit(gold_texts, gold_targets, np.ones(len(gold)), SoftLoss())[0].logits
        texts, targets = texts + gold_texts, np.concatenate([targets, gold_targets])
        weights = np.concatenate([weights, np.full(len(gold), _GOLD_WEIGHT)])
    with progress("Fitting n-grams"):
        loss = loss_for(targets, settings.imbalance)
        classifier, numbers = fit(texts, targets, weights, loss)
    status(f"fitted {classifier.parameters.size:,} parameters to {len(texts):,} reviews")
    evaluated, labels, _ = rows.evaluated()
    found = agreement(classifier.logits(evaluated.to_list()), labels)
    if reason := found.failure():
        raise nothing_learned("all reviews", reason, attempts=1)
    numbers = _validated(fitter, classifier, numbers, loss)
    logits_of = logits_as_unseen(classifier, rows, settings)
    classifier.shift_bias(decision_offset(rows, settings, logits_of))
    return Trained(
        record=classifier.record,
        logits_of=logits_of,
        save=partial(save_checked, classifier, classifier.logits, rows, fitter.compute),
        fit=numbers,
        agreement=found,
        gold_only=gold_only,
    )


def logits_as_unseen(classifier: NgramClassifier, rows: TrainingRows, settings: TrainSection) -> LogitsOf:
    """Return what gives the logits of texts: where few are held out, those trained on have logits of models of others.

    A threshold is then found on texts that were trained on, which n-grams know too well: of new reviews 9 % instead of
    17 % were called negative after training on 600, and 12 % instead of 18 % after 2,500.
    """
    if len(rows.held_out_texts) >= MIN_UNSEEN:
        return classifier.logits
    fold = shuffled_places(rows.texts, np.random.default_rng(settings.seed)) % _FOLDS
    features, loss = classifier.transform(rows.texts.to_list()), loss_for(rows.targets, settings.imbalance)
    found = solve_without(features, rows.targets, loss, fold, penalty=_PENALTY)
    place = {text: i for i, text in enumerate(rows.texts)}

    def logits_of(texts: list[str]) -> npt.NDArray[np.float32]:
        places = np.array([place.get(text, -1) for text in texts])
        without = found[places] + np.asarray(classifier.record.bias_offset, np.float32)
        return np.where(places[:, np.newaxis] >= 0, without, classifier.logits(texts))

    return logits_of


def _fitted(
    labels: Sequence[str],
    texts: list[str],
    targets: npt.NDArray[np.floating],
    weights: npt.NDArray[np.floating],
    loss: SoftLoss,
    *,
    max_length: int,
) -> tuple[NgramClassifier, Fit]:
    started = time.perf_counter()
    solver = partial(solve, targets=targets, weights=weights, loss=loss, penalty=_PENALTY)
    classifier, logits = NgramClassifier.fit(labels, texts, solver, max_length=max_length)
    return classifier, solved(logits, targets, loss, started)


def _validated(fitter: Fitter, classifier: NgramClassifier, fit: Fit, loss: SoftLoss) -> Fit:
    """Add the loss on held-out rows, and log the numbers of the fit."""
    numbers: dict[str, float] = {"step": fit.steps, "epoch": fit.epochs}
    lines = [numbers | {"loss": fit.loss}]
    texts, targets = fitter.rows.held_out_texts.to_list(), fitter.rows.held_out_targets
    if texts:
        logits = classifier.logits(texts)
        mean = loss.mean(logits, targets)
        fit = replace(fit, validation_loss=mean)
        lines.append(numbers | {"eval_loss": mean, "eval_agreement": agreement(logits, targets).auc})
    if fitter.log is not None and is_main_process():
        log = replace(fitter.log, phase="all")
        log.begin(0)
        for line in lines:
            log.add(line)
        log.finish()
    return fit
