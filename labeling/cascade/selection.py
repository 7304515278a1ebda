"""Which texts an on-demand voter is asked about: those on which its answer is expected to change most."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ...data.types.label_space import ABSTAIN
from ...data.types.soft_labels import SoftLabels
from ...data.types.stored_corpus import TextCopies

_RESOLUTION = 1_000_000  # doubt is counted in whole millionths, so that sums do not depend on the order of the rows


def hard_rows(soft: SoftLabels, in_conflict: npt.NDArray[np.bool_], *, below: float) -> npt.NDArray[np.bool_]:
    """Rows that are uncovered, tied, in conflict, or labelled with less confidence than `below`; shape (n,)."""
    hard: npt.NDArray[np.bool_] = (soft.hard(below) == ABSTAIN) | in_conflict
    return hard


def doubts(soft: SoftLabels) -> npt.NDArray[np.int64]:
    """One minus the confidence of each label, or one where nobody voted, in millionths; shape (n,)."""
    doubt = np.where(soft.covered, 1.0 - soft.probs.max(axis=1, initial=0.0), 1.0)
    millionths: npt.NDArray[np.int64] = np.rint(doubt * _RESOLUTION).astype(np.int64)
    return millionths


def choose_texts(
    doubt: npt.NDArray[np.int64], hard: npt.NDArray[np.bool_], copies: TextCopies, *, budget: int, audit: float
) -> npt.NDArray[np.int64]:
    """Choose the texts to ask about, the most valuable first.

    One answer serves all rows with a text, so a text is worth the sum of the doubt over its hard rows. Equals are
    ordered by a digest of their content. How good the answers are cannot be learned where the other voters are unsure;
    so a share of the budget goes to texts without any hard row, drawn by another digest and distributed evenly among
    the others.

    Parameters
    ----------
    doubt : ndarray of int64, shape (n,)
        As `doubts` finds it.
    hard : ndarray of bool, shape (n,)
        As `hard_rows` finds them.
    copies : TextCopies
        The u distinct texts of the rows.
    budget : int
        Most texts to choose.
    audit : float
        Share of the chosen texts that are drawn from the others, in [0, 1).

    Returns
    -------
    ndarray of int64, shape (c,)
        Positions among the distinct texts, none twice, at most `budget`. The same texts whatever the order of the rows.
    """
    gains = _sum(doubt * hard, copies)
    n_wanted = int((gains > 0).sum())
    total = min(budget, int(np.ceil(n_wanted / (1 - audit))))
    easy = _sum(hard, copies) == 0
    n_audit = min(int(audit * total), int(easy.sum()))
    wanted = _best(gains, copies.keys, min(n_wanted, total - n_audit))
    audited = _best(easy.astype(np.float64), _mixed(copies.keys), n_audit)
    ranks = [(np.arange(len(texts)) + 0.5) / max(len(texts), 1) for texts in (wanted, audited)]
    chosen: npt.NDArray[np.int64] = np.concatenate([wanted, audited])[np.argsort(np.concatenate(ranks), kind="stable")]
    return chosen


def _sum(values: npt.NDArray[np.generic], copies: TextCopies) -> npt.NDArray[np.float64]:
    """Sum values of rows over the rows of each text; whole numbers, so exactly."""
    sums = np.bincount(copies.inverse, values.astype(np.float64), minlength=len(copies))
    return sums.astype(np.float64)


def _best(gains: npt.NDArray[np.float64], keys: npt.NDArray[np.uint64], size: int) -> npt.NDArray[np.int64]:
    """Return the `size` texts of the highest gain, equals in the order of their keys."""
    if size <= 0:
        return np.zeros(0, np.int64)
    least = np.partition(gains, -size)[-size]
    candidates = np.flatnonzero(gains >= least)
    return candidates[np.lexsort((keys[candidates], -gains[candidates]))][:size]


def _mixed(keys: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Give keys another order, as by chance: the finaliser of SplitMix64 (Steele et al. 2014)."""
    mixed: npt.NDArray[np.uint64] = keys ^ (keys >> np.uint64(30))
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(27)
    mixed *= np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    return mixed
