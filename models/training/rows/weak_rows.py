"""What a labelled run offers to training: the weak labels, the class balance and the gold rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from ....data.errors import RunError
from ....data.gold.gold_rows import GoldTable, read_gold
from ....data.gold.inclusion import with_record
from ....data.gold.run_gold import GoldRows, find_gold, own_gold
from ....data.runs.directory import RunDirectory
from ....data.runs.labels import LabelledRun
from ....data.types.label_space import LabelSpace
from ....data.types.soft_labels import SoftLabels


@dataclass(frozen=True, eq=False)
class WeakRows:
    """The weakly labelled reviews of a run.

    Parameters
    ----------
    labels : LabelSpace
        The k classes.
    texts : Series of String, length n
    soft : SoftLabels
        Shape (n, k).
    class_balance : ndarray of float64, shape (k,)
        The prior the label model worked with.
    gold : GoldRows, optional
        None when the run has no gold rows.
    notes : tuple of str
        Notes for the user on gold rows that were given.
    """

    labels: LabelSpace
    texts: pl.Series
    soft: SoftLabels
    class_balance: npt.NDArray[np.float64]
    gold: GoldRows | None
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.texts)


def read_weak_rows(run: RunDirectory, gold: str | None = None) -> WeakRows:
    """Read the weak labels of a run.

    Parameters
    ----------
    run : RunDirectory
        With the files that `labeler label` writes.
    gold : str, optional
        File of hand-labelled rows to use instead of those the run was made with.

    Raises
    ------
    RunError
        If a file is missing or damaged, or no gold row has a text.
    InputError
        If the gold file cannot be read, or gives labels that are not classes or two labels to one review.
    """
    labelled = LabelledRun(run)
    labels = labelled.label_space
    given = None if gold is None else with_record(read_gold(gold, labels), run)
    rows = own_gold(labelled) if given is None else _given_rows(labelled, given)
    notes = () if given is None else given.notes
    return WeakRows(labels, labelled.texts, labelled.soft, labelled.class_balance, rows, notes)


def _given_rows(labelled: LabelledRun, given: GoldTable) -> GoldRows:
    """Return the gold rows of a file that have a text, in the run or in the file."""
    rows, _ = find_gold(labelled, given)
    rows = rows.take(np.flatnonzero(rows.texts.is_not_null()))
    if not len(rows):
        raise RunError(
            f"No row of {given.source} is in the run or has a text.", hint="Give the gold file a text column."
        )
    return rows
