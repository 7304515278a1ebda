"""A reliability model of a voter that was asked about some rows, and what its answers do to their labels.

Dawid and Skene (1979) for a single voter: the class of row i has the probabilities P(i, c) of the label model, held
fixed, and the voter answers `a` on class `c` with probability C(c, a). EM finds C. The sum over classes lies
inside a logarithm of something linear in C, so the likelihood is concave and the start does not matter.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

_ACCURACY = 0.85  # prior mean of how often a voter is right
_STRENGTH = 10.0  # answers per class that this prior is worth
_ITERATIONS = 500
_TOLERANCE = 1e-7


def fit_confusion(posteriors: npt.NDArray[np.floating], answers: npt.NDArray[np.integer], weights: Array) -> Array:
    """Estimate a voter's confusion matrix.

    Parameters
    ----------
    posteriors : ndarray of float, shape (a, k)
        Class probabilities of the answered rows without the voter.
    answers : ndarray of int, shape (a,)
        The voter's classes, in [0, k).
    weights : ndarray of float64, shape (a,)
        What each row counts; rows that share one answer share one count.

    Returns
    -------
    ndarray of float64, shape (k, k)
        Row c: how often each class is answered where c is right. Positive; rows sum to 1. Its Dirichlet prior has
        `_STRENGTH` pseudo-counts a row, `_ACCURACY` of them on the diagonal.
    """
    k = posteriors.shape[1]
    prior = _STRENGTH * (_ACCURACY * np.eye(k) + (1 - _ACCURACY) / (k - 1) * (1 - np.eye(k)))
    answered = np.eye(k)[answers] * weights[:, np.newaxis]
    confusion: Array = prior / _STRENGTH
    for _ in range(_ITERATIONS):
        counts = prior + combine(posteriors, answers, confusion).T @ answered
        before, confusion = confusion, counts / counts.sum(axis=1, keepdims=True)
        if np.abs(confusion - before).max() < _TOLERANCE:
            break
    return confusion


def combine(posteriors: npt.NDArray[np.floating], answers: npt.NDArray[np.integer], confusion: Array) -> Array:
    """Multiply class probabilities by the likelihood of the answers.

    Parameters
    ----------
    posteriors : ndarray of float, shape (a, k)
    answers : ndarray of int, shape (a,)
        In [0, k).
    confusion : ndarray of float64, shape (k, k)

    Returns
    -------
    ndarray of float64, shape (a, k)
        Rows sum to 1.
    """
    joint = posteriors.astype(np.float64) * confusion.T[answers]
    normalised: Array = joint / joint.sum(axis=1, keepdims=True)
    return normalised
