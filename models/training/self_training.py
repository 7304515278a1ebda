"""Self-training: students, each trained on other rows, correct the weak labels together with the voters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ...data.progress import Advance, status
from ..scoring.priors import prior_offset, standardised
from .attempts import until_learned
from .fit.batches import Examples
from .fit.rank_agreement import RankAgreement, agreement
from .fitter import Fitter
from .rows.denoise import blended
from .rows.training_rows import text_parts
from .variants import attempt_name, slowed

if TYPE_CHECKING:
    from ..end_model.classifier import TextClassifier

MIN_ROWS = 1_000  # students of fewer know less than the voters
STUDENTS = 2  # more would cost more and find the same labels


def rounds(fitter: Fitter) -> int:
    """Return how many rounds of self-training pay.

    None of an n-gram model: n-gram models have corrected the labels already, another one has nothing to add. Nor of a
    frozen encoder, which is trained in seconds.
    """
    settings = fitter.settings
    pays = len(fitter.rows) >= MIN_ROWS and settings.head != "ngram" and settings.encoder_mode != "frozen"
    return fitter.settings.self_training_rounds if pays else 0


def pseudo_labelled(fitter: Fitter, examples: Examples, number: int, advance: Advance) -> Examples:
    """Give each row a pseudo-label: what a student trained on other rows and the weak label say together.

    Cross-fitted, since a student that has seen a row repeats its label. That the weak labels, the teacher, keep their
    say is what two views of a text are good for (co-training, Blum & Mitchell 1998). All rows count the same: weights
    by confidence (COSINE, Yu et al. 2021) did not help.
    """
    status(f"self-training: round {number} of {fitter.settings.self_training_rounds}")
    rows = fitter.rows
    part = text_parts(rows.texts, STUDENTS, seed=fitter.settings.seed)
    student = np.empty((len(rows), rows.labels.k))
    for k in range(STUDENTS):
        others, own = np.flatnonzero(part != k), np.flatnonzero(part == k)
        scores, _ = standardised(_student_logits(fitter, examples, others, own, f"round-{number}-part-{k + 1}"))
        student[own] = scores + prior_offset(scores, rows.class_balance)
        advance(1)
    teacher, _ = standardised(np.log(np.maximum(rows.targets, 1e-6)))
    return Examples(examples.rows, blended(student, teacher, rows.class_balance), examples.weights)


def _student_logits(
    fitter: Fitter, examples: Examples, others: npt.NDArray[np.int64], own: npt.NDArray[np.int64], phase: str
) -> npt.NDArray[np.float32]:
    """Return the logits of the rows `own` by a student that was trained on the rows `others`."""
    trained_on = examples.take(others)

    def train(attempt: int, slower: int) -> tuple[npt.NDArray[np.float32], RankAgreement]:
        student = fitter.new_classifier(attempt)
        schedule = slowed(fitter.schedule(student, len(trained_on)), attempt, slower)
        fitter.fit(student, trained_on, attempt_name(phase, attempt), schedule)
        logits = _logits_of_rows(fitter, student, examples, own)
        return logits, agreement(logits, examples.targets[own])

    return until_learned(train, phase, fitter.note)[0]


def _logits_of_rows(
    fitter: Fitter, student: TextClassifier, examples: Examples, rows: npt.NDArray[np.int64]
) -> npt.NDArray[np.float32]:
    """Classify some rows, from their vectors where the encoder is frozen."""
    if not isinstance(examples.rows, np.ndarray):
        return fitter.logits_of(student, fitter.rows.texts.gather(rows).to_list())
    from ..end_model.inference import classify_vectors

    return classify_vectors(student, examples.rows[rows], fitter.compute)
