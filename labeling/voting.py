"""From ``[[voters]]`` sections to a label matrix; each voter is a step of its own that is cached in the run."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_type_hints

import polars as pl

from .. import __version__
from ..data.corpus import Corpus
from ..data.errors import ConfigError, VoterError
from ..data.label_space import LabelSpace
from ..data.manifest import StageDetails, file_digest, stage_key
from ..data.run import RunDirectory
from ..data.vote_cache import load_votes, save_votes
from ..data.votes import Votes
from ..models.resolve import ModelRef
from .registry import Voter, build_voter, voter_class
from .settings import VoterSection

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

    def key(self, corpus: Corpus) -> str:
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
    corpus: Corpus,
    *,
    labels: LabelSpace,
    run: RunDirectory | None = None,
    force: bool = False,
    announce: Callable[[str], None] = lambda message: None,
) -> dict[str, Votes]:
    """Let every voter vote, taking unchanged votes from the run.

    Parameters
    ----------
    voters : sequence of NamedVoter
    corpus : Corpus
    labels : LabelSpace
    run : RunDirectory, optional
        Where votes are kept; without it nothing is cached.
    force : bool
        Vote again even where nothing changed.
    announce : callable
        Hears one line per voter.

    Returns
    -------
    dict of str to Votes
        In the order of `voters`; optional voters whose column is missing are left out.

    Raises
    ------
    VoterError, ConfigError, ModelError
        From the voters.
    """
    columns: dict[str, Votes] = {}
    for named in voters:
        if named.section.optional and not _has_column(named.voter, corpus):
            announce(f"{named.name}: left out, the input has no column '{getattr(named.voter, 'column', '')}'")
            continue
        columns[named.name] = _vote(named, corpus, labels, run, force, announce)
    return columns


def _vote(
    named: NamedVoter,
    corpus: Corpus,
    labels: LabelSpace,
    run: RunDirectory | None,
    force: bool,
    announce: Callable[[str], None],
) -> Votes:
    key = named.key(corpus) if run else ""
    cached = load_votes(run, named.name, key, ids=corpus.ids, label_space=labels) if run and not force else None
    if cached is not None:
        announce(f"{named.name}: unchanged, skipped")
        return cached
    started = time.perf_counter()
    votes = named.voter.vote(corpus)
    if len(votes) != len(corpus) or (len(votes) and votes.labels.max() >= labels.k):
        raise VoterError(
            f"Voter '{named.name}' returned {len(votes)} votes for {len(corpus)} rows, or a class that does not exist.",
            hint="A voter returns one vote per row, in [-1, k).",
        )
    seconds = time.perf_counter() - started
    if run:
        save_votes(run, named.name, key, ids=corpus.ids, votes=votes, label_space=labels)
        run.record_stage(
            f"votes/{named.name}", key, outputs=(run.votes(named.name),), details=_details(named, votes, seconds)
        )
    announce(f"{named.name}: voted in {seconds:.1f} s")
    return votes


def _details(named: NamedVoter, votes: Votes, seconds: float) -> StageDetails:
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
        rows={"voted": int((votes.labels >= 0).sum()), "rows": len(votes)},
        seconds=round(seconds, 3),
    )


def _has_column(voter: Voter, corpus: Corpus) -> bool:
    column = getattr(voter, "column", None)
    return column is None or (corpus.columns is not None and column in corpus.columns.columns)


def _column_digest(voter: Voter, corpus: Corpus) -> str:
    """Digest of the input's columns a voter may read: its own, or all for user code."""
    columns = pl.DataFrame() if corpus.columns is None else corpus.columns
    wanted = getattr(voter, "column", None)
    names = [wanted] if wanted in columns.columns else columns.columns if hasattr(voter, "path") else []
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
