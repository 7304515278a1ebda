"""What the phases of a training share: building classifiers, fitting them, computing their logits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ...data.gold.run_gold import GoldRows
from ...data.progress import progress, status
from ..end_model.build import build_classifier
from ..loading.device import Compute
from ..scoring.embedding_cache import CachedEncoder
from ..scoring.encoder import SentenceEncoder
from .fit.batches import Examples
from .fit.fitting import fit_classifier
from .fit.losses import SoftLoss
from .fit.schedule import Fit, Schedule
from .history import TrainingLog
from .rows.training_rows import TrainingRows
from .settings import TrainSection
from .variants import schedule_for

if TYPE_CHECKING:
    from ..end_model.classifier import TextClassifier
    from ..loading.resolve import ModelRef

_PLAIN = SoftLoss()


@dataclass(frozen=True, eq=False)
class Fitter:
    """Fits classifiers of one kind to rows of one run.

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

    def note(self, message: str) -> None:
        """Log what a user should still know when the training is done."""
        status(message)
        self.notes.append(message)

    def new_classifier(self, attempt: int = 0) -> TextClassifier:
        """Build an untrained classifier; each attempt begins with other random weights."""
        settings = self.settings
        return build_classifier(
            self.rows.labels.names,
            backbone=self.backbone,
            head=settings.head,
            mode=settings.encoder_mode,
            pooling=settings.pooling,
            max_length=settings.max_length,
            dropout=settings.dropout,
            lora=settings.lora,
            train_embeddings=settings.train_embeddings,
            texts=self.rows.texts.to_list(),
            seed=settings.seed + attempt,
            compute=self.compute,
        )

    def schedule(self, classifier: TextClassifier, rows: int) -> Schedule:
        """Return how long and how fast to train on so many rows; see `schedule_for`."""
        config: Any = getattr(classifier.backbone, "config", None)
        return schedule_for(self.settings, rows=rows, width=config and config.hidden_size)

    def fit(
        self,
        classifier: TextClassifier,
        examples: Examples,
        phase: str,
        schedule: Schedule,
        *,
        loss: SoftLoss = _PLAIN,
        validation: Examples | None = None,
        fresh: bool = True,
    ) -> Fit:
        """Train a classifier in place.

        Raises
        ------
        ModelError
            See `fit_classifier`.
        """
        if fresh:
            classifier.start_from(loss.constant(examples.targets, examples.weights))
        return fit_classifier(
            classifier,
            examples,
            schedule=schedule,
            loss=loss,
            compute=self.compute,
            validation=validation,
            checkpoints=self.checkpoints / phase,
            key=f"{self.key}/{phase}",
            resume=self.resume,
            log=replace(self.log, phase=phase) if self.log else None,
        )

    def examples(self, classifier: TextClassifier, texts: list[str], targets: npt.NDArray[np.floating]) -> Examples:
        """Make examples of equal weight: token ids, or vectors where the encoder is frozen."""
        rows: Sequence[Sequence[int]] | npt.NDArray[np.float32]
        rows = self._vectors(classifier, texts) if classifier.encoder_frozen else classifier.token_rows(texts)
        return Examples(rows, targets, np.ones(len(texts), np.float32))

    def gold_examples(self, classifier: TextClassifier, gold: GoldRows) -> Examples:
        """Make examples of hand-labelled rows."""
        return self.examples(classifier, gold.texts.to_list(), np.eye(self.rows.labels.k)[gold.labels])

    def logits_of(self, classifier: TextClassifier, texts: list[str]) -> npt.NDArray[np.float32]:
        """Return the logits of n texts, shape (n, k)."""
        from ..end_model.inference import classify_vectors, logits_of

        if classifier.encoder_frozen:
            return classify_vectors(classifier, self._vectors(classifier, texts), self.compute)
        with progress("Predicting", total=len(texts)) as advance:
            return logits_of(classifier, texts, self.compute, progress=advance)

    def _vectors(self, classifier: TextClassifier, texts: list[str]) -> npt.NDArray[np.float32]:
        """Embed n texts, shape (n, d); those that a voter has embedded are in its cache."""
        from ..end_model.inference import vectors_of

        with progress("Embedding", total=len(texts)) as advance:
            if self.backbone is not None and classifier.record.mode == "frozen":
                encoder = CachedEncoder(SentenceEncoder(self.backbone, compute=self.compute))
                return encoder.encode(texts, progress=advance)
            return vectors_of(classifier, texts, self.compute, progress=advance)
