"""One end model, from training rows to a trained classifier with its decision threshold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ...data.gold.run_gold import GoldRows
from ...data.progress import Advance, progress, status
from ..end_model.build import build_classifier
from ..end_model.lora import LoraOptions
from ..loading.device import Compute, from_main_process
from ..scoring.priors import prior_offset, standardised, tuned_offset
from .attempts import nothing_learned, until_learned
from .fit.batches import Examples
from .fit.losses import SoftLoss, confidence_weights
from .fit.phases import finished_phase, keep_phase
from .fit.rank_agreement import Agreement, agreement
from .fit.schedule import Fit, Schedule
from .fit.trainer import fit_classifier
from .history import TrainingLog
from .rows.denoise import blended
from .rows.imbalance import class_weights, log_prior, oversampled
from .rows.training_rows import TrainingRows, text_parts
from .settings import TrainSection
from .variants import schedule_for, slowed

if TYPE_CHECKING:
    from ..end_model.classifier import TextClassifier
    from ..loading.resolve import ModelRef
Rows = Sequence[Sequence[int]] | npt.NDArray[np.float32]

_THRESHOLD_ROWS = 5_000  # shares on so many rows are within a percent
_UNSEEN_ROWS = 500  # below, chance in the shares of held-out rows does more harm than having seen the rows
_FEWEST_ROWS = 100  # below, a batch says too little about its shares to match them
_FOCAL_GAMMA = 2.0
_GOLD_EPOCHS = 5.0
_ENOUGH_TO_HALVE = 1_000  # rows; models of fewer know less than the teachers
_PARTS = 2  # more would cost more and find the same labels


@dataclass(frozen=True, eq=False)
class Trained:
    """A finished training.

    Parameters
    ----------
    classifier : TextClassifier
        Its final bias holds the decision threshold.
    fit : Fit
        The numbers of the fit to all rows.
    agreement : Agreement
        With the labels of the held-out rows; of those trained on if none are held out.
    gold_only : TextClassifier, optional
        For comparison, the same classifier trained on the used gold rows alone; None where they are not trained on.
    """

    classifier: TextClassifier
    fit: Fit
    agreement: Agreement
    gold_only: TextClassifier | None = None


@dataclass(frozen=True, eq=False)
class Fitter:
    """Trains one classifier.

    Parameters
    ----------
    settings : TrainSection
    backbone : ModelRef, optional
        None for a head with embeddings of its own.
    rows : TrainingRows
    compute : Compute
        Device and number format.
    checkpoints : Path
        Folder for checkpoints; gone when the work is done.
    key : str
        Identifies all of the above: only checkpoints of the same key are continued.
    resume : bool
        Continue an interrupted training.
    log : TrainingLog, optional
        Where the numbers of each phase go.
    """

    settings: TrainSection
    backbone: ModelRef | None
    rows: TrainingRows
    compute: Compute
    checkpoints: Path
    key: str
    resume: bool
    log: TrainingLog | None = None
    notes: list[str] = field(default_factory=list, init=False)

    def fit(self) -> Trained:
        """Train on the weak labels, in further rounds on its own, and on gold rows, as the settings say.

        Raises
        ------
        NothingLearnedError
            If even low learning rates give no classifier.
        ModelError, ConfigError
            See `build_classifier` and `fit_classifier`.
        """
        rows, gold = self.rows, self.rows.gold_used
        classifier = self._new_classifier()
        record = classifier.record
        trained, total = record.trained_parameters, record.total_parameters
        status(f"trains {trained:,} of {total:,} parameters ({record.trained_share:.2%})")
        inputs = self._inputs(classifier, rows.texts.to_list())
        examples = Examples(inputs, rows.targets, np.ones(len(rows), np.float32))
        # N-gram models have corrected the labels already: another one has nothing to add.
        able = len(rows) >= _ENOUGH_TO_HALVE and self.settings.head != "ngram"
        rounds = self.settings.self_training_rounds if able else 0
        with progress("Models", total=rounds * _PARTS + 1) as advance:
            for number in range(1, rounds + 1):
                examples = self._taught(examples, number, advance)
            classifier, fit, found = self._main_fit(classifier, examples, corrected=rounds > 0)
            advance(1)
        baseline = None
        if gold is not None and self.settings.gold == "continue":
            baseline = self._new_classifier()
            self._fit_gold(baseline, gold, "gold-only", gently=False)
            self._fit_gold(classifier, gold, "gold", gently=True)
            found = self._judged(classifier)
            if reason := from_main_process(found.failure()):
                raise nothing_learned("gold rows", reason, attempts=1)
        classifier.shift_bias(self._offset(classifier))
        return Trained(classifier, fit, found, baseline)

    def logits_of(self, classifier: TextClassifier, texts: list[str]) -> npt.NDArray[np.float32]:
        """Return the logits of n texts, shape (n, k)."""
        from ..end_model.inference import logits_of

        with progress("Predicting", total=len(texts)) as advance:
            return logits_of(classifier, texts, self.compute, progress=advance)

    def labels_of(self, classifier: TextClassifier, gold: GoldRows) -> npt.NDArray[np.int16]:
        """Predict the classes of gold rows; shape (g,)."""
        found: npt.NDArray[np.int16] = self.logits_of(classifier, gold.texts.to_list()).argmax(axis=1).astype(np.int16)
        return found

    def _new_classifier(self, attempt: int = 0) -> TextClassifier:
        """Build the untrained classifier; each attempt begins with other random weights."""
        settings = self.settings
        return build_classifier(
            self.rows.labels.names,
            backbone=self.backbone,
            head=settings.head,
            mode=settings.mode,
            pooling=settings.pooling,
            max_length=settings.max_length,
            dropout=settings.dropout,
            lora=LoraOptions(**settings.lora.model_dump()),
            train_embeddings=settings.train_embeddings,
            texts=self.rows.texts.to_list(),
            seed=settings.seed + attempt,
            compute=self.compute,
        )

    def _main_fit(
        self, first: TextClassifier, examples: Examples, *, corrected: bool
    ) -> tuple[TextClassifier, Fit, Agreement]:
        """Train on all rows, with the answer to rare classes and the validation that the settings ask for."""
        imbalance = self.settings.imbalance
        loss = SoftLoss(
            focal_gamma=_FOCAL_GAMMA if imbalance == "focal" else 0.0,
            class_weights=class_weights(examples.targets) if imbalance == "weights" else None,
            log_prior=log_prior(examples.targets) if imbalance == "adjust" else None,
        )
        validation = self._validation(first)
        if imbalance == "oversample":
            hard = examples.targets.argmax(axis=1).astype(np.int16)
            examples = _taken(examples, oversampled(hard, seed=self.settings.seed))
        schedule = schedule_for(self.settings, rows=len(examples), width=_width(first), corrected=corrected)

        def train(attempt: int, slower: int) -> tuple[tuple[TextClassifier, Fit], Agreement]:
            classifier = self._new_classifier(attempt) if attempt else first
            phase, slow = _phase("all", attempt), slowed(schedule, attempt, slower)
            fit = self._fit(classifier, examples, loss, phase, slow, validation=validation)
            return (classifier, fit), self._judged(classifier)

        (classifier, fit), found = until_learned(train, "all reviews", self._note)
        return classifier, fit, found

    def _judged(self, classifier: TextClassifier) -> Agreement:
        texts, targets, _ = self.rows.judged()
        return agreement(self.logits_of(classifier, texts.to_list()), targets)

    def _note(self, message: str) -> None:
        """Announce what a user should still know when the training is done."""
        status(message)
        self.notes.append(message)

    def _validation(self, classifier: TextClassifier) -> Examples | None:
        """Held-out rows: gold ones if they may stop the training, else weakly labelled ones."""
        rows = self.rows
        if self.settings.gold == "stop" and rows.gold_used is not None:
            return self._gold_examples(classifier, rows.gold_used)
        if not len(rows.held_out_texts):
            return None
        inputs = self._inputs(classifier, rows.held_out_texts.to_list())
        return Examples(inputs, rows.held_out_targets, np.ones(len(rows.held_out_targets), np.float32))

    def _taught(self, examples: Examples, number: int, advance: Advance) -> Examples:
        """Give each row the label that a classifier of other rows and the teachers find together.

        Self-training, but cross-fitted: a classifier that has seen a row repeats what it was told of it. That the
        teachers keep their say is what two views of a text are good for (co-training, Blum & Mitchell 1998). The
        confidence weights are COSINE's (Yu et al. 2021); on Kazakh reviews they did harm, for the rows near the
        threshold are the ones that teach where it is.
        """
        status(f"self-training: round {number} of {self.settings.self_training_rounds}")
        rows = self.rows
        part = text_parts(rows.texts, _PARTS, seed=self.settings.seed)
        own = np.empty((len(rows), rows.labels.k))
        for k in range(_PARTS):
            others, these = np.flatnonzero(part != k), np.flatnonzero(part == k)
            scores, _ = standardised(self._learned_from(others, these, examples, f"round-{number}-part-{k + 1}"))
            own[these] = scores + prior_offset(scores, rows.class_balance)
            advance(1)
        teachers, _ = standardised(np.log(np.maximum(rows.targets, 1e-6)))
        probs = blended(own, teachers, rows.class_balance)
        certain = self.settings.self_training_weights == "confidence"
        return Examples(examples.rows, probs, confidence_weights(probs) if certain else examples.weights)

    def _learned_from(
        self, others: npt.NDArray[np.int64], these: npt.NDArray[np.int64], examples: Examples, phase: str
    ) -> npt.NDArray[np.float32]:
        """Return the logits that a classifier trained on some rows gives others."""
        taught = _taken(examples, others)

        def train(attempt: int, slower: int) -> tuple[npt.NDArray[np.float32], Agreement]:
            student = self._new_classifier(attempt)
            schedule = schedule_for(self.settings, rows=len(taught), width=_width(student))
            self._fit(student, taught, SoftLoss(), _phase(phase, attempt), slowed(schedule, attempt, slower))
            logits = self._logits_of_rows(student, examples, these)
            return logits, agreement(logits, examples.targets[these])

        return until_learned(train, phase, self._note)[0]

    def _logits_of_rows(
        self, classifier: TextClassifier, examples: Examples, rows: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.float32]:
        """Classify some rows, from their vectors where the encoder is frozen."""
        if not isinstance(examples.rows, np.ndarray):
            return self.logits_of(classifier, self.rows.texts.gather(rows).to_list())
        from ..end_model.inference import classify_vectors

        return classify_vectors(classifier, examples.rows[rows], self.compute)

    def _fit_gold(self, classifier: TextClassifier, gold: GoldRows, phase: str, *, gently: bool) -> None:
        """Train on hand-labelled rows."""
        examples = self._gold_examples(classifier, gold)
        schedule = schedule_for(self.settings, rows=len(gold), width=_width(classifier))
        rate = schedule.learning_rate / 3 if gently else schedule.learning_rate
        schedule = replace(schedule, epochs=_GOLD_EPOCHS, batch_size=16, learning_rate=rate)
        self._fit(classifier, examples, SoftLoss(), phase, schedule, fresh=not gently)

    def _fit(
        self,
        classifier: TextClassifier,
        examples: Examples,
        loss: SoftLoss,
        phase: str,
        schedule: Schedule,
        *,
        validation: Examples | None = None,
        fresh: bool = True,
    ) -> Fit:
        key, done = f"{self.key}/{phase}", self.checkpoints / f"{phase}.safetensors"
        if self.resume and (before := finished_phase(done, classifier, key=key)):
            status(f"{phase}: finished before the interruption")
            return before
        if fresh:
            classifier.start_from(loss.constant(examples.targets, examples.weights))
        fit = fit_classifier(
            classifier,
            examples,
            schedule=schedule,
            loss=loss,
            compute=self.compute,
            validation=validation,
            checkpoints=self.checkpoints / phase,
            key=key,
            resume=self.resume,
            log=replace(self.log, phase=phase) if self.log else None,
        )
        keep_phase(done, classifier, fit, key=key)
        return fit

    def _inputs(self, classifier: TextClassifier, texts: list[str]) -> Rows:
        """Token ids, or vectors where the encoder is frozen."""
        if not classifier.encoder_frozen:
            return classifier.token_rows(texts)
        from ..end_model.inference import vectors_of

        with progress("Embedding", total=len(texts)) as advance:
            return vectors_of(classifier, texts, self.compute, progress=advance)

    def _gold_examples(self, classifier: TextClassifier, gold: GoldRows) -> Examples:
        targets = np.eye(self.rows.labels.k, dtype=np.float32)[gold.labels]
        return Examples(self._inputs(classifier, gold.texts.to_list()), targets, np.ones(len(gold), np.float32))

    def _offset(self, classifier: TextClassifier) -> npt.NDArray[np.float64]:
        """Find the threshold on some of the texts, or on the gold rows that may be used."""
        rows = self.rows
        if self.settings.threshold == "none" or len(rows) < _FEWEST_ROWS:
            return np.zeros(rows.labels.k)
        texts, prior = self._threshold_rows()
        logits = self.logits_of(classifier, texts)
        if self.settings.gold == "threshold" and rows.gold_used is not None:
            gold = rows.gold_used
            return tuned_offset(self.logits_of(classifier, gold.texts.to_list()), gold.labels, prior, pool=logits)
        return prior_offset(logits, prior)

    def _threshold_rows(self) -> tuple[list[str], npt.NDArray[np.float64]]:
        """Choose texts and say which shares their classes should get.

        Unseen texts if there are enough: on those it was trained on a classifier is too sure of itself. What their
        weak labels say of their shares makes up for chance in which texts were held out.
        """
        rows = self.rows
        if len(rows.held_out_texts) >= _UNSEEN_ROWS:
            counts = np.bincount(rows.held_out_targets.argmax(axis=1), minlength=rows.labels.k)
            return rows.held_out_texts.to_list(), (counts + rows.class_balance) / (counts.sum() + 1)
        chosen = np.random.default_rng(self.settings.seed).permutation(len(rows))[:_THRESHOLD_ROWS]
        return rows.texts.gather(chosen).to_list(), rows.class_balance


def _phase(name: str, attempt: int) -> str:
    return f"{name}-attempt-{attempt + 1}" if attempt else name


def _taken(examples: Examples, chosen: npt.NDArray[np.int64]) -> Examples:
    inputs = examples.rows
    rows = inputs[chosen] if isinstance(inputs, np.ndarray) else [inputs[i] for i in chosen]
    return Examples(rows, examples.targets[chosen], examples.weights[chosen])


def _width(classifier: TextClassifier) -> int | None:
    """Width of the encoder."""
    config: Any = getattr(classifier.backbone, "config", None)
    return None if config is None else int(config.hidden_size)
