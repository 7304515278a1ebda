"""What each voter does, in numbers: the summary table of a label matrix, computed on vote patterns.

Equals ``snorkel.labeling.LFAnalysis`` (tested), whose words it uses.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ...data.errors import InputError
from ...data.gold.scores import weighted_share
from ...data.types.label_space import ABSTAIN, LabelSpace
from ...data.types.votes import LabelMatrix
from .consensus import has_conflict
from .patterns import VotePatterns

if TYPE_CHECKING:
    import polars as pl

Array = npt.NDArray[np.float64]

_ON_GOLD = ("gold_votes", "gold_effective", "gold_accuracy", "gold_accuracy_low", "gold_accuracy_high")
_NO_GOLD = (0, None, None, None, None)


def lf_summary(
    L: Any,  # noqa: N803 - the field's name for it
    *,
    voters: Sequence[str] | None = None,
    classes: Sequence[str] | None = None,
    gold: Any = None,
    gold_weights: Array | None = None,
    agreement: Array | None = None,
) -> pl.DataFrame:
    """Summarise every voter in a row.

    Parameters
    ----------
    L : LabelMatrix, array-like of int, shape (n, m), data frame, or VotePatterns
        The votes: class indices, -1 where a voter abstains.
    voters : sequence of str, length m, optional
        Names; by default those of a label matrix or data frame, or numbers.
    classes : sequence of str, length k, optional
        Class names for the polarity column; by default those of a label matrix, or indices.
    gold : array-like of int or str, shape (n,), optional
        Class indices, -1 where unknown; or names of classes, None where unknown. Patterns then have to map rows.
    gold_weights : ndarray of float64, shape (g,), optional
        How much each row with a gold label counts, in their order; all the same by default.
    agreement : ndarray of float64, shape (m,), optional
        `voter_accuracy_` of a label model: estimated from agreement, hence the name of its column.

    Returns
    -------
    polars.DataFrame
        ``voter``; ``polarity``: the classes it ever votes, joined by ", "; shares of all rows on which it votes
        (``coverage``), on which another one votes too (``overlaps``), and on which another one votes differently
        (``conflicts``); ``agreement`` with the other voters, as the label model sees it; ``gold_votes``: rows with a
        gold label on which it votes; ``gold_effective``: how many rows of equal weight say as much;
        ``gold_accuracy``: weighted share of these it gets right; ``gold_accuracy_low``, ``gold_accuracy_high``: its
        95 % interval. Null where there is nothing to say.

    Raises
    ------
    LabelModelError
        If `L` is no label matrix.
    InputError
        If `gold` does not have a label for each row, or names a class that does not exist.

    Examples
    --------
    >>> summary = lf_summary([[0, -1], [0, 1], [1, -1]], voters=["keywords", "emoji"], gold=[0, 1, 1])
    >>> summary.select("voter", "coverage", "conflicts", "gold_accuracy").rows()[1]
    ('emoji', 0.3333333333333333, 0.3333333333333333, 1.0)
    """
    import polars as pl

    if isinstance(L, VotePatterns):
        table, names = L, voters or [str(j) for j in range(L.m)]
    else:
        matrix = LabelMatrix.of(L)
        table, names = VotePatterns.from_votes(matrix.votes), voters or matrix.voters
        classes = classes or matrix.classes or None
    if gold is not None:
        gold = _indices(gold, table.n, classes)
    coverage, overlaps, conflicts = vote_rates(table)
    agreement = np.full(table.m, np.nan) if agreement is None else agreement
    summary = pl.DataFrame(
        {
            "voter": list(names),
            "polarity": [_polarity(column, classes) for column in table.patterns.T],
            "coverage": coverage,
            "overlaps": overlaps,
            "conflicts": conflicts,
            "agreement": pl.Series(agreement, dtype=pl.Float64).fill_nan(None),
        }
    )
    schema = {name: pl.Int64 if name == "gold_votes" else pl.Float64 for name in _ON_GOLD}
    return summary.hstack(pl.DataFrame(_on_gold(table, gold, gold_weights), schema, orient="row"))


def _indices(gold: Any, n: int, classes: Sequence[str] | None) -> npt.NDArray[np.int16]:
    """Return gold labels as class indices."""
    values = np.asarray(gold)
    if values.shape != (n,):
        raise InputError(f"Gold labels of shape {values.shape} for {n} rows.", hint="Give one for each row of L.")
    if np.issubdtype(values.dtype, np.integer) and (n == 0 or values.min() >= ABSTAIN):
        return values.astype(np.int16)
    if classes is None or not all(value is None or isinstance(value, str) for value in values):
        raise InputError(
            f"Gold labels must be class indices or names of classes, found {values[:3].tolist()}.",
            hint="Write -1, or None among names, where a row has none.",
        )
    return LabelSpace(tuple(classes)).encode(values.tolist())


def vote_rates(table: VotePatterns) -> tuple[Array, Array, Array]:
    """Coverage, overlaps and conflicts of each voter as shares of all rows, each of shape (m,).

    Always ``coverage >= overlaps >= conflicts``.
    """
    voted = table.patterns != ABSTAIN
    several = voted.sum(axis=1) > 1
    disagreeing = has_conflict(table.patterns)  # whoever votes on such a row disagrees with somebody
    n = max(table.n, 1)
    coverage, overlaps, conflicts = (
        (table.counts * rows) @ voted / n for rows in (np.ones(len(table), np.int64), several, disagreeing)
    )
    return coverage, overlaps, conflicts


def _on_gold(
    table: VotePatterns, gold: npt.NDArray[np.int16] | None, weights: Array | None
) -> list[tuple[float | None, ...]]:
    """Return the values of the columns `_ON_GOLD`, a row for each voter."""
    if gold is None:
        return [_NO_GOLD] * table.m
    known = np.flatnonzero(gold != ABSTAIN)
    weight = np.ones(len(known)) if weights is None else weights
    found: list[tuple[float | None, ...]] = []
    for votes in table.patterns[table.inverse[known]].T:
        voted = votes != ABSTAIN
        if not voted.any():
            found.append(_NO_GOLD)
            continue
        share = weighted_share(votes[voted] == gold[known[voted]], weight[voted])
        found.append((int(voted.sum()), share.effective_rows, share.value, share.low, share.high))
    return found


def _polarity(votes: npt.NDArray[np.int16], classes: Sequence[str] | None) -> str:
    found = np.unique(votes[votes != ABSTAIN])
    return ", ".join(str(c) if classes is None else classes[c] for c in found)
