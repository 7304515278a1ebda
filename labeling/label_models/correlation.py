"""Voters that repeat one another: found by agreement beyond what being right explains, and given one vote together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from .em import class_probabilities, run_em
from .patterns import VotePatterns, cooccurrence, indicators

KAPPA = 0.5  # agreement above which two voters are suspected of copying
EXCESS = 0.2  # share of the possible agreement beyond independence that confirms it
MIN_COVOTES = 30  # rows two voters must share before their agreement means anything
_MIN_OUTSIDERS = 3  # voters needed outside a suspected group to judge it
_VIEW_STEPS = 30  # of EM, for each suspected group: later steps change little, or drift where the voters are weak
_MIN_KNOWN = 0.02  # share of the variance of the class that the outsiders must know

Array = npt.NDArray[np.float64]


def correlated_groups(table: VotePatterns, k: int, *, families: Sequence[str] | None = None) -> npt.NDArray[np.int64]:
    """Group voters that agree more than independent voters could.

    Suspects are voters linked by Cohen's kappa above 0.5 (`suspected_kappa`). Within a family (voters built on one
    model) that is proof enough. Elsewhere it also catches voters which agree because both are right: two independent
    voters of 92 % accuracy have kappa 0.70 on balanced classes, and sharing one vote cost them 4 points of macro-F1.
    So such a link also needs `excess_agreement` above 0.2, judged by voters outside the suspected group: simulated
    copies (80 % copied) have 0.75 to 0.81, independent voters at most 0.01. Where the outsiders cannot tell (too few,
    or nearly blind), kappa decides if families are unknown, and known families count as independent.

    Parameters
    ----------
    table : VotePatterns
        The votes.
    k : int
        Number of classes.
    families : sequence of str, length m, optional
        Where each voter comes from; equal strings for voters that share a model.

    Returns
    -------
    ndarray of int64, shape (m,)
        Group of each voter, numbered in the order of their first members.
    """
    kappa, with_abstain = suspected_kappa(table, k)
    related = np.zeros_like(with_abstain) if families is None else np.equal.outer(*[np.asarray(families)] * 2)
    voting = np.any(table.patterns >= 0, axis=0)
    linked = _leaving_outsiders(kappa, voting)
    groups = _components(linked)
    confirmed = related & (kappa > KAPPA)
    for group in np.flatnonzero(np.bincount(groups, minlength=1) > 1):
        posterior = _outsiders_view(table, k, groups, int(group))
        for i, j in np.argwhere(np.triu(linked & ~related) & (groups == group)[:, np.newaxis]):
            excess = None
            if posterior is not None:
                excess = excess_agreement(table, k, posterior, i, j, abstain=bool(with_abstain[i, j]))
            confirmed[i, j] = families is None if excess is None else excess > EXCESS
    return _components(confirmed)


def voter_groups(
    table: VotePatterns, k: int, *, correlated: bool, families: Sequence[str] | None
) -> npt.NDArray[np.int64]:
    """Return `correlated_groups`, or every voter on its own where they are not wanted; shape (m,)."""
    return correlated_groups(table, k, families=families) if correlated else np.arange(table.m, dtype=np.int64)


def suspected_kappa(table: VotePatterns, k: int) -> tuple[Array, npt.NDArray[np.bool_]]:
    """Cohen's kappa of every two voters that share at least 30 rows.

    Kappa is taken on the rows where both vote. For two voters that always say the same there (rules for one class) it
    is undefined, and is taken on all rows with abstaining as one more answer: near-duplicates of one rule show there.

    Returns
    -------
    kappa : ndarray of float64, shape (m, m)
        Symmetric, 0 on the diagonal and where too few rows are shared.
    with_abstain : ndarray of bool, shape (m, m)
        Where abstaining counted as an answer.
    """
    joint = cooccurrence(table, k).transpose(0, 2, 1, 3)  # (m, m, k, k): i, j, vote of i, vote of j
    covotes = joint.sum(axis=(2, 3))
    on_covotes, defined = cohen_kappa(joint)
    shifted = VotePatterns(table.patterns + np.int16(1), table.counts, table.inverse)
    on_all_rows, _ = cohen_kappa(cooccurrence(shifted, k + 1).transpose(0, 2, 1, 3))
    kappa = np.where(covotes >= MIN_COVOTES, np.where(defined, on_covotes, on_all_rows), 0.0)
    np.fill_diagonal(kappa, 0.0)
    return kappa, ~defined


def cohen_kappa(joint: Array) -> tuple[Array, npt.NDArray[np.bool_]]:
    """Cohen's kappa of contingency tables, ``(observed - chance) / (1 - chance)``.

    Parameters
    ----------
    joint : ndarray of float64, shape (..., c, c)
        Counts of every pair of answers.

    Returns
    -------
    kappa : ndarray of float64, shape (...)
        0 where it is not defined.
    defined : ndarray of bool, shape (...)
        False where there are no counts or chance alone gives full agreement.

    Notes
    -----
    Cohen, "A coefficient of agreement for nominal scales", 1960.
    """
    share = joint / np.maximum(joint.sum(axis=(-2, -1), keepdims=True), 1)
    observed = np.einsum("...cc->...", share)
    chance = np.einsum("...c,...c->...", share.sum(axis=-1), share.sum(axis=-2))
    defined = (joint.sum(axis=(-2, -1)) > 0) & (1 - chance > 1e-9)
    return np.where(defined, (observed - chance) / np.where(defined, 1 - chance, 1.0), 0.0), defined


def excess_agreement(
    table: VotePatterns, k: int, posterior: Array, i: int, j: int, *, abstain: bool = False
) -> float | None:
    """Agreement of two voters beyond what their accuracies explain, as a share of what is possible.

    Were the voters independent given the class, each one's answers would follow the class only, so its confusion
    matrix is the least-squares fit of its answers on what others know of the class (a fit, because counting answers
    against an uncertain class would blur it), and the two matrices predict how often they agree.

    Parameters
    ----------
    posterior : ndarray of float64, shape (p, k)
        Class probabilities from voters other than these two and their suspected copies.
    abstain : bool
        Whether to count all rows, with abstaining as an answer, rather than the rows where both vote.

    Returns
    -------
    float or None
        1 for exact copies, about 0 for independent voters, None where `posterior` knows too little.
    """
    pair = table.patterns[:, [i, j]]
    weight = table.counts * np.all(pair >= 0, axis=1) if not abstain else table.counts.astype(np.float64)
    answers = [indicators(pair[:, [side]] + np.int16(abstain), k + abstain) for side in (0, 1)]
    weighted = posterior * weight[:, np.newaxis]
    share = weighted.sum(axis=0) / weight.sum()
    spread = posterior.T @ weighted
    known = np.trace(spread / weight.sum() - np.outer(share, share)) / max(1 - float(share @ share), 1e-12)
    if known < _MIN_KNOWN:
        return None
    first, second = (np.clip(np.linalg.lstsq(spread, weighted.T @ hot, rcond=None)[0], 0, 1) for hot in answers)
    expected = float(share @ (first * second).sum(axis=1))
    observed = float(weight @ (answers[0] * answers[1]).sum(axis=1)) / float(weight.sum())
    return (observed - expected) / (1 - expected) if expected < 1 - 1e-9 else None


def _leaving_outsiders(kappa: Array, voting: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Link voters with kappa above 0.5, short of linking so many that nobody is left to judge them.

    Where everybody agrees with everybody, the weakest links go first, until 3 other groups (or single voters) stand
    beside each group. A group of all voters is no group: it would change no vote's share.
    """
    needed = _MIN_OUTSIDERS if voting.sum() >= 2 + _MIN_OUTSIDERS else 1
    linked = kappa > KAPPA
    while linked.any() and len(np.unique(_components(linked)[voting])) - 1 < needed:
        linked &= kappa > kappa[linked].min()
    return linked


def _outsiders_view(table: VotePatterns, k: int, groups: npt.NDArray[np.int64], group: int) -> Array | None:
    """Posterior (p, k) of each pattern from voters outside a suspected group; None if they are too few.

    Each other group sends the member that votes most: shared votes would make the posterior too modest to judge by.
    """
    coverage = table.counts @ (table.patterns >= 0)
    others = [np.flatnonzero(groups == other) for other in np.unique(groups[(groups != group) & (coverage > 0)])]
    outside = [members[coverage[members].argmax()] for members in others]
    if len(outside) < _MIN_OUTSIDERS:
        return None
    view = replace(table.without_rows(), patterns=table.patterns[:, outside])  # EM may see equal rows twice
    fit = run_em(view, k, np.arange(view.m), max_iter=_VIEW_STEPS)
    return class_probabilities(fit, view, k)


def _components(linked: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    if not len(linked):
        return np.zeros(0, np.int64)
    _, groups = connected_components(csr_array(linked), directed=False)
    return np.asarray(groups, np.int64)
