"""Vote one class where a regular expression matches."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import polars as pl

from ...data.errors import ConfigError
from ...data.text.parallel import map_chunks
from ...data.types.corpus import Corpus
from ...data.types.label_space import ABSTAIN, LabelSpace
from ...data.types.votes import Votes
from ..text.rule_text import check_no_control_character, needs_capital

_VERBOSE = re.compile(r"^\(\?[a-zA-Z]*x")  # spaces and line ends in the pattern do not count


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

    Raises
    ------
    ConfigError
        If the pattern is not a valid regular expression, or can never be found.
    InputError
        If there is no such class.
    """

    needs: ClassVar = ()

    labels: LabelSpace
    label: str
    pattern: str
    on: Literal["normalized", "raw"] = "normalized"

    def __post_init__(self) -> None:
        self.labels.index(self.label)
        try:
            pl.Series([""]).str.contains(self.pattern)
        except pl.exceptions.ComputeError as error:
            raise ConfigError(
                f"'{self.pattern}' is not a regular expression this voter can use: {error}",
                hint="Look-around and back-references are not available; see https://docs.rs/regex/.",
            ) from error
        spaced = self.on == "raw" or _VERBOSE.search(self.pattern)
        check_no_control_character(self.pattern, allowed="\t\n\r" if spaced else "")
        if self.on == "normalized" and needs_capital(self.pattern):
            raise ConfigError(
                f"'{self.pattern}' would never be found: it has capital letters, and texts are lower-cased first.",
                hint='Write it in small letters, begin it with (?i), or set on = "raw".',
            )

    def vote(self, corpus: Corpus) -> Votes:
        """Vote on every row in which the pattern is found."""
        texts = corpus.unique.normalized if self.on == "normalized" else corpus.unique.texts
        found = map_chunks(texts, pl.first().str.contains(self.pattern)).to_numpy()
        labels = np.where(found, self.labels.index(self.label), ABSTAIN)
        return Votes.from_scores(labels).take(corpus.unique.inverse)
