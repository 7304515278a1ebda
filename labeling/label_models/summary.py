"""What each voter does, in numbers: the summary table of a label matrix, computed on vote patterns.

Equals ``snorkel.labeling.LFAnalysis`` (tested), whose words it uses.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ...data.gold.scores import weighted_share
from ...data.types.label_space import ABSTAIN
from ...data.types.votes import LabelMatrix
from .consensus import divided
from .patterns import VotePatterns

if TYPE_CHECKING:
    import polars as pl

Array = npt.NDArray[np.float64]

_ON_GOLD = ("gold_votes", "gold_effective", "gold_accuracy", "gold_accuracy_low", "gold_accuracy_high")
_NO_GOLD = (0, None, None, None, None)


def lf_summary(
    votes: LabelMatrix | VotePatterns,
    *,
    voters: Sequence[str] | None = None,
    classes: Sequence[str] | None = None,
    gold: npt.NDArray[np.int16] | None = None,
    gold_weights: Array | None = None,
    agreement: Array | None = None,
) -> pl.DataFrame:
    """Summarise every voter in a row.

    Parameters
    ----------
    votes : LabelMatrix or VotePatterns
        The votes.
    voters : sequence of str, length m, optional
        Names; a label matrix brings its own, bare patterns are numbered.
    classes : sequence of str, length k, optional
        Class names for the polarity column; indices without.
    gold : ndarray of int16, shape (n,), optional
        Class indices, -1 where unknown. Patterns then have to map rows.
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
    """
    import polars as pl

    table = VotePatterns.from_votes(votes.votes) if isinstance(votes, LabelMatrix) else votes
    names = votes.voters if isinstance(votes, LabelMatrix) else voters or [str(j) for j in range(table.m)]
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


def vote_rates(table: VotePatterns) -> tuple[Array, Array, Array]:
    """Coverage, overlaps and conflicts of each voter as shares of all rows, each of shape (m,).

    Always ``coverage >= overlaps >= conflicts``.
    """
    voted = table.patterns != ABSTAIN
    several = voted.sum(axis=1) > 1
    disagreeing = divided(table.patterns)  # whoever votes on such a row disagrees with somebody
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
