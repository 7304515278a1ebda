"""Every error a user can cause, in one small tree.

::

    LabelerError
    ├── ConfigError     labeler.toml, a preset or a flag is invalid
    ├── InputError      a table of the user's cannot be read or used
    ├── ModelError      a model cannot be found, fetched or loaded
    ├── VoterError      a voter cannot vote on this corpus
    ├── LabelModelError the votes do not allow a label model to be fitted
    └── RunError        the run directory is in use, read-only, full or damaged

A message says what was found and what was expected; ``hint`` says what to do. The command line prints both and
exits 1; any other exception is a bug and keeps its traceback.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class LabelerError(Exception):
    """Base of all errors a user can cause.

    Parameters
    ----------
    message : str
        What was found and what was expected.
    hint : str
        What to do about it; may be empty.
    errors : iterable of LabelerError
        The single errors, where the message announces several.
    """

    def __init__(self, message: str, *, hint: str = "", errors: Iterable[LabelerError] = ()) -> None:
        super().__init__(message)
        self.hint = hint
        self.errors = tuple(errors)
        for note in (*(f"- {error} {error.hint}".rstrip() for error in self.errors), hint):
            if note:
                self.add_note(note)  # in a notebook a traceback is all that is seen


class ConfigError(LabelerError):
    """``labeler.toml``, a preset or a flag is invalid."""


class InputError(LabelerError):
    """A table of the user's cannot be read or used."""


class ModelError(LabelerError):
    """A model cannot be found, fetched or loaded."""


class VoterError(LabelerError):
    """A voter cannot vote on this corpus."""


class LabelModelError(LabelerError):
    """The votes do not allow a label model to be fitted."""


class RunError(LabelerError):
    """The run directory is in use, read-only, full or damaged."""


def nearest_hint(name: str, known: Iterable[str]) -> str:
    """Return the known name that is nearest to a wrong one, and a list of all of them.

    Parameters
    ----------
    name : str
        The unknown name.
    known : Iterable[str]
        The names that would have been accepted.

    Returns
    -------
    str
        For example ``"Did you mean 'keyword'? Known: emoji, keyword."``
    """
    names = sorted(known)
    nearest = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    guess = f"Did you mean '{nearest[0]}'? " if nearest else ""
    return f"{guess}Known: {', '.join(names)}."


def quoted(names: Iterable[str]) -> str:
    """List names in a message."""
    return ", ".join(f"'{name}'" for name in names)
