"""How far two annotators agree, and the reviews on which they do not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...data.errors import InputError
from ...data.types.label_space import LabelSpace
from ..printable import percent
from .table import AnnotationTable


@dataclass(frozen=True, eq=False)
class Agreement:
    """Two annotators' labels of the same reviews, before disputes were settled.

    Parameters
    ----------
    labels : LabelSpace
        The classes, k of them.
    common : int
        Reviews in both files: the same id and the same text.
    other_text : int
        Reviews with the same id but another text; they are left out.
    confusion : ndarray of int64, shape (k, k)
        Reviews that both labelled, by the first one's class and the second one's.
    disputes : Mapping[int, str]
        Row of the first file -> the second annotator's class, where both labelled and differed, settled or not.
    source : str
        Name of the second file.
    """

    labels: LabelSpace
    common: int
    other_text: int
    confusion: npt.NDArray[np.int64]
    disputes: Mapping[int, str]
    source: str = ""

    @property
    def n(self) -> int:
        """Reviews that both labelled."""
        return int(self.confusion.sum())

    @property
    def observed(self) -> float | None:
        """Share of the `n` reviews with the same label; None if there are none."""
        return float(np.trace(self.confusion) / self.n) if self.n else None

    def __str__(self) -> str:
        """Say it in a sentence."""
        if self.observed is None:
            return f"no review is labelled here and in {self.source}"
        kappa = "undefined" if self.kappa is None else f"{self.kappa:.2f}"
        return f"{percent(self.observed, 0)} of {self.n:,} reviews, Cohen's kappa {kappa} (before settling)"

    @property
    def kappa(self) -> float | None:
        """Cohen's kappa, see `cohen_kappa`."""
        return cohen_kappa(self.confusion)


def cohen_kappa(confusion: npt.NDArray[np.int64]) -> float | None:
    """Agreement beyond what chance would give, unweighted (Cohen 1960).

    Parameters
    ----------
    confusion : ndarray of int64, shape (k, k)
        Counts by the first annotator's class and the second's.

    Returns
    -------
    float or None
        1 for full agreement, 0 for as much as by chance; None where it is undefined: no reviews, or both annotators
        used one and the same class only.
    """
    n = int(confusion.sum())
    by_chance = int(confusion.sum(axis=1) @ confusion.sum(axis=0))  # times n * n
    if by_chance == n * n:
        return None
    return float((n * int(np.trace(confusion)) - by_chance) / (n * n - by_chance))


def compare_annotations(first: AnnotationTable, second: AnnotationTable, label_space: LabelSpace) -> Agreement:
    """Compare two annotators' files row by row, by id; of settled reviews, the labels before that.

    Raises
    ------
    InputError
        If no review is in both.
    """
    theirs = {row.id: row for row in second.rows()}
    confusion = np.zeros((label_space.k, label_space.k), np.int64)
    disputes: dict[int, str] = {}
    common = other_text = 0
    for position, row in enumerate(first.rows()):
        if row.id not in theirs:
            continue
        if theirs[row.id].text.strip() != row.text.strip():
            other_text += 1
            continue
        common += 1
        mine, label = row.first_label, theirs[row.id].first_label
        if mine is None or label is None:
            continue
        confusion[label_space.index(mine), label_space.index(label)] += 1
        if mine != label:
            disputes[position] = label
    if not common:
        found = f"{other_text:,} ids are in both, with other texts" if other_text else "no id is in both"
        raise InputError(
            f"{first.path.name} and {second.path.name} have no review in common: {found}.",
            hint="Both annotators must label copies of the same sample.",
        )
    return Agreement(label_space, common, other_text, confusion, disputes, second.path.name)
