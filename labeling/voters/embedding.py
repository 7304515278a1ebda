"""Vote by similarity to the prototype sentences of each class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from ...data.types.corpus import Corpus
from ...data.types.task import Sentences
from ...models.loading.resolve import ModelRef
from ..label_models.class_balance import known_shares
from ..text.similarity import class_similarity, sentences_of
from .shared.options import Count
from .shared.scoring import MatchedVoter


@dataclass(frozen=True, kw_only=True)
class EmbeddingVoter(MatchedVoter):
    """Compare each review with each class's descriptive dictionary in embedding space.

    Parameters
    ----------
    labels : LabelSpace
    prototypes : Sentences
        Class name -> typical reviews.
    class_balance : tuple of float
        Expected share of each class, NaN where nothing shows it; on 100 rows or more the votes are matched to it.
    encoder : ModelRef
        The sentence encoder: ``embedded``, a folder or a hub name.
    nearest : int
        Average over this many nearest prototypes of a class; 0 means all.
    coverage : float
        Share of the rows to vote on, in (0, 1]: the most confident of each class.
    catch_all : str
        A class that takes what no other one claims: rows on which no class leads by a margin are abstained on.

    Raises
    ------
    ConfigError
        If a class has no prototype.
    """

    needs: ClassVar = ("prototypes", "class_balance", "catch_all")

    prototypes: Sentences
    encoder: ModelRef
    nearest: Count = 0

    def __post_init__(self) -> None:
        sentences_of(self.labels, self.prototypes, "prototypes", catch_all=self.catch_all)

    def scores(self, corpus: Corpus) -> npt.NDArray[np.float32]:
        """Return the similarity of every row to each class, shape (n, k); raises as `vote` does."""
        known_shares(self.class_balance, self.labels.k)
        scores = class_similarity(
            corpus.unique.readable.to_list(),
            self.encoder,
            self.labels,
            self.prototypes,
            nearest=self.nearest,
            what="prototypes",
            catch_all=self.catch_all,
        )
        return scores.astype(np.float32)[corpus.unique.inverse]
