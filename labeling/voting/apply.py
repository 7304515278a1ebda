"""Applying the voters (labeling functions): each one's votes are a step of its own that is cached in the run."""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from contextlib import ExitStack, closing
from itertools import accumulate

import numpy as np
import numpy.typing as npt

from ...data.progress import progress, status
from ...data.runs.directory import RunDirectory
from ...data.runs.manifest import StageDetails, stage_key
from ...data.runs.votes import VoteFile, empty_votes, load_rule, load_votes
from ...data.settings_errors import raise_together
from ...data.types.label_space import LabelSpace
from ...data.types.stored_corpus import StoredCorpus
from ...data.types.votes import Votes
from ...models.loading.device import Compute
from ..voters.shared.columns import missing_column
from .checkpoints import Checkpoints
from .configured import NamedVoter
from .executor import ChunkOutput, Executor
from .registry import ScoringVoter

VoteColumn = npt.NDArray[np.signedinteger]


def apply_voters(
    voters: Sequence[NamedVoter],
    corpus: StoredCorpus,
    *,
    labels: LabelSpace,
    executor: Executor,
    run: RunDirectory,
    force: bool = False,
) -> dict[str, VoteColumn]:
    """Apply voters to a corpus, taking unchanged votes from the run.

    Rules are applied together, so that they share what is derived from a chunk; a voter with a model or the user's code
    is applied on its own, so that its votes are kept whatever the others do.

    Parameters
    ----------
    voters : sequence of NamedVoter
    corpus : StoredCorpus
    labels : LabelSpace
    executor : Executor
    run : RunDirectory
        Where votes are kept, and while a pass is not finished its answers on each chunk.
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
            columns |= _vote(together, corpus, labels, executor, run, force)
            advance(len(together))
    return {named.name: columns[named.name] for named in voters if named.name in columns}


def _load(named: NamedVoter, corpus: StoredCorpus, labels: LabelSpace, run: RunDirectory) -> VoteColumn | None:
    if _doubts(named):
        return None
    if isinstance(named.voter, ScoringVoter) and load_rule(run, named.name) is None:  # of an earlier version
        return None
    return load_votes(
        run, named.name, named.key(corpus), rows=len(corpus), ids_digest=corpus.ids_digest, label_space=labels
    )


def _passes(voters: Sequence[NamedVoter]) -> list[list[NamedVoter]]:
    """Group voters that are applied together."""
    alone = [[named] for named in voters if named.model or named.code]
    together = [named for named in voters if not (named.model or named.code)]
    return [together, *alone] if together else alone


def _vote(
    voters: Sequence[NamedVoter],
    corpus: StoredCorpus,
    labels: LabelSpace,
    executor: Executor,
    run: RunDirectory,
    force: bool,
) -> dict[str, VoteColumn]:
    """Apply voters together."""
    key = stage_key(voters=[v.key(corpus) for v in voters], ids=corpus.ids_digest)
    checkpoints = Checkpoints(run.vote_checkpoints / key)
    if force or any(map(_doubts, voters)):
        checkpoints.remove()
    with ExitStack() as stack:
        files = [stack.enter_context(VoteFile(run, named.name, labels)) for named in voters]
        buffers = [_VoteBuffer(named, corpus, labels, file) for named, file in zip(voters, files, strict=True)]
        found = stack.enter_context(closing(_answers(voters, corpus, executor, checkpoints, labels.k)))
        for chunk, answers in enumerate(found):
            for buffer, answer in zip(buffers, answers, strict=True):
                buffer.add(chunk, answer)
        for buffer in buffers:
            buffer.finish(run)
    checkpoints.remove()
    return {buffer.named.name: buffer.column for buffer in buffers}


def _answers(
    voters: Sequence[NamedVoter], corpus: StoredCorpus, executor: Executor, checkpoints: Checkpoints, k: int
) -> Generator[list[ChunkOutput], None, None]:
    """Yield the answers on every chunk, computing only those that an earlier run did not get to."""
    numbers = range(len(corpus.sizes))
    known = {number for number in numbers if checkpoints.has(number)}
    with closing(executor.answers(voters, corpus, [n for n in numbers if n not in known], k=k)) as computed:
        for number in numbers:
            if number in known:
                yield checkpoints.load(number)
                continue
            answers = next(computed)
            if len(numbers) > 1 and not any(map(_doubts, voters)):
                checkpoints.save(number, answers)
            yield answers


class _VoteBuffer:
    """The votes of one voter, chunk by chunk."""

    def __init__(self, named: NamedVoter, corpus: StoredCorpus, labels: LabelSpace, file: VoteFile) -> None:
        self.named = named
        self.column = empty_votes(len(corpus), labels)
        self.seconds = 0.0
        self._corpus = corpus
        self._starts = list(accumulate(corpus.sizes, initial=0))
        self._file = file
        self._scores = np.empty((len(corpus) if isinstance(named.voter, ScoringVoter) else 0, labels.k), np.float32)
        self._computes: set[Compute] = set()

    def add(self, chunk: int, answer: ChunkOutput) -> None:
        """Add the answer on a chunk."""
        self.seconds += answer.seconds
        if answer.compute:
            self._computes.add(answer.compute)
        if isinstance(answer.output, Votes):
            self._write(chunk, answer.output)
        else:
            self._scores[self._rows(chunk)] = answer.output

    def finish(self, run: RunDirectory) -> None:
        """Decide, where that takes the scores of all rows, and record the votes."""
        rule = None
        if isinstance(self.named.voter, ScoringVoter):
            started = time.perf_counter()
            known = np.flatnonzero(~np.isnan(self._scores[:, 0]))  # rows without content have no scores
            rule = self.named.voter.rule(self._scores[known])
            votes = self.named.voter.decide(self._scores[known], rule).scatter(known, len(self._scores))
            self.seconds += time.perf_counter() - started
            for chunk in range(len(self._corpus.sizes)):
                self._write(chunk, votes.take(self._rows(chunk)))
        key = self.named.key(self._corpus)
        self._file.finish(key, ids_digest=self._corpus.ids_digest, rule=rule)
        outputs = (run.votes(self.named.name),)
        run.record_stage(f"votes/{self.named.name}", key, outputs=outputs, details=self._details())
        why = ", ".join(_doubts(self.named))
        status(f"{self.named.name}: voted in {self.seconds:.1f} s" + (f" (not cached: {why})" if why else ""))

    def _details(self) -> StageDetails:
        model, votes = self.named.model, self.column
        return StageDetails(
            settings=self.named.section.model_dump(mode="json"),
            model=f"{model.name}@{model.digest}" if model else None,
            device=", ".join(sorted({compute.device for compute in self._computes})) or None,
            dtype=", ".join(sorted({compute.dtype for compute in self._computes})) or None,
            rows={"voted": int((votes >= 0).sum()), "rows": len(votes)},
            seconds=round(self.seconds, 3),
        )

    def _write(self, chunk: int, votes: Votes) -> None:
        self.column[self._rows(chunk)] = votes.labels
        self._file.add(self._corpus.chunk_ids(chunk), votes)

    def _rows(self, chunk: int) -> slice:
        return slice(self._starts[chunk], self._starts[chunk + 1])


def _doubts(named: NamedVoter) -> Sequence[str]:
    """Why votes may change although nothing that is known of the voter does: such votes are not used again."""
    return named.code.doubts if named.code else ()


def _has_column(named: NamedVoter, corpus: StoredCorpus) -> bool:
    return not named.column or named.column in corpus.column_names
