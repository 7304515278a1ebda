"""How well labels agree with the truth."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from .label_space import ABSTAIN


def gold_scores(
    gold: npt.NDArray[np.int16], hard: npt.NDArray[np.int16], weights: npt.NDArray[np.float64] | None = None
) -> dict[str, float]:
    """Score labels against gold rows; a row without a label is wrong.

    Parameters
    ----------
    gold, hard : ndarray of int16, shape (n,)
        Class indices, -1 for none.
    weights : ndarray of float64, shape (n,), optional
        How much each row counts; all the same by default.

    Returns
    -------
    dict
        ``rows``, ``macro_f1`` (over classes with gold rows or predictions), ``weighted_f1``, ``accuracy``.
    """
    from sklearn.metrics import f1_score

    known = gold != ABSTAIN
    truth, found = gold[known], hard[known]
    classes: Sequence[int] = np.union1d(truth, found[found != ABSTAIN]).tolist()
    counted = np.ones(len(truth)) if weights is None else weights[known]
    score = {"labels": classes, "zero_division": 0.0, "sample_weight": counted}
    return {
        "rows": int(known.sum()),
        "macro_f1": float(f1_score(truth, found, average="macro", **score)),
        "weighted_f1": float(f1_score(truth, found, average="weighted", **score)),
        "accuracy": float(np.average(truth == found, weights=counted)),
    }
