"""Which weakly labelled rows, and which classes, are worth training on."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ....data.errors import LabelModelError
from ....data.types.label_space import ABSTAIN, LabelSpace
from ....data.types.soft_labels import SoftLabels
from .neighbours import nearest_neighbours

_MAX_REFERENCES = 50_000
_MIN_GOLD = 60
"""A class that so many random rows lack has at most 5 % of all rows (rule of three, 95 % confidence)."""
_RARE = 0.05


def cut_statistic(
    embeddings: npt.NDArray[np.float32], labels: npt.NDArray[np.int16], *, neighbours: int = 20, seed: int = 0
) -> npt.NDArray[np.float64]:
    """Measure how far the nearest rows contradict each row's label: the standardised weight of its cut edges.

    Muhlenbach et al. 2004, used for weak labels by Lang et al. 2022 (arXiv:2206.02914). Edges lead to the most
    similar rows by cosine and weigh 1 / (1 + distance); an edge is cut if its ends have different labels. Were labels
    independent of the embedding, an edge of a row of class c would be cut with probability 1 - share(c).

    Parameters
    ----------
    embeddings : ndarray of float32, shape (n, d)
        Of any length.
    labels : ndarray of int16, shape (n,)
        Class indices.
    neighbours : int
        Edges per row.
    seed : int
        With more than 50,000 rows the neighbours come from a random 50,000.

    Returns
    -------
    ndarray of float64, shape (n,)
        Small where the neighbours agree.
    """
    references = np.sort(np.random.default_rng(seed).permutation(len(labels))[:_MAX_REFERENCES])
    neighbours = min(neighbours, len(references) - 1)
    statistic = np.zeros(len(labels))
    if neighbours < 1:
        return statistic
    share = np.bincount(labels) / len(labels)
    for rows, nearest, cosines in nearest_neighbours(embeddings, references, neighbours):
        weight = 1 / (1 + np.sqrt(np.maximum(2 - 2 * cosines.astype(np.float64), 0)))
        cut = (weight * (labels[references[nearest]] != labels[rows, np.newaxis])).sum(axis=1)
        p = 1 - share[labels[rows]]
        expected, variance = p * weight.sum(axis=1), p * (1 - p) * (weight**2).sum(axis=1)
        statistic[rows] = (cut - expected) / np.sqrt(np.maximum(variance, 1e-12))
    return statistic


def select(
    soft: SoftLabels,
    embeddings: npt.NDArray[np.float32] | None = None,
    *,
    labels: LabelSpace,
    min_confidence: float = 0.0,
    cut_share: float = 1.0,
) -> npt.NDArray[np.bool_]:
    """Choose the rows to train on: covered, confident enough, and of each class those whose neighbours agree most.

    Parameters
    ----------
    soft : SoftLabels
        Shape (n, k).
    embeddings : ndarray of float32, shape (n, d), optional
        Needed for `cut_share` below 1.
    labels : LabelSpace
        The k classes, for the error message.
    min_confidence : float
        Leave out rows whose most likely class has a lower probability.
    cut_share : float
        Share of each class to keep, by the cut statistic.

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
    if embeddings is not None and cut_share < 1:
        rows = np.flatnonzero(chosen)
        statistic = cut_statistic(embeddings[rows], hard[rows])
        for label in np.unique(hard[rows]):
            members = rows[hard[rows] == label]
            best = np.argsort(statistic[hard[rows] == label], kind="stable")
            chosen[members[best[int(np.ceil(cut_share * len(members))) :]]] = False
    left = [labels.names[i] for i in np.unique(hard[chosen])]
    hint = "Lower min_confidence, raise cut_share, or give the reviews more voters and label them again."
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
