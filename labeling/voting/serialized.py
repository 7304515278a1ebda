"""Voters as they travel to another machine, which need not have the user's files, nor the models at the same place."""

from __future__ import annotations

import dataclasses
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from ...data.errors import ConfigError, ModelError
from ...data.version import __version__
from ...models.loading.resolve import ModelRef, resolve_model
from ..user_code.loading import receive_code
from .configured import NamedVoter


@dataclass(frozen=True)
class SerializedVoters:
    """Voters and what they need.

    Parameters
    ----------
    voters : tuple of NamedVoter
    k : int
        Number of classes.
    code : mapping of Path to (mapping of str to bytes, str)
        The user's Python files: sources of each file and of the modules beside it (`UserCode.sources`), and its digest.
    version : str
        Of the labeler that sent it.
    """

    voters: tuple[NamedVoter, ...]
    k: int
    code: Mapping[Path, tuple[Mapping[str, bytes], str]]
    version: str = __version__

    @classmethod
    def of(cls, voters: Sequence[NamedVoter], k: int) -> SerializedVoters:
        """Add the sources of the user's code to voters."""
        own = {cast(Any, named.voter).path: named.code for named in voters if named.code}
        return cls(tuple(voters), k, {path: (code.sources, code.digest) for path, code in own.items()})

    def restore(self) -> list[NamedVoter]:
        """Return the voters with code and models of this machine.

        Raises
        ------
        ConfigError
            If they are from another version of labeler, or the user's code reads something else here.
        ModelError
            If this machine has no such model, or another one of that name.
        """
        if self.version != __version__:
            raise ConfigError(
                f"labeler {self.version} cannot vote with {__version__} of {socket.gethostname()}.",
                hint="Install the same version everywhere.",
            )
        for path, (sources, digest) in self.code.items():
            receive_code(path, sources, digest)
        return [_with_models(named) for named in self.voters]


def _with_models(named: NamedVoter) -> NamedVoter:
    here = {name: _found(model) for name, model in named.models.items()}
    return dataclasses.replace(named, voter=dataclasses.replace(cast(Any, named.voter), **here)) if here else named


def _found(model: ModelRef) -> ModelRef:
    name = str(model.path) if model.source == "folder" else model.name
    found = resolve_model(name, revision=model.digest if model.source == "hub" else None)
    if found.digest != model.digest:
        raise ModelError(
            f"The model '{model.name}' of {socket.gethostname()} is another one than that of the machine that asks.",
            hint="Put the same files there.",
        )
    return found
