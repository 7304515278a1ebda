"""From ``[[voters]]`` sections to a label matrix; each voter is a step of its own that is cached in the run."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
import numpy.typing as npt

from .. import __version__
from ..data.corpus import Corpus
from ..data.errors import ConfigError, VoterError
from ..data.label_space import LabelSpace
from ..data.manifest import StageDetails, file_digest, stage_key
from ..data.run import RunDirectory
from ..data.stored_corpus import ChunkedCorpus
from ..data.vote_cache import VoteFile, empty_votes, load_votes
from ..data.votes import Votes
from ..models.resolve import ModelRef
from .registry import Dense, Voter, build_voter, voter_class
from .settings import VoterSection

Announce = Callable[[str], None]
VoteColumn = npt.NDArray[np.signedinteger]

MODEL_FIELDS = ("model", "encoder")
"""Fields of a voter that hold a model."""


@dataclass(frozen=True)
class NamedVoter:
    """A voter and the section it was made from."""

    name: str
    section: VoterSection
    voter: Voter

    @property
    def family(self) -> str:
        """What voters of one origin have in common: their model; for others their own name."""
        model = model_of(self.voter)
        return model.digest if model else self.name

    def key(self, corpus: ChunkedCorpus) -> str:
        """Digest of everything the votes depend on."""
        return stage_key(
            version=__version__,
            kind=self.section.kind,
            options=_fingerprint(self.voter),
            texts=corpus.digest,
            columns=_column_digest(self.voter, corpus),
        )


def model_fields(kind: str) -> list[str]:
    """Return the fields of a voter kind that hold a model."""
    hints = get_type_hints(voter_class(kind))
    return [name for name in MODEL_FIELDS if hints.get(name) is ModelRef]


def model_of(voter: Voter) -> ModelRef | None:
    """Return the model a voter uses, if any."""
    return next((value for name in MODEL_FIELDS if isinstance(value := getattr(voter, name, None), ModelRef)), None)


def build_voters(
    sections: Iterable[VoterSection],
    resources: Mapping[str, Any],
    models: Callable[[str, str | None], ModelRef],
) -> list[NamedVoter]:
    """Make the voters of a configuration.

    Parameters
    ----------
    sections : iterable of VoterSection
    resources : mapping
        What voters take from the task and the run, by field name.
    models : callable
        Finds the model for a field and the name its section gives, if any; called only for voters with such a field.

    Raises
    ------
    ConfigError
        If a kind or option is wrong.
    ModelError
        If a model cannot be found.
    """
    voters = []
    for section in sections:
        fields = model_fields(section.kind)
        found = {name: models(name, _model_name(section, name)) for name in fields}
        options = {name: value for name, value in section.options.items() if name not in fields}
        voter = build_voter(section.name, section.kind, options, {**resources, **found})
        voters.append(NamedVoter(section.name, section, voter))
    return voters


def _model_name(section: VoterSection, field: str) -> str | None:
    written = section.options.get(field)
    if written is not None and (not isinstance(written, str) or not written):
        raise ConfigError(
            f"Voter '{section.name}': {field} = {written!r} is not the name of a model.",
            hint='Write "embedded", "auto", a folder or a hub name.',
        )
    return written


def apply_voters(
    voters: Sequence[NamedVoter],
    corpus: ChunkedCorpus,
    *,
    labels: LabelSpace,
    run: RunDirectory | None = None,
    force: bool = False,
    announce: Announce = lambda message: None,
) -> dict[str, VoteColumn]:
    """Let every voter vote, taking unchanged votes from the run.

    Rules are led over the corpus together, so that they share what is found out about a chunk; voters with a model or
    with code of the user's alone, so that what they did is not lost with what another one does.

    Parameters
    ----------
    voters : sequence of NamedVoter
    corpus : ChunkedCorpus
    labels : LabelSpace
    run : RunDirectory, optional
        Where votes are kept; without it nothing is cached.
    force : bool
        Vote again even where nothing changed.
    announce : callable
        Hears one line per voter.

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
    columns: dict[str, VoteColumn] = {}
    waiting: list[NamedVoter] = []
    for named in voters:
        if named.section.optional and not _has_column(named.voter, corpus):
            announce(f"{named.name}: left out, the input has no column '{getattr(named.voter, 'column', '')}'")
            continue
        cached = None if force else _load(named, corpus, labels, run)
        if cached is None:
            waiting.append(named)
        else:
            announce(f"{named.name}: unchanged, skipped")
            columns[named.name] = cached
    for together in _passes(waiting):
        columns |= _vote(together, corpus, labels, run, announce)
    return {named.name: columns[named.name] for named in voters if named.name in columns}


def _load(named: NamedVoter, corpus: ChunkedCorpus, labels: LabelSpace, run: RunDirectory | None) -> VoteColumn | None:
    if run is None:
        return None
    key = named.key(corpus)
    return load_votes(run, named.name, key, rows=len(corpus), ids_digest=corpus.ids_digest, label_space=labels)


def _passes(voters: Iterable[NamedVoter]) -> list[list[NamedVoter]]:
    """Part voters into groups that are led over the corpus together."""
    together: list[NamedVoter] = []
    alone: list[list[NamedVoter]] = []
    for named in voters:
        if model_of(named.voter) is None and not _is_user_code(named.voter):
            together.append(named)
        else:
            alone.append([named])
    return [together, *alone] if together else alone


def _vote(
    voters: Sequence[NamedVoter],
    corpus: ChunkedCorpus,
    labels: LabelSpace,
    run: RunDirectory | None,
    announce: Announce,
) -> dict[str, VoteColumn]:
    columns = {named.name: empty_votes(len(corpus), labels) for named in voters}
    seconds = dict.fromkeys(columns, 0.0)
    decided: dict[str, Votes] = {}
    for named in voters:
        if isinstance(named.voter, Dense):
            started = time.perf_counter()
            decided[named.name] = _decide(named.voter, corpus, labels)
            seconds[named.name] = time.perf_counter() - started
    with ExitStack() as stack:
        files = {name: stack.enter_context(VoteFile(run, name, labels)) for name in columns} if run else {}
        first = 0
        for chunk in corpus.chunks():
            for named in voters:
                started = time.perf_counter()
                rows = slice(first, first + len(chunk))
                votes = decided[named.name].part(rows) if named.name in decided else _checked(named, chunk, labels)
                columns[named.name][rows] = votes.labels
                if run:
                    files[named.name].add(chunk.ids, votes)
                seconds[named.name] += time.perf_counter() - started
            first += len(chunk)
        for named in voters:
            if run:
                key = named.key(corpus)
                files[named.name].finish(key, ids_digest=corpus.ids_digest)
                details = _details(named, columns[named.name], seconds[named.name])
                run.record_stage(f"votes/{named.name}", key, outputs=(run.votes(named.name),), details=details)
            announce(f"{named.name}: voted in {seconds[named.name]:.1f} s")
    return columns


def _decide(voter: Dense, corpus: ChunkedCorpus, labels: LabelSpace) -> Votes:
    """Score chunk after chunk, then decide on all rows together."""
    scores = np.empty((len(corpus), labels.k), np.float32)
    first = 0
    for chunk in corpus.chunks():
        scores[first : first + len(chunk)] = voter.scores(chunk)
        first += len(chunk)
    return voter.decide(scores)


def _checked(named: NamedVoter, chunk: Corpus, labels: LabelSpace) -> Votes:
    votes = named.voter.vote(chunk)
    if len(votes) != len(chunk) or (len(votes) and votes.labels.max() >= labels.k):
        raise VoterError(
            f"Voter '{named.name}' returned {len(votes)} votes for {len(chunk)} rows, or a class that does not exist.",
            hint="A voter returns one vote per row, in [-1, k).",
        )
    return votes


def _details(named: NamedVoter, votes: VoteColumn, seconds: float) -> StageDetails:
    model = model_of(named.voter)
    device = dtype = None
    if model:
        from ..models.device import choose_compute

        compute = choose_compute()
        device, dtype = compute.device, compute.dtype
    return StageDetails(
        settings=named.section.model_dump(mode="json"),
        model=f"{model.name}@{model.digest}" if model else None,
        device=device,
        dtype=dtype,
        rows={"voted": int((votes >= 0).sum()), "rows": len(votes)},
        seconds=round(seconds, 3),
    )


def _has_column(voter: Voter, corpus: ChunkedCorpus) -> bool:
    column = getattr(voter, "column", None)
    return column is None or column in corpus.column_names


def _is_user_code(voter: Voter) -> bool:
    return hasattr(voter, "path")


def _column_digest(voter: Voter, corpus: ChunkedCorpus) -> str:
    """Digest of the input's columns a voter may read: its own, or all for user code."""
    wanted = getattr(voter, "column", None)
    names = (wanted,) if wanted in corpus.column_names else corpus.column_names if _is_user_code(voter) else ()
    return stage_key(**{name: corpus.column_digest(name) for name in names})


def _fingerprint(value: Any) -> Any:
    """Reduce a voter's options to JSON: models to their digest, files to their content."""
    if isinstance(value, ModelRef):
        return value.digest
    if isinstance(value, Path):
        return file_digest(value).digest if value.exists() else str(value)
    if dataclasses.is_dataclass(value):
        return {f.name: _fingerprint(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return [[str(key), _fingerprint(item)] for key, item in value.items()]
    if isinstance(value, list | tuple):
        return [_fingerprint(item) for item in value]
    return value if value is None or isinstance(value, bool | int | float) else str(value)
