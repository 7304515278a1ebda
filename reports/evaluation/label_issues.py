"""Weak labels that are probably wrong, found without gold rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from ...data.text.normalize import normalize
from ...data.types.label_space import LabelSpace

Indices = npt.NDArray[np.int16]

_FOLDS = 3
_MAX_ROWS = 20_000  # enough to learn what words mean and to find more issues than anybody reads
_MIN_PER_CLASS = _FOLDS


@dataclass(frozen=True, eq=False)
class LabelIssues:
    """Rows whose label their words contradict.

    Parameters
    ----------
    rows : DataFrame
        id, text, label, suggested (the class that the words suggest), margin; the most suspicious first.
    share : float
        Of the rows looked at.
    looked_at : int
        Labelled rows looked at.
    """

    rows: pl.DataFrame
    share: float
    looked_at: int


def find_label_issues(rows: pl.DataFrame, labels: LabelSpace) -> LabelIssues | None:
    """Find labels that a text model, trained on the other rows, confidently contradicts.

    Confident learning (Northcutt et al. 2021, arXiv:1911.00068): a row is an issue if another class has an
    out-of-fold probability at least as high as that class has on average on the rows labelled with it.

    Parameters
    ----------
    rows : DataFrame
        id, text, label (null for none).
    labels : LabelSpace

    Returns
    -------
    LabelIssues or None
        None if fewer than two classes have enough rows to learn from.
    """
    known = rows.filter(pl.col("label").is_not_null()).select("id", "text", "label")
    if len(known) > _MAX_ROWS:
        known = known.sample(_MAX_ROWS, seed=0)
    counts = known.group_by("label").len()
    known = known.filter(pl.col("label").is_in(counts.filter(pl.col("len") >= _MIN_PER_CLASS)["label"].implode()))
    if known["label"].n_unique() < 2:
        return None
    given = labels.encode(known["label"])
    probs = out_of_fold(known["text"], given)
    suggested, margin = contradicted(probs, given)
    found = np.flatnonzero(suggested != given)
    found = found[np.argsort(-margin[found], kind="stable")]
    issues = known[found.tolist()].with_columns(
        labels.series(suggested[found]).alias("suggested"), pl.Series("margin", margin[found])
    )
    return LabelIssues(issues, len(found) / len(known), len(known))


def contradicted(probs: npt.NDArray[np.float64], given: Indices) -> tuple[Indices, npt.NDArray[np.float64]]:
    """Compare given labels with out-of-sample probabilities.

    Parameters
    ----------
    probs : ndarray of float64, shape (n, k)
        Of models that were not trained on the row.
    given : ndarray of int16, shape (n,)
        In [0, k).

    Returns
    -------
    ndarray of int16, shape (n,)
        The class that is confidently suggested, or the given one.
    ndarray of float64, shape (n,)
        How much suggested the suggested class is.
    """
    k, n = probs.shape[1], np.arange(len(given))
    usual = np.array([probs[given == c, c].mean() if np.any(given == c) else np.inf for c in range(k)])
    confident = np.where(probs >= usual, probs, -np.inf)
    suggested = confident.argmax(axis=1)
    margin = probs[n, suggested] - probs[n, given]
    suggested = np.where(np.isfinite(confident.max(axis=1)) & (margin > 0), suggested, given)
    return suggested.astype(np.int16), margin


def out_of_fold(texts: pl.Series, given: Indices, *, balanced: bool = False) -> npt.NDArray[np.float64]:
    """Return class probabilities by logistic regressions on words that were trained on the other folds.

    Parameters
    ----------
    texts : Series of String, length n
    given : ndarray of int16, shape (n,)
        At least 3 rows of each class that occurs.
    balanced : bool
        Whether all classes weigh the same in training, as macro-F1 wants it.

    Returns
    -------
    ndarray of float64, shape (n, k)
        k is the highest class plus one; classes without rows have probability 0.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    words = TfidfVectorizer(sublinear_tf=True, token_pattern=r"\S+", lowercase=False)
    features = words.fit_transform(normalize(texts).to_list())  # the vocabulary is independent of the labels
    model = LogisticRegression(C=2.0, class_weight="balanced" if balanced else None, max_iter=300, tol=1e-3)
    folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=0)
    found = cross_val_predict(model, features, given, cv=folds, method="predict_proba")
    probs = np.zeros((len(given), int(given.max()) + 1))
    probs[:, np.unique(given)] = found
    return probs
