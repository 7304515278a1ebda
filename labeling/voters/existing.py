"""Let an existing, distrusted label column vote like any other source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import polars as pl

from ...data.types.corpus import Corpus
from ...data.types.label_space import ABSTAIN, LabelSpace
from ...data.types.votes import Votes
from .shared.columns import column_of

_SHOWN = 5  # values of a column that holds no class


@dataclass(frozen=True, kw_only=True)
class ExistingVoter:
    """Vote what a column already says: stars turned into labels, or an old model's output.

    Parameters
    ----------
    labels : LabelSpace
    column : str
        The column that holds the old labels.
    mapping : mapping of str to str
        Old value -> class name; class names map to themselves, in any case, anything else is abstained on. Whole
        numbers in a column of numbers are written without a point: "5", not "5.0".

    Raises
    ------
    InputError
        If a value is mapped to something that is no class.
    """

    needs: ClassVar = ()

    labels: LabelSpace
    column: str = "label"
    mapping: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in self.mapping.values():
            self.labels.index(name)

    def vote(self, corpus: Corpus) -> Votes:
        """Vote on every row.

        Raises
        ------
        VoterError
            If the input has no such column.
        """
        old = self._old_labels(corpus)
        mapped = {value: self.labels.index(name) for value, name in self.mapping.items()}
        codes = {value: mapped.get(value, self.labels.find(value)) for value in old.drop_nulls().unique()}
        labels = old.replace_strict(codes, default=ABSTAIN, return_dtype=pl.Int16).to_numpy()
        return Votes.from_scores(labels)

    def why_silent(self, corpus: Corpus) -> str:
        """Return why it does not vote on any of these rows."""
        values = self._old_labels(corpus).drop_nulls().unique().sort().head(_SHOWN)
        listed = ", ".join(f"'{value}'" for value in values) or "it is empty"
        return f"no value of column '{self.column}' is a class of this task ({listed})"

    def _old_labels(self, corpus: Corpus) -> pl.Series:
        column = column_of(corpus, self.column)
        old = column.cast(pl.String).str.strip_chars()
        return old.str.strip_suffix(".0") if column.dtype.is_float() else old
