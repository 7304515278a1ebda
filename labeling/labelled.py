"""The result of labelling before it is written: labels of vote patterns, and how those of single rows are made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from ..data.types.label_space import LabelSpace
from ..data.types.soft_labels import SoftLabels
from .balance.settle import ClassBalance
from .input import Reviews
from .label_models.patterns import VotePatterns
from .refine.check import own_logits, recalibrated
from .refine.refinement import Refinement
from .voting.configured import NamedVoter
from .voting.executor import Executor


@dataclass(frozen=True, eq=False)
class Labelled:
    """What the voters and the label model say of each vote pattern.

    Parameters
    ----------
    table : VotePatterns
        Maps the n rows of the corpus, input rows first, to p patterns.
    soft : SoftLabels
        The label model's, one row per pattern.
    refinement : Refinement, optional
        What corrects them row by row; None where nothing does.
    temperatures : ndarray of float64, shape (k,), optional
        Of labels that are not refined, from gold rows.
    gold_probs : ndarray of float32, shape (g, k), optional
        Probabilities of the gold rows by a calibration that has not seen them.
    """

    reviews: Reviews
    labels: LabelSpace
    table: VotePatterns
    soft: SoftLabels
    voters: tuple[NamedVoter, ...]
    voter_accuracy: npt.NDArray[np.float64]
    balance: ClassBalance
    method: str
    notes: tuple[str, ...]
    catch_all: str = ""
    cascade: tuple[dict[str, Any], ...] = ()
    refinement: Refinement | None = None
    temperatures: npt.NDArray[np.float64] | None = None
    gold_probs: npt.NDArray[np.float32] | None = None

    @cached_property
    def hard(self) -> npt.NDArray[np.int16]:
        """Class index of each pattern by the label model, -1 without a label."""
        return self.soft.hard()

    @cached_property
    def input_patterns(self) -> npt.NDArray[np.int32]:
        """Pattern of each input row."""
        return self.table.inverse[: self.reviews.n_input]

    @cached_property
    def input_counts(self) -> npt.NDArray[np.int64]:
        """How many input rows show each pattern."""
        return np.bincount(self.input_patterns, minlength=len(self.table))

    @property
    def voter_names(self) -> list[str]:
        """The voters' names, in column order."""
        return [voter.name for voter in self.voters]

    def final(self, executor: Executor) -> Iterator[SoftLabels]:
        """Yield the labels of all rows, chunk by chunk of the corpus."""
        corpus, inverse, start = self.reviews.corpus, self.table.inverse, 0
        soft = self.soft
        if self.temperatures is not None:
            soft = recalibrated(soft, own_logits(soft), self.temperatures)
        students = self.refinement.chunks(corpus, executor, k=self.labels.k) if self.refinement else None
        for size in corpus.sizes:
            rows = inverse[start : start + size]
            start += size
            chunk = SoftLabels(soft.probs[rows], soft.covered[rows])
            yield self.refinement.labels(next(students), chunk) if self.refinement and students else chunk
