"""Soft labels corrected by text models that learned from the rest of them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from ....data.types.soft_labels import SoftLabels
from ...scoring.encoder import unique_texts
from ...scoring.logistic import cross_fitted, logits
from ...scoring.ngrams import NgramFeatures
from ...scoring.priors import prior_offset, softmax, standardised

Floats = npt.NDArray[np.floating]

_MIN_TEXTS = 200  # below, n-grams have too little to learn from
_MAX_TEXTS = 200_000  # models are fitted on at most that many
_BLOCK = 20_000
_FOLDS = 5
_FLOOR = 1e-4  # label models overstate their certainty
_TEMPERATURE = 8.0  # so much that text models are not drawn to the voters' most confident mistakes
_PENALTY = 2 / 3
_SHARE = 0.5
_SHARPNESS = 1.5


def denoised(texts: pl.Series, soft: SoftLabels, prior: npt.NDArray[np.float64], *, seed: int = 0) -> SoftLabels:
    """Let n-gram models, each trained on the labels of other texts, and the label model decide together.

    Voters are wrong about single texts, but their mistakes look alike only in part: what a word means on the whole
    corrects the label of a text that has it. Cross-fitting (five folds of distinct texts) keeps the models from
    repeating the labels they were trained on. The n-gram model is a logistic regression on characters and words; its
    scores count fully, the label model's by half, both in units of their spread.

    Parameters
    ----------
    texts : Series of String, length n
        Normalised (`data.normalize.normalize`).
    soft : SoftLabels
        Shape (n, k).
    prior : ndarray, shape (k,)
        Class balance; the result follows it.
    seed : int
        Of the folds.

    Returns
    -------
    SoftLabels
        `covered` is as before. The same labels if fewer than 200 distinct texts are covered.
    """
    unique, inverse = unique_texts(texts.to_list())
    counts = np.bincount(inverse[soft.covered], minlength=len(unique)).astype(float)
    fitted = np.random.default_rng(seed).permutation(np.flatnonzero(counts))[:_MAX_TEXTS]
    if len(fitted) < _MIN_TEXTS:
        return soft
    logs = np.log(np.maximum(soft.probs, _FLOOR))
    summed = np.zeros((len(unique), logs.shape[1]))
    np.add.at(summed, inverse[soft.covered], logs[soft.covered])
    targets = softmax(summed[fitted] / counts[fitted, None] / _TEMPERATURE)
    found = _text_logits(unique, fitted, targets, counts[fitted])[inverse]
    return SoftLabels(blended(found, _SHARE * standardised(logs)[0], prior, weights=soft.covered), soft.covered)


def blended(
    first: Floats, second: Floats, prior: npt.NDArray[np.float64], *, weights: npt.NDArray[np.bool_] | None = None
) -> npt.NDArray[np.float32]:
    """Add up two logits and make soft labels of them that follow the class balance.

    Parameters
    ----------
    first : ndarray, shape (n, k)
        Logits of any scale; they are put in units of their spread.
    second : ndarray, shape (n, k)
        Logits in units of the first one's spread.
    prior : ndarray, shape (k,)
        Class balance.
    weights : ndarray of bool, shape (n,), optional
        The rows that the class balance is about; all by default.

    Returns
    -------
    ndarray of float32, shape (n, k)
        Rows sum to 1. How sharp they are does not depend on the scale of the logits.
    """
    logits = _SHARPNESS * standardised(standardised(first)[0] + second)[0]
    offset = prior_offset(logits if weights is None else logits[weights], prior)
    return softmax(logits + offset).astype(np.float32)


def _text_logits(
    unique: list[str], fitted: npt.NDArray[np.int64], targets: Floats, weights: Floats
) -> npt.NDArray[np.float32]:
    """Return the n-gram models' logits of all texts, none by a model that was trained on it."""
    features, inputs = NgramFeatures.fit_transform([unique[i] for i in fitted])
    result = np.empty((len(unique), targets.shape[1]), np.float32)
    fold = np.arange(len(fitted)) % _FOLDS
    models, result[fitted] = cross_fitted(inputs, targets, weights, fold, penalty=_PENALTY)
    mean = np.mean(models, axis=0)
    others = np.setdiff1d(np.arange(len(unique)), fitted)
    for begin in range(0, len(others), _BLOCK):
        block = others[begin : begin + _BLOCK]
        result[block] = logits(features.transform([unique[i] for i in block]), mean)
    return result
