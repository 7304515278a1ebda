"""Vote by a numeric rating column."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

import numpy as np
import polars as pl

from ...data.errors import ConfigError
from ...data.types.corpus import Corpus
from ...data.types.label_space import ABSTAIN, LabelSpace
from ...data.types.votes import Votes
from .shared.columns import column_of


@dataclass(frozen=True, kw_only=True)
class RatingVoter:
    """Map ranges of a numeric column to classes.

    Parameters
    ----------
    labels : LabelSpace
    ranges : mapping of str to (float, float)
        Class name -> inclusive range, e.g. ``{negative = [1, 2], positive = [4, 5]}``; other values are abstained on.
    column : str
        The column to read: numbers, or text such as "5" or "4,5"; anything else is abstained on.

    Raises
    ------
    ConfigError
        If a range is turned round, or two ranges of different classes overlap.
    InputError
        If there is no such class.
    """

    needs: ClassVar = ()

    labels: LabelSpace
    ranges: Mapping[str, tuple[float, float]]
    column: str = "rating"

    def __post_init__(self) -> None:
        for name, (low, high) in self.ranges.items():
            self.labels.index(name)
            if not low <= high:
                raise ConfigError(
                    f"The range [{low:g}, {high:g}] of class '{name}' holds no number.",
                    hint=f"Write the lower end first: [{high:g}, {low:g}].",
                )
        for (name, (_, high)), (other, (low, _)) in pairwise(sorted(self.ranges.items(), key=lambda item: item[1])):
            if low <= high:
                raise ConfigError(
                    f"The ranges of classes '{name}' and '{other}' overlap.", hint="Leave a value to one of them."
                )

    def vote(self, corpus: Corpus) -> Votes:
        """Vote on every row.

        Raises
        ------
        VoterError
            If the input has no such column.
        """
        rating = self._ratings(corpus).to_numpy()
        labels = np.full(len(corpus), ABSTAIN, np.int16)
        for name, (low, high) in self.ranges.items():
            labels[(rating >= low) & (rating <= high)] = self.labels.index(name)
        return Votes.from_scores(labels)

    def why_silent(self, corpus: Corpus) -> str:
        """Return why it does not vote on any of these rows."""
        rating = self._ratings(corpus).drop_nans().to_numpy()
        if not len(rating):
            return f"column '{self.column}' holds no number"
        return f"the values of column '{self.column}', {min(rating):g} to {max(rating):g}, are in none of its ranges"

    def _ratings(self, corpus: Corpus) -> pl.Series:
        return numbers(column_of(corpus, self.column))


def numbers(column: pl.Series) -> pl.Series:
    """Read numbers, such as "5" or "4,5"; NaN where there is none."""
    if column.dtype == pl.String:
        column = column.str.strip_chars().str.replace(",", ".", literal=True)
    return column.cast(pl.Float64, strict=False).fill_null(np.nan)
