"""Voters with the ``[[voters]]`` sections they are made from, and the keys their votes are found again by."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from ...data.digests import file_digest
from ...data.errors import ConfigError
from ...data.runs.manifest import stage_key
from ...data.types.stored_corpus import StoredCorpus
from ...data.version import __version__
from ...models.loading.resolve import ModelRef
from ..settings import VoterSection
from ..user_code.loading import UserCode
from .registry import Voter, build_voter, declarations, model_fields


@dataclass(frozen=True)
class NamedVoter:
    """A voter and the section it was made from."""

    name: str
    section: VoterSection
    voter: Voter

    @property
    def models(self) -> dict[str, ModelRef]:
        """The models it uses, by field."""
        values = {f.name: getattr(self.voter, f.name) for f in dataclasses.fields(cast(Any, self.voter))}
        return {name: value for name, value in values.items() if isinstance(value, ModelRef)}

    @property
    def model(self) -> ModelRef | None:
        """The first model it uses, if any."""
        return next(iter(self.models.values()), None)

    @property
    def family(self) -> str:
        """What voters of one origin have in common: their model; for others their own name."""
        return self.model.digest if self.model else self.name

    @property
    def column(self) -> str:
        """The column of the input that it reads; empty if it reads none."""
        return declarations(self.voter).column

    @property
    def code(self) -> UserCode | None:
        """The user's code it runs, if any."""
        return cast(Any, self.voter).code if declarations(self.voter).runs_user_code else None

    @property
    def digest(self) -> str:
        """Digest of everything the votes depend on but the reviews."""
        code = self.code and self.code.digest
        return stage_key(version=__version__, kind=self.section.kind, code=code, options=_fingerprint(self.voter))

    def key(self, corpus: StoredCorpus) -> str:
        """Digest of everything the votes depend on."""
        columns = [name for name in corpus.column_names if self.code or name == self.column]
        return stage_key(
            voter=self.digest,
            texts=corpus.digest,
            columns=stage_key(**{name: corpus.column_digest(name) for name in columns}),
        )


def build_voters(
    sections: Iterable[VoterSection], resources: Mapping[str, Any], models: Callable[[str, str | None], ModelRef]
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
