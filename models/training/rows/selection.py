"""Which weakly labelled rows, and which classes, are worth training on."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ....data.errors import LabelModelError
from ....data.types.label_space import ABSTAIN, LabelSpace
from ....data.types.soft_labels import SoftLabels

_MIN_GOLD = 60
"""A class that so many random rows lack has at most 5 % of all rows (rule of three, 95 % confidence)."""
_RARE = 0.05


def select(soft: SoftLabels, labels: LabelSpace, *, min_confidence: float = 0.0) -> npt.NDArray[np.bool_]:
    """Choose the rows to train on: covered, and confident enough.

    Parameters
    ----------
    soft : SoftLabels
        Shape (n, k).
    labels : LabelSpace
        The k classes, for the error message.
    min_confidence : float
        Leave out rows whose most likely class has a lower probability.

    Returns
    -------
    ndarray of bool, shape (n,)

    Raises
    ------
    LabelModelError
        If fewer rows than classes, or rows of fewer than two classes, are left.
    """
    hard = soft.hard(min_confidence)
    chosen: npt.NDArray[np.bool_] = hard != ABSTAIN
    left = [labels.names[i] for i in np.unique(hard[chosen])]
    hint = "Lower min_confidence, or give the reviews more voters and label them again."
    if chosen.sum() < labels.k:
        raise LabelModelError(f"{int(chosen.sum())} labelled rows are left for {labels.k} classes.", hint=hint)
    if len(left) < 2:
        raise LabelModelError(f"Only rows of class '{left[0]}' are left to train on; two are needed.", hint=hint)
    return chosen


def present_classes(
    soft: SoftLabels, labels: LabelSpace, *, gold: npt.NDArray[np.int16] | None = None
) -> tuple[npt.NDArray[np.int64], dict[str, str]]:
    """Tell which classes the reviews are about.

    A class that no review is about still gets some votes by mistake, and training on them only teaches mistakes. It
    is absent if it has no label at all, or if a gold sample of at least 60 rows has none of it and at most 5 % of the
    labels are for it.

    Parameters
    ----------
    soft : SoftLabels
        Shape (n, k).
    labels : LabelSpace
        The k classes.
    gold : ndarray of int16, shape (g,), optional
        Class indices of the gold rows.

    Returns
    -------
    ndarray of int64, dict of str to str
        The classes that are present, ascending; for each absent one a sentence that says why.

    Raises
    ------
    LabelModelError
        If fewer than two classes are present.
    """
    hard = soft.hard()
    weak = np.bincount(hard[hard != ABSTAIN], minlength=labels.k)
    total = max(int(weak.sum()), 1)
    known = np.zeros(labels.k, int) if gold is None else np.bincount(gold[gold != ABSTAIN], minlength=labels.k)
    sampled = int(known.sum())
    absent = {}
    for name, votes, found in zip(labels.names, weak, known, strict=True):
        if not votes:
            absent[name] = f"'{name}' is left out: no review is labelled so."
        elif sampled >= _MIN_GOLD and not found and votes <= _RARE * total:
            absent[name] = (
                f"'{name}' is left out: none of {sampled} gold rows is of it, and its {votes:,} labels may be mistakes."
            )
    present = np.array([i for i, name in enumerate(labels.names) if name not in absent], dtype=np.int64)
    if len(present) < 2:
        left = labels.names[present[0]] if len(present) else "none"
        raise LabelModelError(
            f"The labels are of fewer than two classes ({left}); there is nothing to tell apart.",
            hint="Look at the voters in lf_summary.csv, or label more reviews.",
        )
    return present, absent
