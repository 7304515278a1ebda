"""Let a user's own labeling function vote, Snorkel's ``@labeling_function`` included."""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.abc import SourceLoader
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import polars as pl

from ...data.corpus import Corpus
from ...data.errors import ConfigError, VoterError, nearest_hint
from ...data.label_space import ABSTAIN, LabelSpace
from ...data.votes import Votes
from ..options import Confidence

_SENT: dict[Path, bytes] = {}
LabelingFunction = Callable[[Any], "int | str | None"]


@dataclass(frozen=True, kw_only=True)
class PythonVoter:
    """Call a labeling function from a file, once per row.

    The function gets an object with ``id``, ``text`` and the input's other columns, and returns a class name, a class
    index, or ``None`` / ``-1`` to abstain.

    Parameters
    ----------
    labels : LabelSpace
    path : Path
        A Python file. It is run as it is: use only code you trust.
    function : str
        A function in it whose name begins with ``lf_``, or a Snorkel ``LabelingFunction``.
    confidence : float
        How sure the function's vote is, in [0, 1].
    """

    labels: LabelSpace
    path: Path
    function: str
    confidence: Confidence = 0.8

    def vote(self, corpus: Corpus) -> Votes:
        """Vote on every row.

        Raises
        ------
        ConfigError
            If the file or the function in it cannot be found or loaded.
        VoterError
            If the function fails on a row, or returns something that is not a class.
        """
        functions = labeling_functions(self.path)
        if self.function not in functions:
            raise ConfigError(
                f"{self.path} has no labeling function '{self.function}'.", hint=nearest_hint(self.function, functions)
            )
        function = functions[self.function]
        frame = pl.DataFrame([corpus.ids, corpus.texts])
        if corpus.columns is not None:
            frame = frame.hstack(corpus.columns.drop("id", "text", strict=False))
        rows = (SimpleNamespace(**row) for row in frame.iter_rows(named=True))
        labels = np.fromiter((self._call(function, row) for row in rows), np.int16, len(corpus))
        return Votes.from_scores(labels, np.full(len(corpus), self.confidence))

    def _call(self, function: LabelingFunction, row: SimpleNamespace) -> int:
        try:
            answer = function(row)
        except (Exception, SystemExit) as error:
            raise VoterError(
                f"{self.function} in {self.path} failed on row '{row.id}': {type(error).__name__}: {error}",
                hint="Let the function return None where it cannot tell.",
            ) from error
        if answer is None:
            return ABSTAIN
        if isinstance(answer, str) and answer in self.labels.names:
            return self.labels.index(answer)
        number = isinstance(answer, int | np.integer) and not isinstance(answer, bool)  # True is no class
        if number and ABSTAIN <= int(answer) < self.labels.k:
            return int(answer)
        raise VoterError(
            f"{self.function} in {self.path} returned {answer!r} on row '{row.id}'.",
            hint=f"Return one of {', '.join(self.labels.names)}, an index below {self.labels.k}, or None.",
        )


def labeling_functions(path: Path) -> dict[str, LabelingFunction]:
    """Load a file and list its labeling functions: Snorkel's, and plain functions named ``lf_*``.

    Raises
    ------
    ConfigError
        If the file is missing, fails when run, or holds no labeling function.
    """
    try:
        source = _SENT.get(path) or path.read_bytes()
    except OSError as error:
        raise ConfigError(f"Cannot read the labeling functions in {path}: {error.strerror}.") from error
    module = _load(path, source)
    functions = {}
    for name, value in vars(module).items():
        if type(value).__module__.startswith("snorkel.") and hasattr(value, "_f") and hasattr(value, "name"):
            functions[str(value.name)] = value
        elif name.startswith("lf_") and callable(value):
            functions[name] = value
    if not functions:
        raise ConfigError(
            f"{path} holds no labeling function.",
            hint="Name functions lf_..., or decorate them with snorkel.labeling.labeling_function.",
        )
    return functions


def receive_source(path: Path, source: bytes) -> None:
    """Take the content of a file that another machine has there; the file itself is not looked for any more."""
    _SENT[path] = source


@dataclass(frozen=True)
class _Loader(SourceLoader):
    path: Path
    source: bytes

    def get_filename(self, fullname: str) -> str:
        return str(self.path)

    def get_data(self, path: str) -> bytes:
        return self.source


@cache
def _load(path: Path, source: bytes) -> ModuleType:  # an edited file is a new entry
    if path.suffix != ".py":
        raise ConfigError(f"{path} is not a Python file.", hint="Its name must end in .py.")
    name = f"labeler_code_{hashlib.sha256(source).hexdigest()[:12]}"
    spec = importlib.util.spec_from_loader(name, _Loader(path, source))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise ConfigError(f"{path} failed when it was loaded: {type(error).__name__}: {error}") from error
    return module
