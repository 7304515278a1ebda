"""Notes for the user on the voters, once their votes are combined."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from ..data.types.corpus import Corpus
from ..data.types.label_space import ABSTAIN
from ..data.types.stored_corpus import StoredCorpus
from .label_models.patterns import VotePatterns
from .voting.configured import NamedVoter

_MIN_VOTES = 10  # below which losing every time may be chance


@runtime_checkable
class Explaining(Protocol):
    """A voter that knows why it may not vote on any of the rows it is given."""

    def why_silent(self, corpus: Corpus) -> str:
        """Return the reason, to follow a colon."""
        ...


def silent_notes(voters: Sequence[NamedVoter], table: VotePatterns, corpus: StoredCorpus) -> list[str]:
    """Return notes on the voters, in the order of the table's columns, that voted on no row."""
    silent = [named for named, voted in zip(voters, (table.patterns != ABSTAIN).any(axis=0), strict=True) if not voted]
    notes = []
    for named in silent:
        if isinstance(named.voter, Explaining):
            notes.append(f"Voter '{named.name}' voted on no review: {named.voter.why_silent(corpus.chunk(0))}.")
    others = ", ".join(f"'{named.name}'" for named in silent if not isinstance(named.voter, Explaining))
    if others:
        notes.append(f"No review has a vote of {others}: check what it looks for.")
    return notes


def voter_notes(
    table: VotePatterns, hard: npt.NDArray[np.int16], accuracy: npt.NDArray[np.float64] | None, voters: Sequence[str]
) -> list[str]:
    """Return notes on voters whose reliability nothing shows, and on those that never decide a label.

    Parameters
    ----------
    table : VotePatterns
        The votes.
    hard : ndarray of int16, shape (p,)
        Class index of each pattern, -1 without a label.
    accuracy : ndarray of float64, shape (m,), optional
        `voter_accuracy_` of a label model: NaN where agreement does not show it. None with gold rows, which do.
    voters : sequence of str, length m
        Their names.
    """
    voted = table.patterns != ABSTAIN
    votes = table.counts @ voted
    won = table.counts @ (voted & (table.patterns == hard[:, np.newaxis]))
    notes = []
    unproven = np.zeros(len(voters), np.bool_) if accuracy is None else np.isnan(accuracy) & (votes > 0)
    if unknown := [name for name, one in zip(voters, unproven, strict=True) if one]:
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
