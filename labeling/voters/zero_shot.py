"""Let a pretrained model vote without any training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from ...data.corpus import Corpus
from ...data.errors import ConfigError
from ...data.label_space import LabelSpace
from ...data.progress import progress
from ...data.task import Sentences
from ...data.votes import Votes
from ...models.engines import zero_shot_engine
from ...models.resolve import ModelRef
from ..class_balance import checked_balance
from ..options import Coverage
from ..scoring import vote_by_score
from ..similarity import class_similarity, sentences_of


@dataclass(frozen=True, kw_only=True)
class ZeroShotVoter:
    """Score every class with a pretrained model, calibrate against an empty review, match the class balance.

    Engines: ``cloze`` lets a masked language model fill the gap of a template and compares the classes' verbalizers
    (PET, Schick & Schuetze 2021); ``nli`` takes the entailment of each class's hypotheses; ``similarity`` compares
    embeddings of review and hypotheses, for sentence encoders. Scores of an empty review are subtracted (contextual
    calibration, Zhao et al. 2021).

    Parameters
    ----------
    labels : LabelSpace
    hypotheses : Sentences
        Class name -> statements about a review of the class, for ``nli`` and ``similarity``.
    verbalizers : Sentences
        Class name -> words for the gap, for ``cloze``.
    cloze : tuple of str
        Templates with ``{text}`` and ``<mask>``; their scores are averaged.
    class_balance : tuple of float
        Expected share of each class; on 100 rows or more the votes are matched to it.
    model : ModelRef
        ``auto``, ``embedded``, a folder or a hub name.
    engine : {"auto", "cloze", "nli", "similarity"}
        "auto" takes the best the model can do.
    coverage : float
        Share of the rows to vote on, in (0, 1]: the surest of each class.
    """

    labels: LabelSpace
    hypotheses: Sentences
    verbalizers: Sentences
    cloze: tuple[str, ...]
    class_balance: tuple[float, ...]
    model: ModelRef
    engine: Literal["auto", "cloze", "nli", "similarity"] = "auto"
    coverage: Coverage = 1.0

    def vote(self, corpus: Corpus) -> Votes:
        """Vote on every row.

        Raises
        ------
        ConfigError
            If a class lacks what the engine needs, or the class balance does not fit the classes.
        ModelError
            If the model cannot be loaded or cannot do what the engine needs.
        """
        balance = checked_balance(self.class_balance, self.labels.k)
        engine = zero_shot_engine(self.model) if self.engine == "auto" else self.engine
        score = {"cloze": self._cloze, "nli": self._nli, "similarity": self._similarity}[engine]
        scores = score(corpus.unique.texts.to_list())
        votes = vote_by_score(scores, balance, corpus.unique.counts, coverage=self.coverage)
        return votes.take(corpus.unique.inverse)

    def _similarity(self, texts: list[str]) -> npt.NDArray[np.float64]:
        scores = class_similarity(["", *texts], self.model, self.labels, self.hypotheses, nearest=0, what="hypotheses")
        calibrated: npt.NDArray[np.float64] = scores[1:] - scores[0]
        return calibrated

    def _nli(self, texts: list[str]) -> npt.NDArray[np.float64]:
        from ...models.nli import NLIScorer

        hypotheses = sentences_of(self.labels, self.hypotheses, "hypotheses")
        with progress("Zero-shot (nli)", total=len(texts) + 1) as advance:
            scores = NLIScorer(self.model).score(["", *texts], hypotheses, progress=advance)
        calibrated: npt.NDArray[np.float64] = (scores[1:] - scores[0]).astype(np.float64)
        return calibrated

    def _cloze(self, texts: list[str]) -> npt.NDArray[np.float64]:
        from ...models.masked_lm import MaskedLMScorer

        verbalizers = sentences_of(self.labels, self.verbalizers, "verbalizers")
        if not self.cloze:
            raise ConfigError("The task has no cloze template.", hint='Add cloze = ["{text} ... <mask>."] to [task].')
        scorer = MaskedLMScorer(self.model)
        total = np.zeros((len(texts), self.labels.k))
        with progress("Zero-shot (cloze)", total=(len(texts) + 1) * len(self.cloze)) as advance:
            for template in self.cloze:
                scores = scorer.score(["", *texts], template, verbalizers, progress=advance)
                total += scores[1:] - scores[0]
        return total / len(self.cloze)
