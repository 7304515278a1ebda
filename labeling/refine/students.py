"""Students: text models that score each review by what they learned from the labels of other reviews."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...data.progress import progress, status
from ...data.types.corpus import Corpus
from ...models.scoring.logistic import cross_fitted, logits
from ...models.scoring.ngrams import NgramFeatures
from ...models.scoring.priors import softmax
from .texts import FOLDS, DistinctTexts, folds

Float32s = npt.NDArray[np.float32]

_TEMPERATURE = 8.0  # so much that students are not drawn to the voters' most confident mistakes
_PENALTY = 2 / 3


@dataclass(frozen=True, eq=False)
class StudentVoter:
    """Scores reviews; an executor applies it to chunks as it does voters.

    Parameters
    ----------
    features : NgramFeatures
    models : sequence of ndarray of float32, shape (d + 1, k)
        For each fold the model that was fitted to all others.
    seed : int
        Of the folds.
    """

    features: NgramFeatures
    models: Sequence[Float32s]
    seed: int

    def scores(self, corpus: Corpus) -> Float32s:
        """Return logits of every row, shape (n, k), by models that were not fitted to its text."""
        texts = corpus.unique.normalized
        fold, inputs = folds(texts, seed=self.seed), self.features.transform(texts.to_list())
        found = np.empty((len(texts), self.models[0].shape[1]), np.float32)
        for number, model in enumerate(self.models):
            own = np.flatnonzero(fold == number)
            found[own] = logits(inputs[own], model)
        return found[corpus.unique.inverse]


def fit_students(texts: DistinctTexts, logs: npt.NDArray[np.float64], *, seed: int) -> tuple[StudentVoter, Float32s]:
    """Fit a model for each fold to the other folds' labels, and return the logits of the texts by the one of theirs.

    What a word means on the whole corrects the label of a text that has it; voters' mistakes look alike only in part.
    Cross-fitting (Chernozhukov et al. 2018) keeps students from repeating the labels they were trained on.

    Parameters
    ----------
    texts : DistinctTexts
        u texts.
    logs : ndarray of float64, shape (u, k)
        The label model's log-probabilities.
    seed : int

    Returns
    -------
    StudentVoter
    ndarray of float32, shape (u, k)
    """
    with progress("Refining"):
        features, inputs = NgramFeatures.fit_transform(texts.normalized.to_list())
        fold, targets = folds(texts.normalized, seed=seed), softmax(logs / _TEMPERATURE)
        models, found = cross_fitted(inputs, targets, texts.counts, fold, penalty=_PENALTY)
    status(f"refining: {FOLDS} students on n-grams of {len(texts):,} distinct texts")
    return StudentVoter(features, models, seed), found
