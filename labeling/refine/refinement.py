"""The labels of single rows: what students and the label model say together, calibrated."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
import numpy.typing as npt

from ...data.types.corpus import Corpus
from ...data.types.soft_labels import SoftLabels
from ...data.types.stored_corpus import StoredCorpus
from ...models.scoring.blending import Blend, fit_blend, floored_logs
from ...models.scoring.temperatures import agreement_temperatures
from ..label_models.patterns import VotePatterns
from ..settings import VoterSection
from ..voting.configured import NamedVoter
from ..voting.executor import Executor
from ..voting.registry import Voter
from .check import recalibrated
from .normal_scores import NormalScores, fit_normal_scores, log_odds
from .students import StudentVoter, fit_students
from .texts import distinct_texts

Floats = npt.NDArray[np.floating]

_TEACHER_TEXTS = 10_000  # distinct texts from which students know as much as the label model
_TEACHER_SHARES = (0.75, 3.0)  # of the label model, in units of the students' spread


@dataclass(frozen=True, eq=False)
class Refinement:
    """How labels of single rows are made.

    Parameters
    ----------
    students : NamedVoter
        A `StudentVoter`.
    scores : NormalScores
        Of the label model's log-odds.
    blend : Blend
        Of the students' logits and these scores.
    """

    students: NamedVoter
    scores: NormalScores
    blend: Blend

    def with_temperatures(self, temperatures: npt.NDArray[np.float64]) -> Refinement:
        """Calibrate otherwise, shape (k,)."""
        return replace(self, blend=replace(self.blend, temperatures=tuple(temperatures.tolist())))

    def logits(self, students: Floats, probs: Floats) -> npt.NDArray[np.float64]:
        """Blend the students' logits with the label model's probabilities, both of shape (n, k)."""
        return self.blend.logits([np.nan_to_num(students), self.scores.of(log_odds(probs))])

    def labels(self, students: Floats, teacher: SoftLabels) -> SoftLabels:
        """Return the labels of n rows; those that are not covered keep the label model's."""
        return recalibrated(teacher, self.logits(students, teacher.probs), self.blend.temperatures)

    def chunks(self, corpus: StoredCorpus, executor: Executor, *, k: int) -> Iterator[npt.NDArray[np.float32]]:
        """Yield the students' logits of each chunk, shape (n, k); NaN for rows without content."""
        numbers = range(len(corpus.sizes))
        for (answer,) in executor.answers([self.students], corpus, numbers, k=k):
            assert isinstance(answer.output, np.ndarray)
            yield answer.output

    def of_texts(self, corpus: Corpus) -> npt.NDArray[np.float32]:
        """Return the students' logits of a few reviews, shape (n, k)."""
        return cast(StudentVoter, self.students.voter).scores(corpus)


def fit_refinement(
    corpus: StoredCorpus,
    table: VotePatterns,
    soft: SoftLabels,
    shares: npt.NDArray[np.float64],
    *,
    n_input: int,
    min_texts: int,
    seed: int,
) -> Refinement | None:
    """Fit students to the labels of the label model, and blend both; None for too few distinct texts.

    Parameters
    ----------
    corpus : StoredCorpus
        The first `n_input` rows are learned from.
    table : VotePatterns
        Maps its rows to p patterns.
    soft : SoftLabels
        Of each pattern.
    shares : ndarray of float64, shape (k,)
        Of the classes, which the refined labels follow.
    n_input, min_texts : int
    seed : int
        Of the folds.
    """
    texts = distinct_texts(corpus, table.inverse, n_input=n_input, covered=soft.covered)
    if len(texts) < min_texts:
        return None
    logs, weights = texts.mean(floored_logs(soft.probs)), texts.counts
    voter, students = fit_students(texts, logs, seed=seed)
    odds = texts.mean(log_odds(soft.probs))
    scores = fit_normal_scores(odds, weights)
    teacher, share = scores.of(odds), float(np.clip(_TEACHER_TEXTS / len(texts), *_TEACHER_SHARES))
    blend = fit_blend([students, teacher], [1.0, share], shares, weights)
    alone = [fit_blend([part], [1.0], shares, weights).logits([part]) for part in (students, teacher)]
    temperatures = agreement_temperatures(blend.logits([students, teacher]), alone[0], alone[1], weights)
    named = NamedVoter("students", VoterSection(name="students", kind="students"), cast(Voter, voter))
    return Refinement(named, scores, blend).with_temperatures(temperatures)
