"""What voters return, alone (`Votes`) and side by side (`LabelMatrix`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import LabelModelError
from .label_space import ABSTAIN


@dataclass(frozen=True, eq=False)
class Votes:
    """One voter's votes on a batch.

    Parameters
    ----------
    labels : ndarray of int16, shape (n,)
        Class indices, -1 where the voter abstained.
    confidence : ndarray of float32, shape (n,)
        In [0, 1], NaN exactly where the voter abstained.

    Raises
    ------
    ValueError
        If shapes differ, a label is below -1, a confidence outside [0, 1], or NaN and abstentions disagree.
    """

    labels: npt.NDArray[np.int16]
    confidence: npt.NDArray[np.float32]

    def __post_init__(self) -> None:
        object.__setattr__(self, "labels", _as_labels(self.labels, ndim=1))
        object.__setattr__(self, "confidence", np.asarray(self.confidence, dtype=np.float32))
        _check_confidence(self.labels, self.confidence)

    def __len__(self) -> int:
        return len(self.labels)

    @classmethod
    def from_scores(cls, labels: npt.ArrayLike, confidence: npt.ArrayLike = 1.0) -> Votes:
        """Build votes whose confidence is blanked to NaN wherever the label is -1."""
        indices = np.asarray(labels, dtype=np.int16)
        scores = np.where(indices == ABSTAIN, np.nan, np.asarray(confidence, dtype=np.float32))
        return cls(indices, scores.astype(np.float32))

    def take(self, index: npt.NDArray[np.integer] | slice) -> Votes:
        """Gather rows: votes on unique texts become votes on all rows."""
        return Votes(self.labels[index], self.confidence[index])

    def scatter(self, index: npt.NDArray[np.integer], size: int) -> Votes:
        """Put the votes at these rows, none twice, of `size`; abstain on the others."""
        labels, confidence = np.full(size, ABSTAIN, np.int16), np.full(size, np.nan, np.float32)
        labels[index], confidence[index] = self.labels, self.confidence
        return Votes(labels, confidence)


@dataclass(frozen=True, eq=False)
class LabelMatrix:
    """The votes of m voters on n examples; `numpy.asarray` gives the bare votes.

    Parameters
    ----------
    votes : ndarray of int16, shape (n, m)
        Class indices, -1 where a voter abstained.
    voters : tuple[str, ...]
        The m unique voter names, in column order.
    classes : tuple[str, ...]
        Names of the k classes; empty where they are not known.
    families : tuple[str, ...]
        What each voter decides by, such as a model: voters of one family may repeat one another. Empty if unknown.

    Raises
    ------
    ValueError
        If shapes differ, names repeat, or a value is out of range.

    Examples
    --------
    >>> L = LabelMatrix([[0, -1], [1, 1]], ("keywords", "emoji"))
    >>> L.shape
    (2, 2)
    >>> L.covered.tolist()
    [True, True]
    """

    votes: npt.NDArray[np.int16]
    voters: tuple[str, ...]
    classes: tuple[str, ...] = ()
    families: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "votes", _as_labels(self.votes, ndim=2))
        object.__setattr__(self, "voters", tuple(self.voters))
        if self.votes.shape[1] != len(self.voters):
            raise ValueError(f"{self.votes.shape[1]} columns of votes but {len(self.voters)} voter names.")
        if self.families and len(self.families) != len(self.voters):
            raise ValueError(f"{len(self.families)} families but {len(self.voters)} voters.")
        if len(set(self.voters)) < len(self.voters):
            raise ValueError(f"Voter names must be unique, found {list(self.voters)}.")
        if self.classes and self.votes.max(initial=ABSTAIN) >= len(self.classes):
            raise ValueError(f"A vote for class {self.votes.max()}, but there are only {len(self.classes)} classes.")

    @classmethod
    def of(cls, votes: Any) -> LabelMatrix:
        """Take a label matrix, an array of integers of shape (n, m), or a data frame with a column for each voter.

        Raises
        ------
        LabelModelError
            If it is something else, or a value is out of range.
        """
        if isinstance(votes, cls):
            return votes
        try:
            array = np.asarray(votes)
            names = getattr(votes, "columns", range(array.shape[1] if array.ndim == 2 else 0))
            return cls(array, tuple(map(str, names)))
        except (TypeError, ValueError) as error:
            raise LabelModelError(
                f"This is no label matrix: {error}",
                hint="Give integers of shape (n, m): a row per example, a column per voter, -1 where it abstains.",
            ) from error

    def __len__(self) -> int:
        return len(self.votes)

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> npt.NDArray[Any]:
        return np.array(self.votes, dtype=dtype, copy=bool(copy) or None)

    @property
    def shape(self) -> tuple[int, int]:
        """Examples and voters."""
        return self.votes.shape[0], self.votes.shape[1]

    @property
    def covered(self) -> npt.NDArray[np.bool_]:
        """Rows on which at least one voter voted, shape (n,)."""
        covered: npt.NDArray[np.bool_] = np.any(self.votes != ABSTAIN, axis=1)
        return covered


def _as_labels(values: npt.ArrayLike, *, ndim: int) -> npt.NDArray[np.int16]:
    array = np.asarray(values)
    if array.ndim != ndim:
        raise ValueError(f"Votes must have {ndim} dimension(s), got shape {array.shape}.")
    if array.size and not np.issubdtype(array.dtype, np.integer):
        raise ValueError(f"Votes must be integers, got {array.dtype}.")
    if array.size and (array.min() < ABSTAIN or array.max() > np.iinfo(np.int16).max):
        raise ValueError(f"Votes must lie in [-1, k), found {array.min()} to {array.max()}.")
    return array.astype(np.int16, copy=False)


def _check_confidence(labels: npt.NDArray[np.int16], confidence: npt.NDArray[np.float32]) -> None:
    if labels.shape != confidence.shape:
        raise ValueError(f"Votes of shape {labels.shape} but confidence of shape {confidence.shape}.")
    if not np.array_equal(np.isnan(confidence), labels == ABSTAIN):
        raise ValueError("Confidence must be NaN exactly where the voter abstained (-1).")
    lowest, highest = (extreme.reduce(confidence, axis=None, initial=0.0) for extreme in (np.fmin, np.fmax))
    if lowest < 0 or highest > 1:
        raise ValueError(f"Confidence must lie in [0, 1], found {lowest} to {highest}.")
