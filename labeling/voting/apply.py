"""From voters to columns of votes; each voter is a step of its own that is cached in the run."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import ExitStack, closing
from itertools import accumulate

import numpy as np
import numpy.typing as npt

from ...data.progress import progress, status
from ...data.runs.directory import RunDirectory
from ...data.runs.manifest import StageDetails, stage_key
from ...data.runs.votes import VoteFile, empty_votes, load_votes
from ...data.settings_errors import raise_together
from ...data.types.label_space import LabelSpace
from ...data.types.stored_corpus import ChunkedCorpus
from ...data.types.votes import Votes
from ...models.loading.device import Compute
from ..user_code.reads import Reads, unchanged
from ..voters.shared.columns import missing_column
from .checkpoints import Shards
from .configured import NamedVoter
from .executor import Answer, Executor, LocalExecutor
from .registry import ScoringVoter

VoteColumn = npt.NDArray[np.signedinteger]


def apply_voters(
    voters: Sequence[NamedVoter],
    corpus: ChunkedCorpus,
    *,
    labels: LabelSpace,
    executor: Executor | None = None,
    run: RunDirectory | None = None,
    force: bool = False,
) -> dict[str, VoteColumn]:
    """Let every voter vote, taking unchanged votes from the run.

    Rules are led over the corpus together, so that they share what is found out about a chunk; voters with a model or
    with code of the user's alone, so that what they did is not lost with what another one does.

    Parameters
    ----------
    voters : sequence of NamedVoter
    corpus : ChunkedCorpus
    labels : LabelSpace
    executor : Executor, optional
        Who leads them; by default this process.
    run : RunDirectory, optional
        Where votes are kept, and while a pass is not finished its answers on each chunk; without it nothing is cached.
    force : bool
        Vote again even where nothing changed.

    Returns
    -------
    dict of str to ndarray of int, shape (n,)
        Class indices, -1 for abstentions, in the order of `voters`; optional voters whose column is missing are left
        out.

    Raises
    ------
    VoterError, ConfigError, ModelError
        From the voters.
    """
    lacking = [v for v in voters if not v.section.optional and not _has_column(v, corpus)]
    raise_together([missing_column(v.column, corpus.column_names) for v in lacking], "The input")
    columns: dict[str, VoteColumn] = {}
    waiting: list[NamedVoter] = []
    for named in voters:
        if named.section.optional and not _has_column(named, corpus):
            status(f"{named.name}: left out, the input has no column '{named.column}'")
            continue
        cached = None if force else _load(named, corpus, labels, run)
        if cached is None:
            waiting.append(named)
        else:
            status(f"{named.name}: unchanged, skipped")
            columns[named.name] = cached
    with progress("Voters", total=len(waiting)) as advance:
        for together in _passes(waiting):
            columns |= _vote(together, corpus, labels, executor or LocalExecutor(), run, force)
            advance(len(together))
    return {named.name: columns[named.name] for named in voters if named.name in columns}


def _load(named: NamedVoter, corpus: ChunkedCorpus, labels: LabelSpace, run: RunDirectory | None) -> VoteColumn | None:
    if run is None or (named.code and named.code.doubts):
        return None
    return load_votes(
        run,
        named.name,
        named.key(corpus),
        rows=len(corpus),
        ids_digest=corpus.ids_digest,
        label_space=labels,
        unchanged=unchanged,
    )


def _passes(voters: Iterable[NamedVoter]) -> list[list[NamedVoter]]:
    """Part voters into groups that are led over the corpus together."""
    together: list[NamedVoter] = []
    alone: list[list[NamedVoter]] = []
    for named in voters:
        if named.model is None and named.code is None:
            together.append(named)
        else:
            alone.append([named])
    return [together, *alone] if together else alone


def _vote(
    voters: Sequence[NamedVoter],
    corpus: ChunkedCorpus,
    labels: LabelSpace,
    executor: Executor,
    run: RunDirectory | None,
    force: bool,
) -> dict[str, VoteColumn]:
    """Lead voters over the corpus together."""
    shards = None
    if run and len(corpus.sizes) > 1:
        shards = Shards(run.shards / stage_key(voters=[v.key(corpus) for v in voters], ids=corpus.ids_digest))
        if force or any(v.code and v.code.doubts for v in voters):
            shards.remove()
    with ExitStack() as stack:
        files = [stack.enter_context(VoteFile(run, named.name, labels)) if run else None for named in voters]
        ballots = [_Ballot(named, corpus, labels, file) for named, file in zip(voters, files, strict=True)]
        found = stack.enter_context(closing(_answers(voters, corpus, executor, shards, labels.k)))
        for chunk, answers in enumerate(found):
            for ballot, answer in zip(ballots, answers, strict=True):
                ballot.add(chunk, answer)
        for ballot in ballots:
            ballot.finish(run)
            status(f"{ballot.named.name}: voted in {ballot.seconds:.1f} s{ballot.warning}")
    if shards:
        shards.remove()
    return {ballot.named.name: ballot.column for ballot in ballots}


def _answers(
    voters: Sequence[NamedVoter], corpus: ChunkedCorpus, executor: Executor, shards: Shards | None, k: int
) -> Generator[list[Answer], None, None]:
    """Yield the answers on every chunk, and ask only about those that an earlier run did not get to."""
    numbers = range(len(corpus.sizes))
    known = {number for number in numbers if shards and shards.has(number)}
    missing = [number for number in numbers if number not in known]
    with closing(executor.answers(voters, corpus, missing, k=k)) as asked:
        for number in numbers:
            if shards and number in known:
                yield shards.load(number)
                continue
            answers = next(asked)
            if shards and not any(answer.reads.files or answer.reads.unknown for answer in answers):
                shards.save(number, answers)  # later it could not be told what they depend on
            yield answers


class _Ballot:
    """The votes of one voter as they come in."""

    def __init__(self, named: NamedVoter, corpus: ChunkedCorpus, labels: LabelSpace, file: VoteFile | None) -> None:
        self.named = named
        self.column = empty_votes(len(corpus), labels)
        self.seconds = 0.0
        self._corpus = corpus
        self._starts = list(accumulate(corpus.sizes, initial=0))
        self._file = file
        self._scores = np.empty((len(corpus) if isinstance(named.voter, ScoringVoter) else 0, labels.k), np.float32)
        self._computes: set[Compute] = set()
        self._reads = Reads()

    def add(self, chunk: int, answer: Answer) -> None:
        """Take in the answer on a chunk."""
        self.seconds += answer.seconds
        if answer.compute:
            self._computes.add(answer.compute)
        self._reads.files |= answer.reads.files
        self._reads.unknown |= answer.reads.unknown
        if isinstance(answer.said, Votes):
            self._write(chunk, answer.said)
        else:
            self._scores[self._rows(chunk)] = answer.said

    def finish(self, run: RunDirectory | None) -> None:
        """Decide, where that takes the scores of all rows, and put the votes on record."""
        if isinstance(self.named.voter, ScoringVoter):
            started = time.perf_counter()
            votes = _decided(self.named.voter, self._scores)
            self.seconds += time.perf_counter() - started
            for chunk in range(len(self._corpus.sizes)):
                self._write(chunk, votes.part(self._rows(chunk)))
        if run and self._file:
            key = self.named.key(self._corpus)
            known = "" if self._reads.unknown else key  # no key finds votes that depend on something unknown
            self._file.finish(known, ids_digest=self._corpus.ids_digest, files=self._reads.files)
            details = _details(self.named, self.column, self.seconds, self._computes, self._reads.files)
            run.record_stage(f"votes/{self.named.name}", key, outputs=(run.votes(self.named.name),), details=details)

    @property
    def warning(self) -> str:
        """Why the votes cannot be used again, to be added to a message."""
        why = ", ".join(sorted(self._reads.unknown))
        return f" (not cached: {why})" if why else ""

    def _write(self, chunk: int, votes: Votes) -> None:
        self.column[self._rows(chunk)] = votes.labels
        if self._file:
            self._file.add(self._corpus.chunk_ids(chunk), votes)

    def _rows(self, chunk: int) -> slice:
        return slice(self._starts[chunk], self._starts[chunk + 1])


def _decided(voter: ScoringVoter, scores: npt.NDArray[np.float32]) -> Votes:
    """Let a voter decide on the rows that have scores, and abstain on the others."""
    known = np.flatnonzero(~np.isnan(scores[:, 0]))
    return voter.decide(scores[known]).scatter(known, len(scores))


def _details(
    named: NamedVoter, votes: VoteColumn, seconds: float, computes: Iterable[Compute], files: Mapping[str, str]
) -> StageDetails:
    model = named.model
    return StageDetails(
        inputs=files,
        settings=named.section.model_dump(mode="json"),
        model=f"{model.name}@{model.digest}" if model else None,
        device=", ".join(sorted({compute.device for compute in computes})) or None,
        dtype=", ".join(sorted({compute.dtype for compute in computes})) or None,
        rows={"voted": int((votes >= 0).sum()), "rows": len(votes)},
        seconds=round(seconds, 3),
    )


def _has_column(named: NamedVoter, corpus: ChunkedCorpus) -> bool:
    return not named.column or named.column in corpus.column_names
