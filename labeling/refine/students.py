"""Students: text models that score each review by what they learned from the labels of other reviews."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from ...data.progress import progress, status
from ...data.types.corpus import Corpus
from ...models.loading.resolve import ModelRef
from ...models.scoring.blending import Blend, fit_blend
from ...models.scoring.embedding_cache import load_encoder
from ...models.scoring.logistic import cross_fitted, logits
from ...models.scoring.ngrams import NgramFeatures
from ...models.scoring.priors import softmax
from .texts import FOLDS, DistinctTexts, folds

Float32s = npt.NDArray[np.float32]

_TEMPERATURE = 8.0  # so much that students are not drawn to the voters' most confident mistakes
_NGRAM_PENALTY = 2 / 3
_DENSE_PENALTY = 100.0  # embeddings of unit variance; 3 to 300 do as well
_DENSE_SHARE = 0.5  # of the n-grams' say: embeddings have voted already
_MAX_EMBEDDED = 50_000  # texts that a student of 400 coefficients a class is fitted to


@dataclass(frozen=True, eq=False)
class DenseStudent:
    """Logistic regression on standardised embeddings, one for each fold.

    Parameters
    ----------
    mean, scale : ndarray of float32, shape (d,)
        By which embeddings are standardised.
    models : sequence of ndarray of float32, shape (d + 1, k)
    """

    mean: Float32s
    scale: Float32s
    models: Sequence[Float32s]

    def standardise(self, embeddings: Float32s) -> Float32s:
        """Give embeddings, shape (n, d), zero mean and unit variance."""
        return (embeddings - self.mean) / self.scale


@dataclass(frozen=True, eq=False)
class StudentVoter:
    """Scores reviews; an executor applies it to chunks as it does voters.

    Parameters
    ----------
    features : NgramFeatures
    ngram : sequence of ndarray of float32, shape (d + 1, k)
        For each fold the model that was fitted to all others.
    encoder : ModelRef, optional
        Of `dense`; None without embeddings.
    dense : DenseStudent, optional
    blend : Blend
        Of the two, or of the n-grams alone.
    seed : int
        Of the folds.
    """

    features: NgramFeatures
    ngram: Sequence[Float32s]
    encoder: ModelRef | None
    dense: DenseStudent | None
    blend: Blend
    seed: int

    def scores(self, corpus: Corpus) -> Float32s:
        """Return logits of every row, shape (n, k), by models that were not fitted to its text."""
        unique = corpus.unique
        return self.logits(unique.normalized, unique.readable)[unique.inverse]

    def logits(self, normalized: pl.Series, readable: pl.Series) -> Float32s:
        """Return logits of texts, shape (n, k), by models that were not fitted to them."""
        fold = folds(normalized, seed=self.seed)
        parts = [_by_fold(self.features.transform(normalized.to_list()), self.ngram, fold)]
        if self.encoder and self.dense:
            embeddings = load_encoder(self.encoder).encode(readable.to_list())
            parts.append(_by_fold(self.dense.standardise(embeddings), self.dense.models, fold))
        return self.blend.logits(parts).astype(np.float32)


def fit_students(
    texts: DistinctTexts, logs: npt.NDArray[np.float64], encoder: ModelRef | None, *, seed: int
) -> tuple[StudentVoter, Float32s]:
    """Fit a model for each fold to the other folds' labels, and return the logits of the texts by the one of theirs.

    What a word means on the whole corrects the label of a text that has it; voters' mistakes look alike only in part.
    Cross-fitting (Chernozhukov et al. 2018) keeps students from repeating the labels they were trained on. There are
    two views of a text: n-grams, and the embeddings of an encoder that voted. A second round on the corrected labels,
    and students that exchange their labels (co-training), gained nothing.

    Parameters
    ----------
    texts : DistinctTexts
        u texts.
    logs : ndarray of float64, shape (u, k)
        The label model's log-probabilities.
    encoder : ModelRef, optional
        One whose embeddings of the texts are cached.
    seed : int

    Returns
    -------
    StudentVoter
    ndarray of float32, shape (u, k)
    """
    fold, weights = folds(texts.normalized, seed=seed), texts.counts
    targets = softmax(logs / _TEMPERATURE)
    with progress("Refining", total=2 if encoder else 1) as advance:
        features, inputs = NgramFeatures.fit_transform(texts.normalized.to_list())
        models, found = cross_fitted(inputs, targets, weights, fold, penalty=_NGRAM_PENALTY)
        parts, dense = [found], None
        advance(1)
        if encoder:
            dense, found = _fit_dense(texts, targets, encoder, fold)
            parts.append(found)
            advance(1)
    blend = fit_blend(parts, (1.0, _DENSE_SHARE)[: len(parts)], weights=weights)
    voter = StudentVoter(features, models, encoder, dense, blend, seed)
    what = "n-grams and embeddings" if encoder else "n-grams"
    status(f"refining: {FOLDS} students on {what} of {len(texts):,} distinct texts")
    return voter, blend.logits(parts).astype(np.float32)


def _fit_dense(
    texts: DistinctTexts, targets: npt.NDArray[np.floating], encoder: ModelRef, fold: npt.NDArray[np.int64]
) -> tuple[DenseStudent, Float32s]:
    """Fit to the embeddings of the first texts; return the logits of all."""
    known = load_encoder(encoder).encode(texts.readable.head(_MAX_EMBEDDED).to_list())
    first = len(known)
    untrained = DenseStudent(known.mean(axis=0), np.maximum(known.std(axis=0), 1e-6), ())
    known = untrained.standardise(known)
    models, found = cross_fitted(known, targets[:first], texts.counts[:first], fold[:first], penalty=_DENSE_PENALTY)
    student = DenseStudent(untrained.mean, untrained.scale, models)
    parts = [found]
    for start in range(first, len(texts), _MAX_EMBEDDED):
        more = load_encoder(encoder).encode(texts.readable.slice(start, _MAX_EMBEDDED).to_list())
        parts.append(_by_fold(student.standardise(more), models, fold[start : start + _MAX_EMBEDDED]))
    return student, np.concatenate(parts)


def _by_fold(features: object, models: Sequence[Float32s], fold: npt.NDArray[np.int64]) -> Float32s:
    """Return logits of rows, shape (n, k), each by the model of its fold."""
    result = np.empty((len(fold), models[0].shape[1]), np.float32)
    for number, model in enumerate(models):
        own = np.flatnonzero(fold == number)
        result[own] = logits(features[own], model)  # type: ignore[index]
    return result
