"""Voters by kind. The folder ``labeling/voters`` is the registry: a file's name is the kind it defines.

Third parties add kinds through entry points in the group ``labeler.voters``. Listing the kinds imports nothing.
"""

from __future__ import annotations

import dataclasses
import importlib
import importlib.metadata
import pkgutil
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any, Protocol, get_type_hints, runtime_checkable

import numpy as np
import numpy.typing as npt
from pydantic import ConfigDict, TypeAdapter, ValidationError

from ...data.errors import ConfigError, LabelerError, nearest_hint
from ...data.settings_errors import raise_together
from ...data.types.corpus import Corpus
from ...data.types.votes import Votes
from ...models.loading.resolve import ModelRef
from .. import voters as _voters

ENTRY_POINT_GROUP = "labeler.voters"

OFFERED = (
    *("keywords", "emoji", "prototypes", "hypotheses", "verbalizers", "descriptions", "cloze", "catch_all"),
    *("class_balance", "numeric_columns"),
)
"""What a task and a run offer to voters, by the name of a field."""
_SECTION_KEYS = ("name", "kind", "optional")  # keys of every [[voters]] section


class Voter(Protocol):
    """Votes on a chunk of the corpus, row by row. A frozen dataclass whose fields are its options.

    Its field ``labels`` and its fields of type `ModelRef` are filled in. A voter that must see all rows before it can
    vote has three more methods (`ScoringVoter`); it may have ``why_silent`` (`voter_notes.Explaining`). The class may
    declare what `Declarations` lists.
    """

    def vote(self, corpus: Corpus) -> Votes:
        """Return one vote per row, -1 where it abstains."""
        ...


@runtime_checkable
class Scorer(Protocol):
    """Scores chunks; an executor applies it as it does voters."""

    def scores(self, corpus: Corpus) -> npt.NDArray[np.float32]:
        """Return scores of shape (n, k) that depend on the row alone."""
        ...


@runtime_checkable
class ScoringVoter(Scorer, Protocol):
    """A voter that scores chunks and decides by a rule found in the scores of all rows, whatever their order."""

    def rule(self, scores: npt.NDArray[np.float32]) -> Mapping[str, Any]:
        """Return what JSON can hold of the scores of all rows, to decide on these and on other rows by."""
        ...

    def decide(self, scores: npt.NDArray[np.float32], rule: Mapping[str, Any]) -> Votes:
        """Return one vote per row of scores; it depends on the row and the rule alone."""
        ...


@dataclass(frozen=True)
class Declarations:
    """What the class of a voter declares, as class attributes; the defaults hold where it declares nothing.

    Parameters
    ----------
    needs : collection of str
        Its fields that are taken from the task and the run (`OFFERED`) unless its section sets them.
    column : str
        The column of the user's table that it reads, empty for none; usually one of its fields. A voter whose column
        is missing is left out if it is optional, and refused otherwise.
    runs_user_code : bool
        Whether it runs a Python file of the user's: its votes may depend on every column, and on the file
        of its field ``path``, loaded as its attribute ``code`` (a `UserCode`).
    on_demand : bool
        Whether it votes on hard rows only, after all others: a `cascade.apply.OnDemandVoter`.
    """

    needs: Collection[str] = OFFERED
    column: str = ""
    runs_user_code: bool = False
    on_demand: bool = False


def declarations(voter: Any) -> Declarations:
    """Return what a voter, or its class, declares."""
    found: dict[str, Any] = {f.name: getattr(voter, f.name, f.default) for f in dataclasses.fields(Declarations)}
    return Declarations(**found)


@cache
def voter_kinds() -> Mapping[str, str]:
    """Return every known kind and the module (or entry point) that defines it."""
    own = {m.name: f"{_voters.__name__}.{m.name}" for m in pkgutil.iter_modules(_voters.__path__) if not m.ispkg}
    others = {e.name: e.value for e in importlib.metadata.entry_points(group=ENTRY_POINT_GROUP)}
    return MappingProxyType(others | own)


def voter_class(kind: str) -> type[Any]:
    """Import and return the dataclass of a kind.

    Raises
    ------
    ConfigError
        If the kind is unknown; the hint names the nearest one.
    """
    kinds = voter_kinds()
    if kind not in kinds:
        raise ConfigError(f"There is no voter kind '{kind}'.", hint=nearest_hint(kind, kinds))
    module, _, attribute = kinds[kind].partition(":")
    name = attribute or "".join(part.title() for part in kind.split("_")) + "Voter"
    return getattr(importlib.import_module(module), name)  # type: ignore[no-any-return]


def voter_options(kind: str) -> dict[str, dataclasses.Field[Any]]:
    """Return the fields of a kind that its ``[[voters]]`` section may set."""
    return {f.name: f for f in dataclasses.fields(voter_class(kind)) if f.name != "labels"}


def model_fields(kind: str) -> list[str]:
    """Return the fields of a kind that hold a model."""
    hints = get_type_hints(voter_class(kind))
    return [f.name for f in dataclasses.fields(voter_class(kind)) if hints[f.name] is ModelRef]


def needs(kind: str) -> set[str]:
    """Return the options of a kind that are taken from the task and the run unless a section sets them."""
    return {*declarations(voter_class(kind)).needs, *model_fields(kind)} & set(voter_options(kind))


def is_on_demand(kind: str) -> bool:
    """Whether voters of a kind vote on hard rows only, after all others."""
    return declarations(voter_class(kind)).on_demand


def build_voter(name: str, kind: str, options: Mapping[str, Any], resources: Mapping[str, Any]) -> Voter:
    """Make a voter from its section, checking every option.

    Parameters
    ----------
    name, kind : str
    options : mapping
        The section's own keys.
    resources : mapping
        What the task and the run offer, by field name; a section's own keys win.

    Raises
    ------
    ConfigError
        If the kind or an option is unknown, an option has a wrong type, or a required one is missing.
    """
    cls, known, given = voter_class(kind), voter_options(kind), {"labels", *needs(kind)}
    unknown = sorted(set(options) - set(known))
    mistakes: list[LabelerError] = [
        ConfigError(f"Voter '{name}' ({kind}) has no option '{key}'.", hint=nearest_hint(key, (*known, *_SECTION_KEYS)))
        for key in unknown
    ]
    hints = get_type_hints(cls, include_extras=True)
    values = {name: value for name, value in resources.items() if name in given}
    for key in set(options) & set(known):
        try:
            values[key] = _checked(name, key, hints[key], options[key])
        except ConfigError as error:
            mistakes.append(error)
    mistakes += [
        ConfigError(f"Voter '{name}' ({kind}) needs '{f.name}'.", hint=f"See `labeler voters {kind}`.")
        for f in dataclasses.fields(cls)
        if f.name not in {*values, *options} and f.default is f.default_factory is dataclasses.MISSING
        if not unknown and not (mistakes and f.name in given)  # a typo explains what is missing
    ]
    raise_together(mistakes, f"Voter '{name}'")
    try:
        return cls(**values)  # type: ignore[no-any-return]
    except LabelerError as error:
        raise_together([_of_voter(name, each) for each in error.errors or (error,)], f"Voter '{name}'")
        raise


def _checked(name: str, key: str, hint: Any, value: Any) -> Any:
    try:
        return TypeAdapter(hint, config=ConfigDict(arbitrary_types_allowed=True)).validate_python(value)
    except ValidationError as error:
        message = error.errors()[0]["msg"]
        raise ConfigError(
            f"Voter '{name}': {key} = {value!r} is not valid: {message}.",
            hint="`labeler voters KIND` shows the options of a kind.",
        ) from error


def _of_voter(name: str, error: LabelerError) -> LabelerError:
    return type(error)(f"Voter '{name}': {error}", hint=error.hint)
