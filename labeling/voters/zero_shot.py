"""Let a pretrained model vote without any training."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt

from ...data.types.corpus import Corpus
from ...data.types.task import Sentences
from ...models.loading.capabilities import Capability, zero_shot_capability
from ...models.loading.resolve import ModelRef
from ..label_models.class_balance import known_shares
from ..text.prompts import PromptScores, check_prompts, class_scores, score_prompts
from .shared.scoring import MatchedVoter


@dataclass(frozen=True, kw_only=True)
class ZeroShotVoter(MatchedVoter):
    """Score every class with a pretrained model, calibrate against empty reviews, match the class balance.

    Engines: ``cloze`` lets a masked language model fill the gap of a template and compares the classes' verbalizers
    (PET, Schick & Schuetze 2021); ``nli`` takes the entailment of each class's hypotheses; ``similarity`` compares
    embeddings of review and hypotheses, for sentence encoders. Scores of reviews without content are subtracted
    (contextual calibration, Zhao et al. 2021). ``labeler voters zero_shot --try TEXT`` shows all of it for one review.

    Parameters
    ----------
    labels : LabelSpace
    hypotheses : Sentences
        Class name -> statements about a review of the class, for ``nli`` and ``similarity``.
    verbalizers : Sentences
        Class name -> words for the gap, for ``cloze``; words of one token are read best.
    cloze : tuple of str
        Templates with ``{text}`` and ``<mask>``; their scores are averaged.
    class_balance : tuple of float
        Expected share of each class, NaN where nothing shows it; on 100 rows or more the votes are matched to it.
    model : ModelRef
        ``auto``, ``embedded``, a folder or a hub name.
    engine : {"auto", "cloze", "nli", "similarity"}
        "auto" takes the best the model can do.
    same_language : bool
        Use only a class's hypotheses in the review's language, Kazakh or not by its letters, where there are any. For
        ``nli`` models that know one language at a time; worse for ``similarity``.
    coverage : float
        Share of the rows to vote on, in (0, 1]: the most confident of each class.
    catch_all : str
        A class that takes what no other one claims: rows on which no class leads by a margin are abstained on.

    Raises
    ------
    ConfigError
        If a class lacks what the engine needs.
    """

    needs: ClassVar = ("hypotheses", "verbalizers", "cloze", "class_balance", "catch_all")

    hypotheses: Sentences
    verbalizers: Sentences
    cloze: tuple[str, ...]
    model: ModelRef
    engine: Literal["auto", "cloze", "nli", "similarity"] = "auto"
    same_language: bool = False

    def __post_init__(self) -> None:
        if self.engine != "auto":
            self._statements(self.engine)

    def scores(self, corpus: Corpus) -> npt.NDArray[np.float32]:
        """Return the calibrated score of each class for every row, shape (n, k); raises as `vote` does."""
        known_shares(self.class_balance, self.labels.k)
        texts = corpus.unique.readable.to_list()
        scores = class_scores(self.prompt_scores(texts), self.labels.k, texts=self.languages(texts))
        return scores.astype(np.float32)[corpus.unique.inverse]

    def prompt_scores(self, texts: Sequence[str]) -> Iterator[PromptScores]:
        """Yield the scores of each text, prompt by prompt; raises as `vote` does."""
        engine = self.chosen_engine
        return score_prompts(texts, engine, self.model, self._statements(engine), self.cloze)

    def _statements(self, engine: Capability) -> list[tuple[str, ...]]:
        return check_prompts(engine, self.labels, self.hypotheses, self.verbalizers, self.cloze, self.catch_all)

    def languages(self, texts: Sequence[str]) -> Sequence[str] | None:
        """Return the texts whose language chooses hypotheses; None where all are used."""
        return texts if self.same_language and self.chosen_engine != "cloze" else None

    @property
    def chosen_engine(self) -> Capability:
        """The engine, or the best the model can do."""
        return zero_shot_capability(self.model) if self.engine == "auto" else self.engine
