"""Vote by the emoji and emoticons of each class."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ...data.errors import ConfigError
from ...data.text.normalize import fold_word
from ...data.types.corpus import Corpus
from ...data.types.label_space import LabelSpace
from ...data.types.task import Sentences
from ...data.types.votes import Votes
from .shared.scoring import vote_by_margin

_MODIFIER = re.compile("[\ufe00-\ufe0f\U0001f3fb-\U0001f3ff]|(?<=.)\u200d.*")


@dataclass(frozen=True, kw_only=True)
class EmojiVoter:
    """Count each class's emoji; the class with the most wins, ties abstain.

    Skin tones, variation selectors and what is joined to an emoji do not matter. An emoticon stands for its last
    character, and a run of brackets for one, as in Russian writing: ``:)``, ``))`` and ``)`` are the same, and a pair
    ``( )`` cancels out.

    Parameters
    ----------
    labels : LabelSpace
    emoji : Sentences
        Class name -> emoji.

    Raises
    ------
    ConfigError
        If a mark is not an emoji or an emoticon that ends in a sign.
    InputError
        If there is no such class.
    """

    needs: ClassVar = ("emoji",)

    labels: LabelSpace
    emoji: Sentences

    def __post_init__(self) -> None:
        for name, marks in self.emoji.items():
            self.labels.index(name)
            for mark in marks:
                token_of(mark)

    def vote(self, corpus: Corpus) -> Votes:
        """Vote on every row; rows without an emoji of some class are abstained on."""
        words, k = corpus.unique.words, self.labels.k
        label = np.full(len(words.vocabulary), k, np.int64)
        for name, marks in self.emoji.items():
            label[words.codes_of(map(token_of, marks))] = self.labels.index(name)
        cells = words.rows.astype(np.int64) * (k + 1) + label[words.codes]  # column k counts all other tokens
        counts = np.bincount(cells, minlength=len(corpus.unique) * (k + 1)).reshape(-1, k + 1)
        return vote_by_margin(counts[:, :k].astype(np.float64), 1.0).take(corpus.unique.inverse)


def token_of(mark: str) -> str:
    """Return the token by which a mark is recognised in a text."""
    token = fold_word(_MODIFIER.sub("", mark).strip()[-1:])
    if not token or token.isalnum() or unicodedata.category(token).startswith("M"):  # texts are cut without these
        raise ConfigError(
            f"'{mark}' is not an emoji, nor an emoticon that ends in a sign.", hint="Write words as keywords instead."
        )
    return token
