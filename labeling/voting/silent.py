"""Voters that did not vote at all, with the reason where it can be told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from ...data.types.corpus import Corpus
from ...data.types.label_space import ABSTAIN
from ...data.types.stored_corpus import ChunkedCorpus
from ..label_models.patterns import VotePatterns
from .configured import NamedVoter


@runtime_checkable
class Explaining(Protocol):
    """A voter that knows why it may not vote on any of the rows it is given."""

    def why_silent(self, corpus: Corpus) -> str:
        """Return the reason, to follow a colon."""
        ...


def silent_notes(voters: Sequence[NamedVoter], table: VotePatterns, corpus: ChunkedCorpus) -> list[str]:
    """Name the voters, in the order of the table's columns, that voted on no row."""
    silent = [named for named, voted in zip(voters, (table.patterns != ABSTAIN).any(axis=0), strict=True) if not voted]
    notes = []
    for named in silent:
        if isinstance(named.voter, Explaining):
            notes.append(f"Voter '{named.name}' voted on no review: {named.voter.why_silent(corpus.chunk(0))}.")
    others = ", ".join(f"'{named.name}'" for named in silent if not isinstance(named.voter, Explaining))
    if others:
        notes.append(f"No review has a vote of {others}: check what it looks for.")
    return notes
