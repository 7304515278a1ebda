"""Vote one class where a regular expression matches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl

from ...data.corpus import Corpus
from ...data.errors import ConfigError
from ...data.label_space import ABSTAIN, LabelSpace
from ...data.parallel import map_parts
from ...data.votes import Votes
from ..options import Confidence


@dataclass(frozen=True, kw_only=True)
class RegexVoter:
    """Vote `label` for reviews in which `pattern` is found.

    Parameters
    ----------
    labels : LabelSpace
    label : str
        The class to vote for.
    pattern : str
        A regular expression of the Rust ``regex`` crate: linear time, no look-around, no back-references.
    on : {"normalized", "raw"}
        Match the normalised (NFC, lower-case, single-spaced) or the raw text.
    confidence : float
        How sure a match makes this voter, in [0, 1].
    """

    labels: LabelSpace
    label: str
    pattern: str
    on: Literal["normalized", "raw"] = "normalized"
    confidence: Confidence = 0.8

    def vote(self, corpus: Corpus) -> Votes:
        """Vote on every row in which the pattern is found.

        Raises
        ------
        ConfigError
            If the pattern is not a valid regular expression.
        """
        texts = corpus.unique.normalized if self.on == "normalized" else corpus.unique.texts
        try:
            found = map_parts(texts, pl.first().str.contains(self.pattern)).to_numpy()
        except pl.exceptions.ComputeError as error:
            raise ConfigError(
                f"'{self.pattern}' is not a regular expression this voter can use: {error}",
                hint="Look-around and back-references are not available; see https://docs.rs/regex/.",
            ) from error
        labels = np.where(found, self.labels.index(self.label), ABSTAIN)
        return Votes.from_scores(labels, np.full(len(labels), self.confidence)).take(corpus.unique.inverse)
