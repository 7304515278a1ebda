"""Vote by the number of words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...data.corpus import Corpus
from ...data.label_space import ABSTAIN, LabelSpace
from ...data.votes import Votes
from ..options import Confidence, Count


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
    confidence : float
        How sure a length makes this voter, in [0, 1].
    """

    labels: LabelSpace
    label: str
    min_words: Count = 0
    max_words: Count = 1_000_000
    confidence: Confidence = 0.6

    def vote(self, corpus: Corpus) -> Votes:
        """Vote on every row whose length lies in the range."""
        words = corpus.unique.words.counts
        chosen = (words >= self.min_words) & (words <= self.max_words)
        labels = np.where(chosen, self.labels.index(self.label), ABSTAIN)
        return Votes.from_scores(labels, np.full(len(labels), self.confidence)).take(corpus.unique.inverse)
