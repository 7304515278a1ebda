"""What to do about rare classes: weights, or a shift of the logits."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating]


def class_shares(targets: Floats) -> npt.NDArray[np.float64]:
    """Share of each class in soft targets.

    Parameters
    ----------
    targets : ndarray, shape (n, k)
        Rows sum to 1.

    Returns
    -------
    ndarray of float64, shape (k,)
        Sums to 1; uniform if there are no rows.
    """
    totals: npt.NDArray[np.float64] = targets.sum(axis=0, dtype=np.float64)
    if not totals.sum() > 0:
        return np.full(targets.shape[1], 1 / targets.shape[1])
    shares: npt.NDArray[np.float64] = totals / totals.sum()
    return shares


def class_weights(targets: Floats) -> npt.NDArray[np.float32]:
    """Weigh each class by the square root of its inverse frequency: its whole would multiply mistakes in rare labels.

    Parameters
    ----------
    targets : ndarray, shape (n, k)
        Rows sum to 1.

    Returns
    -------
    ndarray of float32, shape (k,)
        The mean over rows, ``targets @ result``, is 1, so that the learning rate keeps its meaning. 0 for a class
        without rows.
    """
    shares = class_shares(targets)
    inverse = np.power(shares, -0.5, out=np.zeros_like(shares), where=shares > 0)
    return (inverse / (shares @ inverse)).astype(np.float32)


def log_prior(targets: Floats) -> npt.NDArray[np.float32]:
    """Logarithm of the class shares, to be added to the logits inside the loss.

    "Logit adjustment" of Menon et al. 2021 (arXiv:2007.07314): the bare logits then treat all classes as equally
    common.

    Parameters
    ----------
    targets : ndarray, shape (n, k)
        Rows sum to 1.

    Returns
    -------
    ndarray of float32, shape (k,)
        Finite: a class has at least the share of half a row.
    """
    shares = np.maximum(class_shares(targets), 0.5 / max(len(targets), 1))
    return np.log(shares / shares.sum()).astype(np.float32)  # type: ignore[no-any-return]
