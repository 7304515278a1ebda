"""Vote by the number of words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ...data.errors import ConfigError
from ...data.types.corpus import Corpus
from ...data.types.label_space import ABSTAIN, LabelSpace
from ...data.types.votes import Votes
from .shared.options import Count


@dataclass(frozen=True, kw_only=True)
class LengthVoter:
    """Vote one class for reviews whose length lies in a range: people complain at length and praise briefly.

    Parameters
    ----------
    labels : LabelSpace
    label : str
        The class to vote for.
    min_words, max_words : int
        Inclusive range of the number of words.

    Raises
    ------
    ConfigError
        If the range is turned round.
    InputError
        If there is no such class.
    """

    needs: ClassVar = ()

    labels: LabelSpace
    label: str
    min_words: Count = 0
    max_words: Count = 1_000_000

    def __post_init__(self) -> None:
        self.labels.index(self.label)
        if self.min_words > self.max_words:
            raise ConfigError(
                f"No review has at least {self.min_words} and at most {self.max_words} words.",
                hint=f"min_words = {self.max_words} and max_words = {self.min_words}?",
            )

    def vote(self, corpus: Corpus) -> Votes:
        """Vote on every row whose length lies in the range."""
        words = corpus.unique.words.counts
        chosen = (words >= self.min_words) & (words <= self.max_words)
        labels = np.where(chosen, self.labels.index(self.label), ABSTAIN)
        return Votes.from_scores(labels).take(corpus.unique.inverse)
