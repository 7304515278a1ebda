"""Let a user's own labeling function vote, Snorkel's ``@labeling_function`` included."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from ...data.errors import ConfigError, VoterError, nearest_hint
from ...data.types.corpus import Corpus
from ...data.types.label_space import LabelSpace
from ...data.types.votes import Votes
from ..user_code.answers import read_answer
from ..user_code.functions import LabelingFunction
from ..user_code.loading import UserCode, load_code
from ..user_code.row import Row, rows_of


@dataclass(frozen=True, kw_only=True)
class PythonVoter:
    """Call a labeling function from a file, once per row.

    The function gets an object with ``id``, ``text`` and the input's other columns (``x.text`` or ``x["text"]``), and
    returns a class name, a class index, probabilities (`user_code.answers`), or ``None`` / ``-1`` to abstain. It may
    import modules beside the file.

    Parameters
    ----------
    labels : LabelSpace
    path : Path
        A Python file. It is run as it is: use only code you trust.
    function : str
        A function in it whose name begins with ``lf_`` or that is in a list ``lfs``, or a Snorkel
        ``LabelingFunction``.
    numeric_columns : tuple of str
        Columns of text that the function gets as numbers; by default those of the input that hold nothing else.

    Raises
    ------
    ConfigError
        If the file or the function in it cannot be found or loaded.
    """

    needs: ClassVar = ("numeric_columns",)
    runs_user_code: ClassVar = True

    labels: LabelSpace
    path: Path
    function: str
    numeric_columns: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        functions = self.code.functions
        if self.function not in functions:
            raise ConfigError(
                f"{self.path} has no labeling function '{self.function}'.", hint=nearest_hint(self.function, functions)
            )

    @property
    def code(self) -> UserCode:
        """The file, loaded."""
        return load_code(self.path)

    def vote(self, corpus: Corpus) -> Votes:
        """Vote on every row.

        Raises
        ------
        VoterError
            If the function fails on a row, or returns something that is not a class.
        """
        code = self.code
        function = code.functions[self.function]
        rows = rows_of(corpus, self.numeric_columns)
        with code.running():
            answers = [self._call(function, row) for row in rows]
        labels, confidence = zip(*answers, strict=True) if answers else ((), ())
        return Votes.from_scores(np.array(labels, np.int16), np.array(confidence, np.float32))

    def _call(self, function: LabelingFunction, row: Row) -> tuple[int, float]:
        id_ = row.id
        try:
            answer = function(row)
        except (Exception, SystemExit) as error:
            hint = "Let the function return None where it cannot tell."
            if isinstance(error, AttributeError | KeyError):
                hint = f"Columns: {', '.join(row.keys())}."
            raise VoterError(
                f"{self.function} in {self.path} failed on row '{id_}': {type(error).__name__}: {error}", hint=hint
            ) from error
        try:
            return read_answer(answer, self.labels)
        except VoterError as error:
            raise VoterError(f"{self.function} in {self.path} {error} on row '{id_}'.", hint=error.hint) from None
