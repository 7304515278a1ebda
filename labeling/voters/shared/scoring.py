"""From class scores to votes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ....data.types.corpus import Corpus
from ....data.types.label_space import ABSTAIN, LabelSpace
from ....data.types.votes import Votes
from ....models.scoring.priors import Floats, Numbers, match_prior, softmax, standardised
from ...label_models.class_balance import known_shares
from .options import Coverage

SMALLEST_BATCH = 100
"""Rows below which a batch says too little about the class balance to match it."""

CLEAR_LEAD = 1.0
"""By how many spreads of the scores the best class must lead where a catch-all class takes the others."""

_MATCHED = 1 << 18  # scores at a time: matching goes over them some hundred times


def vote_by_margin(scores: Floats, min_margin: float) -> Votes:
    """Vote for the class with the most evidence.

    Parameters
    ----------
    scores : ndarray, shape (n, k)
        Non-negative evidence per class, e.g. summed lexicon weights.
    min_margin : float
        Abstain unless the best class leads the second by at least this much (and by more than 0).

    Returns
    -------
    Votes
        Confidence is the best class's share of the evidence, with half a unit of evidence for every class added:
        one word of evidence gives less confidence than five.
    """
    ordered = np.sort(scores, axis=1)
    lead = ordered[:, -1] - ordered[:, -2]
    labels = np.where((lead >= min_margin) & (lead > 0), scores.argmax(axis=1), ABSTAIN)
    k = scores.shape[1]
    return Votes.from_scores(labels, (ordered[:, -1] + 0.5) / (scores.sum(axis=1) + 0.5 * k))


def vote_by_score(
    scores: Floats, prior: Floats, weights: Numbers, *, coverage: float = 1.0, catch_all: int | None = None
) -> Votes:
    """Vote for the best class after matching the batch to the class balance; abstain on the least confident rows.

    Parameters
    ----------
    scores : ndarray, shape (n, k)
        A model's scores: only differences between classes mean something, not their size.
    prior : ndarray, shape (k,)
        Class balance of the batch. Not used on fewer than `SMALLEST_BATCH` rows, and matched on every m-th score
        where there are millions: sort them, and their shares are those of all. Only the classes whose share is known
        (not NaN) are matched, to one another; the scores of the others are left where they are.
    weights : ndarray, shape (n,)
        How many rows each score stands for.
    coverage : float
        Share of the rows to vote on, in (0, 1]; the most confident of each predicted class. Rows of equal confidence
        are treated alike.
    catch_all : int, optional
        A class that takes what no other one claims: rows on which no class leads by `CLEAR_LEAD` are abstained on.

    Returns
    -------
    Votes
        Confidence is a softmax over scores in units of their spread: it orders rows, it is not calibrated.
    """
    if not len(scores):
        return Votes(np.zeros(0, np.int16), np.zeros(0, np.float32))
    step = -(-len(scores) // _MATCHED)
    some, spread = standardised(scores[::step], weights[::step])
    bias = _matched(some, prior, weights[::step]) if weights.sum() >= SMALLEST_BATCH else np.zeros(scores.shape[1])
    labels, confidence = np.empty(len(scores), np.int16), np.empty(len(scores))
    for start in range(0, len(scores), _MATCHED):
        chunk = scores[start : start + _MATCHED]
        matched = (chunk - chunk.mean(axis=1, keepdims=True, dtype=np.float64)) / spread + bias
        probs = softmax(matched)
        labels[start : start + _MATCHED] = (
            probs.argmax(axis=1) if catch_all is None else _clear_leaders(matched, catch_all)
        )
        confidence[start : start + _MATCHED] = probs.max(axis=1)
    kept = np.zeros(len(scores), bool)
    for label in range(scores.shape[1]):
        rows = np.flatnonzero(labels == label)
        ranked = rows[np.argsort(-confidence[rows], kind="stable")]
        doubts = -confidence[ranked]
        before = np.concatenate([[0.0], np.cumsum(weights[ranked])])[np.searchsorted(doubts, doubts)]
        kept[ranked[before < coverage * weights[rows].sum()]] = True
    return Votes.from_scores(np.where(kept, labels, ABSTAIN), confidence)


def _matched(scores: Floats, prior: Floats, weights: Numbers) -> Floats:
    """Find the biases of the classes whose share is known; their mean is 0 where others are not."""
    known = ~np.isnan(prior)
    if known.all():
        return match_prior(scores, prior, weights)
    bias = np.zeros(len(prior))
    if known.sum() > 1:
        found = match_prior(scores[:, known], prior[known], weights)
        bias[known] = found - found.mean()
    return bias


def _clear_leaders(scores: Floats, catch_all: int) -> npt.NDArray[np.int64]:
    """Return the best class of each row, -1 where it is the catch-all class or does not lead by `CLEAR_LEAD`."""
    best = scores.argmax(axis=1)
    ordered = np.sort(np.delete(scores, catch_all, axis=1), axis=1)
    clear = ordered[:, -1] - ordered[:, -2] >= CLEAR_LEAD if ordered.shape[1] > 1 else True
    return np.where(clear & (best != catch_all), best, ABSTAIN)


def vote_on_rows(scores: Floats, prior: Floats, *, coverage: float = 1.0, catch_all: int | None = None) -> Votes:
    """Apply `vote_by_score` to rows of any order: the votes depend on the scores alone, exactly.

    Parameters
    ----------
    scores : ndarray, shape (n, k)
        Of every row; equal ones are counted together.
    prior, coverage, catch_all
        As for `vote_by_score`.
    """
    order = np.lexsort(scores.T)
    ordered = scores[order]
    new = np.ones(len(scores), bool)
    new[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    group = np.cumsum(new) - 1
    votes = vote_by_score(ordered[new], prior, np.bincount(group), coverage=coverage, catch_all=catch_all)
    inverse = np.empty(len(scores), np.int64)
    inverse[order] = group
    return votes.take(inverse)


@dataclass(frozen=True, kw_only=True)
class MatchedVoter:
    """The options and methods of voters whose scores are matched to the class balance.

    Parameters
    ----------
    labels : LabelSpace
    class_balance : tuple of float
        Expected share of each class, NaN where nothing shows it.
    coverage, catch_all
        As for `vote_by_score`; the class by its name, empty for none.
    """

    labels: LabelSpace
    class_balance: tuple[float, ...]
    coverage: Coverage = 1.0
    catch_all: str = ""

    def scores(self, corpus: Corpus) -> npt.NDArray[np.float32]:
        """Return the score of each class for every row, shape (n, k); raises as `vote` does."""
        raise NotImplementedError

    def vote(self, corpus: Corpus) -> Votes:
        """Vote on every row.

        Raises
        ------
        ConfigError
            If a class lacks what the voter compares, or the class balance does not fit the classes.
        ModelError
            If the model cannot be loaded or cannot do what is needed.
        """
        return self.decide(self.scores(corpus))

    def decide(self, scores: npt.NDArray[np.float32]) -> Votes:
        """Match the scores of all rows to the class balance."""
        balance = known_shares(self.class_balance, self.labels.k)
        catch_all = self.labels.index(self.catch_all) if self.catch_all else None
        return vote_on_rows(scores, balance, coverage=self.coverage, catch_all=catch_all)
