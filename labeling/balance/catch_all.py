"""A class that takes what no other one claims, and the classes whose share the rules can show."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from ...data.types.label_space import ABSTAIN
from ...data.types.soft_labels import SoftLabels
from ...data.types.task import TaskSection
from ..label_models.patterns import VotePatterns
from ..settings import VoterSection

_DESCRIBED_BY = {"keyword": "keywords", "emoji": "emoji"}  # kind of voter -> field of a class
_LEAD = 1e-3  # by which the catch-all class leads tied classes


def shown_classes(
    task: TaskSection, rules: Iterable[VoterSection], votes: VotePatterns | None
) -> npt.NDArray[np.bool_]:
    """Return which classes rules vote for, or could; shape (k,). Nothing shows the share of the others.

    Parameters
    ----------
    task : TaskSection
        Its keywords and emoji say what the voters of these kinds can vote for.
    rules : iterable of VoterSection
        Options such as ``label``, ``ranges`` and ``mapping`` say it of the others.
    votes : VotePatterns, optional
        What the rules voted; of functions of the user's only this is known.
    """
    able: set[str] = set()
    for section in rules:
        options = section.options
        described = _DESCRIBED_BY.get(section.kind, "")
        able.update(label.name for label in task.labels if getattr(label, described, ()))
        able.update([options["label"]] if isinstance(options.get("label"), str) else [])
        able.update(options.get("ranges", ()))
        able.update(value for value in options.get("mapping", {}).values() if isinstance(value, str))
    shown = np.isin(task.label_space.names, list(able))
    if votes is not None:
        shown[np.unique(votes.patterns[votes.patterns != ABSTAIN])] = True
    return shown


def label_shares(table: VotePatterns, soft: SoftLabels) -> npt.NDArray[np.float64]:
    """Share of each class among the labels, shape (k,), Laplace-smoothed."""
    hard = soft.hard()
    labelled = hard != ABSTAIN
    counts = np.bincount(hard[labelled], table.counts[labelled], minlength=soft.probs.shape[1]) + 1
    shares: npt.NDArray[np.float64] = counts / counts.sum()
    return shares


def with_catch_all(soft: SoftLabels, label: int) -> SoftLabels:
    """Give rows without a label to the catch-all class.

    A row nobody votes on counts as one vote for it (`consensus.smoothed_shares`); where classes tie, it just leads.

    Parameters
    ----------
    soft : SoftLabels
        Of rows that have content.
    label : int
        The catch-all class.
    """
    k = soft.probs.shape[1]
    probs = soft.probs.astype(np.float64)
    probs[~soft.covered] = (np.arange(k) == label) / 2 + 0.5 / k
    tied = soft.covered & (soft.hard() == ABSTAIN)
    probs[tied, label] = probs[tied].max(axis=1) * (1 + _LEAD)
    probs /= probs.sum(axis=1, keepdims=True)
    return SoftLabels(probs.astype(np.float32), np.ones(len(soft), np.bool_))


def give_unclaimed(
    table: VotePatterns, soft: SoftLabels, label: int, has_content: npt.NDArray[np.bool_]
) -> tuple[VotePatterns, SoftLabels]:
    """Give the rows without a label to the catch-all class, but for those without content.

    Parameters
    ----------
    table : VotePatterns
        The votes; it maps rows.
    soft : SoftLabels
        What a label model makes of each pattern.
    label : int
        The catch-all class.
    has_content : ndarray of bool, shape (n,)
        Which rows say anything.

    Returns
    -------
    VotePatterns, SoftLabels
        Rows without content are a pattern of their own, the last and uncovered one.
    """
    claimed = with_catch_all(soft, label)
    empty = np.flatnonzero(~has_content & ~table.covered[table.inverse])
    if not len(empty):
        return table, claimed
    inverse = table.inverse.copy()
    inverse[empty] = len(table)
    counts = np.bincount(inverse, minlength=len(table) + 1)
    kept = counts > 0
    patterns = np.vstack([table.patterns, np.full((1, table.m), ABSTAIN, np.int16)])[kept]
    index = (np.cumsum(kept) - 1).astype(np.int32)
    probs = np.vstack([claimed.probs, soft.probs[table.inverse[empty[:1]]]])[kept]
    covered = np.append(claimed.covered, False)[kept]
    return VotePatterns(patterns, counts[kept], index[inverse]), SoftLabels(probs, covered)
