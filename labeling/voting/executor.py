"""Applying voters to the chunks of a corpus: what an executor is, and the one of this process."""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from ...data.errors import VoterError
from ...data.types.corpus import Corpus
from ...data.types.label_space import ABSTAIN
from ...data.types.stored_corpus import StoredCorpus
from ...data.types.votes import Votes
from ...models.loading.device import Compute, choose_compute
from .configured import NamedVoter
from .registry import Scorer


@dataclass(frozen=True, eq=False)
class ChunkOutput:
    """The output of a voter on one chunk.

    Parameters
    ----------
    output : Votes, or ndarray of float32, shape (n, k)
        Votes; or scores, if the voter decides on those of all rows together (`Scorer`). Rows whose text has no
        content are abstained from, or have NaN for scores, whatever the voter returns.
    seconds : float
        How long it took.
    compute : Compute, optional
        What its model ran on.
    """

    output: Votes | npt.NDArray[np.float32]
    seconds: float
    compute: Compute | None = None


class Executor(Protocol):
    """Applies voters to chunks of a corpus; their output does not depend on the executor."""

    def answers(
        self, voters: Sequence[NamedVoter], corpus: StoredCorpus, chunks: Sequence[int], *, k: int
    ) -> Generator[list[ChunkOutput], None, None]:
        """Yield, chunk by chunk in the order given, one answer per voter.

        Parameters
        ----------
        voters : sequence of NamedVoter
            Rules, which share what is derived from a chunk; or a single voter with a model or the user's code.
        corpus : StoredCorpus
        chunks : sequence of int
            Numbers of chunks of the corpus.
        k : int
            Number of classes.
        """
        ...


class LocalExecutor:
    """Works in this process, one chunk at a time."""

    def answers(
        self, voters: Sequence[NamedVoter], corpus: StoredCorpus, chunks: Sequence[int], *, k: int
    ) -> Generator[list[ChunkOutput], None, None]:
        """Yield one answer per voter, chunk by chunk; raises what the voters raise."""
        for number in chunks:
            chunk = corpus.chunk(number)
            yield [answer(named, chunk, k) for named in voters]


def answer(named: NamedVoter, chunk: Corpus, k: int) -> ChunkOutput:
    """Let a voter vote on, or score, a chunk.

    Raises
    ------
    VoterError
        If it does not answer for every row, or for a class that does not exist.
    LabelerError
        From the voter.
    """
    started = time.perf_counter()
    output = _checked(named, chunk, k)
    compute = choose_compute() if named.model else None
    return ChunkOutput(output, time.perf_counter() - started, compute)


def _checked(named: NamedVoter, chunk: Corpus, k: int) -> Votes | npt.NDArray[np.float32]:
    empty = ~chunk.unique.has_content[chunk.unique.inverse]
    if isinstance(named.voter, Scorer):
        scores = np.asarray(named.voter.scores(chunk), np.float32)
        if scores.shape != (len(chunk), k):
            raise VoterError(f"Voter '{named.name}' returned scores of shape {scores.shape} for {len(chunk)} rows.")
        return np.where(empty[:, np.newaxis], np.float32(np.nan), scores)
    votes = named.voter.vote(chunk)
    if len(votes) != len(chunk) or (len(votes) and votes.labels.max() >= k):
        raise VoterError(
            f"Voter '{named.name}' returned {len(votes)} votes for {len(chunk)} rows, or a class that does not exist.",
            hint="A voter returns one vote per row, in [-1, k).",
        )
    return Votes.from_scores(np.where(empty, ABSTAIN, votes.labels), votes.confidence) if empty.any() else votes
