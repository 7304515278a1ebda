"""Which texts a costly voter is asked about: the ones on which its answer is expected to change most."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from ..data.corpus import UniqueTexts
from ..data.label_space import ABSTAIN
from ..data.soft_labels import SoftLabels
from ..data.votes import Votes

_RESOLUTION = 1_000_000  # doubt is counted in whole millionths, so that sums do not depend on the order of the rows


def divided(patterns: npt.NDArray[np.int16]) -> npt.NDArray[np.bool_]:
    """Say in which patterns, shape (p, m), two voters vote for different classes; shape (p,)."""
    lowest = np.where(patterns == ABSTAIN, np.iinfo(np.int16).max, patterns).min(axis=1, initial=np.iinfo(np.int16).max)
    conflict: npt.NDArray[np.bool_] = patterns.max(axis=1, initial=ABSTAIN) > lowest
    return conflict


def hard_rows(soft: SoftLabels, in_conflict: npt.NDArray[np.bool_], *, below: float) -> npt.NDArray[np.bool_]:
    """Rows that are uncovered, tied, in conflict, or labelled with less confidence than `below`; shape (n,)."""
    hard: npt.NDArray[np.bool_] = (soft.hard(below) == ABSTAIN) | in_conflict
    return hard


def choose_texts(
    soft: SoftLabels, hard: npt.NDArray[np.bool_], unique: UniqueTexts, *, budget: int, audit: float
) -> npt.NDArray[np.int64]:
    """Choose the texts to ask about, the most valuable first.

    One answer serves all rows with a text, so a text is worth the sum of the doubt over its hard rows: one minus the
    confidence, or one where nobody voted. Equals are ordered by a digest of their content. How good the answers are
    cannot be learned where the other voters are unsure; so a share of the budget goes to texts without any hard row,
    drawn by another digest and spread evenly among the others.

    Parameters
    ----------
    soft : SoftLabels
        Of n rows.
    hard : ndarray of bool, shape (n,)
        As `hard_rows` finds them.
    unique : UniqueTexts
        The u distinct texts of the rows.
    budget : int
        Most texts to choose.
    audit : float
        Share of the chosen texts that are drawn from the others, in [0, 1).

    Returns
    -------
    ndarray of int64, shape (c,)
        Positions in ``unique.texts``, none twice, at most `budget`. The same texts whatever the order of the rows.
    """
    doubt = np.where(soft.covered, 1.0 - soft.probs.max(axis=1, initial=0.0), 1.0)
    gains = _sum(np.rint(doubt * _RESOLUTION) * hard, unique)
    n_wanted = int((gains > 0).sum())
    total = min(budget, int(np.ceil(n_wanted / (1 - audit))))
    easy = _sum(hard.astype(np.float64), unique) == 0
    n_audit = min(int(audit * total), int(easy.sum()))
    asked = _best(gains, unique, min(n_wanted, total - n_audit), salt=b"")
    audited = _best(easy.astype(np.float64), unique, n_audit, salt=b"audit")
    places = [(np.arange(len(part)) + 0.5) / max(len(part), 1) for part in (asked, audited)]
    chosen: npt.NDArray[np.int64] = np.concatenate([asked, audited])[np.argsort(np.concatenate(places), kind="stable")]
    return chosen


def spread(votes: Votes, chosen: npt.NDArray[np.int64], unique: UniqueTexts) -> Votes:
    """Give every row the vote on its text, and an abstention where its text was not chosen.

    Parameters
    ----------
    votes : Votes
        On the c chosen texts.
    chosen : ndarray of int64, shape (c,)
        Their positions in ``unique.texts``.
    unique : UniqueTexts
        The distinct texts of the rows.
    """
    labels = np.full(len(unique), ABSTAIN, np.int16)
    confidence = np.full(len(unique), np.nan, np.float32)
    labels[chosen], confidence[chosen] = votes.labels, votes.confidence
    return Votes(labels, confidence).take(unique.inverse)


def _sum(values: npt.NDArray[np.float64], unique: UniqueTexts) -> npt.NDArray[np.float64]:
    """Sum values of rows over the rows of each text; whole numbers, so exactly."""
    sums: npt.NDArray[np.float64] = np.bincount(unique.inverse, values, minlength=len(unique)).astype(np.float64)
    return sums


def _best(gains: npt.NDArray[np.float64], unique: UniqueTexts, size: int, *, salt: bytes) -> npt.NDArray[np.int64]:
    """Return the `size` texts of the highest gain, equals in the order of their digests."""
    if size <= 0:
        return np.zeros(0, np.int64)
    least = np.partition(gains, -size)[-size]
    candidates = np.flatnonzero(gains >= least)
    digests = _digests(unique.texts.gather(candidates), salt)
    return candidates[np.lexsort((digests, -gains[candidates]))][:size]


def _digests(texts: Iterable[str], salt: bytes) -> npt.NDArray[np.uint64]:
    raw = b"".join(hashlib.blake2b(text.encode(), digest_size=8, key=salt).digest() for text in texts)
    return np.frombuffer(raw, np.dtype(">u8"))
