"""How far to believe an annotator who was asked about some rows, and what the answers do to their labels.

Dawid and Skene (1979) for a single annotator: the class of row i has the probabilities P(i, c) of the label model, held
fixed, and the annotator answers `a` on class `c` with probability C(c, a). EM finds C. The sum over classes lies
inside a logarithm of something linear in C, so the likelihood is concave and the start does not matter.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

_TRUST = 0.85  # how often an annotator is right before anything is known
_STRENGTH = 10.0  # answers per class that this belief is worth
_ITERATIONS = 500
_TOLERANCE = 1e-7


def fit_confusion(
    posteriors: npt.NDArray[np.floating],
    answers: npt.NDArray[np.integer],
    weights: Array,
    *,
    trust: float = _TRUST,
    strength: float = _STRENGTH,
) -> Array:
    """Estimate an annotator's confusion matrix.

    Parameters
    ----------
    posteriors : ndarray of float, shape (a, k)
        Class probabilities of the answered rows without the annotator.
    answers : ndarray of int, shape (a,)
        The annotator's classes, in [0, k).
    weights : ndarray of float64, shape (a,)
        What each row counts; rows that share one answer share one count.
    trust, strength : float
        Dirichlet prior of each row of C: `strength` pseudo-counts, `trust` of them on the diagonal, the others spread.

    Returns
    -------
    ndarray of float64, shape (k, k)
        Row c: how often each class is answered where c is right. Positive; rows sum to 1.
    """
    k = posteriors.shape[1]
    prior = strength * (trust * np.eye(k) + (1 - trust) / (k - 1) * (1 - np.eye(k)))
    answered = np.eye(k)[answers] * weights[:, np.newaxis]
    confusion: Array = prior / strength
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
