"""What a report is computed from: the gold rows of a run, and the predictions for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from ...data.command import command
from ...data.errors import InputError
from ...data.gold.gold_rows import GoldTable
from ...data.gold.run_gold import GoldRows, find_gold, own_gold
from ...data.gold.weights import NOT_RANDOM, looks_random
from ...data.runs.directory import RunDirectory
from ...data.runs.labels import LabelledRun
from ...data.types.label_space import LabelSpace
from ..metrics.comparison import Comparison, compare
from ..metrics.measures import Measures, measure


@dataclass(frozen=True, eq=False)
class Predictions:
    """Labels of the gold rows by a voter, the label model or an end model.

    Parameters
    ----------
    name : str
        Who predicts.
    hard : ndarray of int16, shape (g,)
        Class indices, -1 for no label.
    probs : ndarray of float32, shape (g, k), optional
        None where there are only labels.
    unseen : ndarray of bool, shape (g,)
        Rows that were not used to make or tune it; only these may score.
    """

    name: str
    hard: npt.NDArray[np.int16]
    probs: npt.NDArray[np.float32] | None
    unseen: npt.NDArray[np.bool_]

    def take(self, rows: npt.NDArray[np.int64]) -> Predictions:
        """Return the predictions of some rows."""
        probs = None if self.probs is None else self.probs[rows]
        return Predictions(self.name, self.hard[rows], probs, self.unseen[rows])


@dataclass(frozen=True, eq=False)
class EvaluationData:
    """A labelled run with its gold rows.

    Parameters
    ----------
    labelled : LabelledRun
    gold : GoldRows
        The g gold rows.
    unmatched : int
        Gold rows of a given file that the run does not have.
    notes : tuple of str
        Notes to the user on the given gold rows.
    """

    labelled: LabelledRun
    gold: GoldRows
    unmatched: int = 0
    notes: tuple[str, ...] = ()

    @property
    def run(self) -> RunDirectory:
        """The run."""
        return self.labelled.run

    @property
    def labels(self) -> LabelSpace:
        """The k classes."""
        return self.labelled.label_space

    @property
    def summary(self) -> Mapping[str, Any]:
        """``summary.json``: the numbers of `labeler label`."""
        return self.labelled.summary

    @property
    def truth(self) -> npt.NDArray[np.int16]:
        """Gold class of each gold row, shape (g,)."""
        return self.gold.labels

    @property
    def is_weighted(self) -> bool:
        """Whether some gold rows count more than others."""
        return bool(np.any(self.gold.weights != self.gold.weights[0]))

    @cached_property
    def is_random_sample(self) -> bool:
        """Whether the weighted gold rows could be a random sample of the input, by their probabilities."""
        population, sample = (
            np.column_stack([probs, probs.max(axis=1)]).astype(np.float64)
            for probs in (self.labelled.soft.probs, self.gold.probs)
        )
        return looks_random(population, sample, self.gold.weights)

    @cached_property
    def weak(self) -> Predictions:
        """The weak labels of the gold rows."""
        return Predictions("weak labels", self.gold.weak, self.gold.probs, np.ones(len(self.gold), np.bool_))

    @cached_property
    def unrefined(self) -> Predictions:
        """The label model's own labels of the gold rows."""
        return Predictions("unrefined labels", self.gold.unrefined, None, np.ones(len(self.gold), np.bool_))

    @cached_property
    def voters(self) -> list[Predictions]:
        """The votes on the gold rows, in the order of the run."""
        names, every = self.labelled.voters, np.ones(len(self.gold), np.bool_)
        votes = self.labelled.vote_matrix(ids=self.gold.ids)
        return [Predictions(name, votes[:, j], None, every) for j, name in enumerate(names)]

    def measure(self, predictions: Predictions, *, resamples: int) -> Measures:
        """Score predictions on the rows that were not used to make them."""
        rows = np.flatnonzero(predictions.unseen)
        own = predictions.take(rows)
        return measure(
            self.truth[rows],
            own.hard,
            own.probs,
            labels=self.labels,
            weights=self.gold.weights[rows],
            resamples=resamples,
        )

    def compare(self, first: Predictions, second: Predictions, *, resamples: int) -> Comparison | None:
        """Compare predictions on the rows that are unseen by both; None if there are none."""
        rows = np.flatnonzero(first.unseen & second.unseen)
        if not len(rows):
            return None
        return compare(
            self.truth[rows],
            first.hard[rows],
            second.hard[rows],
            labels=self.labels,
            weights=self.gold.weights[rows],
            resamples=resamples,
        )


def read_evaluation_data(run: RunDirectory, given: GoldTable | None = None) -> EvaluationData:
    """Read a labelled run.

    Parameters
    ----------
    run : RunDirectory
    given : GoldTable, optional
        Gold rows to score on instead of those the run was made with.

    Raises
    ------
    RunError
        If a file is missing or damaged.
    InputError
        If there are no gold rows, or none of those given is in the run.
    """
    labelled = LabelledRun(run)
    if given is not None:
        return _with_given(labelled, given)
    gold = own_gold(labelled)
    if gold is None:
        raise InputError(
            f"The run {run.path} was made without hand-labelled rows, so nothing says how good its labels are.",
            hint=f"Draw some and label them: {command('sample', '--run', run.path)}, then "
            f"{command('annotate', '--run', run.path)}.",
        )
    return EvaluationData(labelled, gold)


def _with_given(labelled: LabelledRun, given: GoldTable) -> EvaluationData:
    rows, found = find_gold(labelled, given)
    if not found:
        raise InputError(
            f"None of the {len(given):,} labelled rows of {given.source} is in the run.",
            hint="Give rows with the ids or texts of the run, or label them with it: labeler label ... --gold FILE.",
        )
    gold = rows.take(np.arange(found))
    data = EvaluationData(labelled, gold, len(rows) - found, given.notes)
    return data if data.is_random_sample else replace(data, notes=(*given.notes, NOT_RANDOM))
