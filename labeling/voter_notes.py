"""What a user should be told of the voters once their votes are combined."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ..data.types.label_space import ABSTAIN
from .label_models.patterns import VotePatterns

_MIN_VOTES = 10  # below which losing every time may be chance


def voter_notes(
    table: VotePatterns,
    hard: npt.NDArray[np.int16],
    accuracy: npt.NDArray[np.float64],
    *,
    voters: Sequence[str],
    has_gold: bool,
) -> list[str]:
    """Return notes on voters whose reliability nothing shows, and on those that never decide a label.

    Parameters
    ----------
    table : VotePatterns
        The votes.
    hard : ndarray of int16, shape (p,)
        Class index of each pattern, -1 without a label.
    accuracy : ndarray of float64, shape (m,)
        `voter_accuracy_` of a label model: NaN where agreement does not show it.
    voters : sequence of str, length m
        Their names.
    has_gold : bool
        Whether there are gold rows, which show it.
    """
    voted = table.patterns != ABSTAIN
    votes = table.counts @ voted
    won = table.counts @ (voted & (table.patterns == hard[:, np.newaxis]))
    unknown = [name for name, n, known in zip(voters, votes, ~np.isnan(accuracy), strict=True) if n and not known]
    notes = []
    if unknown and not has_gold:
        notes.append(
            f"Nothing shows how often {_some(unknown)} {'is' if len(unknown) == 1 else 'are'} right: too few reviews "
            "also have votes by other, independent voters for the same classes. Add such voters, or hand labels "
            "(--gold)."
        )
    losers = [name for name, n, wins in zip(voters, votes, won, strict=True) if n >= _MIN_VOTES and not wins]
    if losers:
        notes.append(
            f"No vote of {_some(losers)} decided a label: other voters always outvote or tie with "
            f"{'it' if len(losers) == 1 else 'them'}. Where one of these votes for a default class, leave it out and "
            "set catch_all = true on that class."
        )
    return notes


def unshown_note(classes: Sequence[str], catch_all: str) -> str:
    """Return a note that no rule votes for some classes, and what would show their share."""
    advice = "" if catch_all else " A class for everything else may be set to catch_all = true."
    frequent = "it is" if len(classes) == 1 else "they are"
    return (
        f"No rule votes for {_some(classes)}, so nothing shows how frequent {frequent}; "
        f"the class balance shows the share of the labels. Hand labels or class_balance would tell.{advice}"
    )


def _some(names: Sequence[str], most: int = 5) -> str:
    """Join names for a sentence, no more than can be read."""
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} others"
