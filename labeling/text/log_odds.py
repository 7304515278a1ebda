"""Which words one set of reviews favours over another.

Source: Monroe, Colaresi and Quinn (2008), "Fightin' Words", Political Analysis 16.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

_PRIOR_WORDS = 500.0  # how many words the prior of the log-odds weighs as much as


def log_odds_z(here: Array, there: Array) -> Array:
    """Log-odds ratio of every word between two sets of reviews, in standard errors.

    Parameters
    ----------
    here, there : ndarray of float64, shape (v,)
        How often each word occurs in either set. The prior is as the words are in both together.

    Returns
    -------
    ndarray of float64, shape (v,)
    """
    prior = _PRIOR_WORDS * (here + there) / max(float((here + there).sum()), 1e-9)
    odds = []
    for counts in (here, there):
        others = counts.sum() + _PRIOR_WORDS - counts - prior
        odds.append(np.log(np.maximum(counts + prior, 1e-9)) - np.log(np.maximum(others, 1e-9)))  # 0: no other word
    z: Array = (odds[0] - odds[1]) / np.sqrt(1 / np.maximum(here + prior, 1e-9) + 1 / np.maximum(there + prior, 1e-9))
    return z
