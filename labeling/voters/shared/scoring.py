"""From class scores to votes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

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


@dataclass(frozen=True)
class DecisionRule:
    """How the scores of a row become a vote; fitted to a corpus, and then the same for other rows.

    Parameters
    ----------
    spread : float
        Scale of the centred scores.
    bias : sequence of float, length k
        Added to the scores in units of their spread: the votes of the corpus follow the class balance.
    thresholds : sequence of float, length k
        Least confidence of a vote for each class.
    """

    spread: float
    bias: Sequence[float]
    thresholds: Sequence[float]

    def apply(self, scores: Floats, *, catch_all: int | None = None) -> Votes:
        """Vote for the best class, shape (n, k) of scores, and abstain where it is not confident enough.

        Confidence is a softmax over scores in units of their spread: it orders rows, it is not calibrated. With a class
        that takes what no other one claims (`catch_all`), rows on which no class leads by `CLEAR_LEAD` are abstained
        on.
        """
        labels, confidence = np.empty(len(scores), np.int16), np.empty(len(scores))
        for start in range(0, len(scores), _MATCHED):
            chunk = scores[start : start + _MATCHED]
            matched = (chunk - chunk.mean(axis=1, keepdims=True, dtype=np.float64)) / self.spread + self.bias
            probs = softmax(matched)
            labels[start : start + _MATCHED] = (
                probs.argmax(axis=1) if catch_all is None else _clear_leaders(matched, catch_all)
            )
            confidence[start : start + _MATCHED] = probs.max(axis=1)
        return Votes.from_scores(np.where(confidence >= np.take(self.thresholds, labels), labels, ABSTAIN), confidence)


def fit_rule(
    scores: Floats, prior: Floats, weights: Numbers, *, coverage: float = 1.0, catch_all: int | None = None
) -> DecisionRule:
    """Match the scores of a corpus to the class balance; the least confident rows are to be abstained on.

    Parameters
    ----------
    scores : ndarray, shape (n, k)
        A model's scores: only differences between classes mean something, not their size.
    prior : ndarray, shape (k,)
        Class balance of the corpus. Not used on fewer than `SMALLEST_BATCH` rows, and matched on every m-th score
        where there are millions: sort them, and their shares are those of all. Only the classes whose share is known
        (not NaN) are matched, to one another; the scores of the others are left where they are.
    weights : ndarray, shape (n,)
        How many rows each score stands for.
    coverage : float
        Share of the rows to vote on, in (0, 1]; the most confident of each predicted class. Rows of equal confidence
        are treated alike.
    catch_all : int, optional
        As for `DecisionRule.apply`.
    """
    k = scores.shape[1]
    if not len(scores):
        return DecisionRule(1.0, (0.0,) * k, (0.0,) * k)
    step = -(-len(scores) // _MATCHED)
    some, spread = standardised(scores[::step], weights[::step])
    bias = _matched(some, prior, weights[::step]) if weights.sum() >= SMALLEST_BATCH else np.zeros(k)
    rule = DecisionRule(spread, tuple(bias.tolist()), (0.0,) * k)
    if coverage == 1:
        return rule
    votes = rule.apply(scores, catch_all=catch_all)
    thresholds = (_threshold(votes.confidence[rows], weights[rows], coverage) for rows in votes.labels == np.c_[:k])
    return replace(rule, thresholds=tuple(thresholds))


def _threshold(confidence: Floats, weights: Numbers, coverage: float) -> float:
    """Return the confidence, halfway between two that occur, above which a share of the rows lies; 0 for all rows."""
    values, group = np.unique(-confidence, return_inverse=True)
    before = np.cumsum(np.bincount(group, weights)) - np.bincount(group, weights)
    kept = int((before < coverage * weights.sum()).sum())
    return -float(values[kept - 1] + values[kept]) / 2 if kept < len(values) else 0.0


def fit_rule_to_rows(
    scores: Floats, prior: Floats, *, coverage: float = 1.0, catch_all: int | None = None
) -> DecisionRule:
    """Apply `fit_rule` to rows of any order: the rule depends on the scores alone, exactly; equal ones count together.

    Parameters are those of `fit_rule`.
    """
    ordered = scores[np.lexsort(scores.T)]
    new = np.ones(len(scores), bool)
    new[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    counts = np.bincount(np.cumsum(new) - 1) if len(scores) else np.zeros(0, np.int64)
    return fit_rule(ordered[new], prior, counts, coverage=coverage, catch_all=catch_all)


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


@dataclass(frozen=True, kw_only=True)
class MatchedVoter:
    """The options and methods of voters whose scores are matched to the class balance.

    Parameters
    ----------
    labels : LabelSpace
    class_balance : tuple of float
        Expected share of each class, NaN where nothing shows it.
    coverage, catch_all
        As for `fit_rule`; the class by its name, empty for none.
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
        scores = self.scores(corpus)
        return self.decide(scores, self.rule(scores))

    def rule(self, scores: npt.NDArray[np.float32]) -> Mapping[str, Any]:
        """Match the scores of all rows to the class balance; see `DecisionRule`."""
        balance = known_shares(self.class_balance, self.labels.k)
        rule = fit_rule_to_rows(scores, balance, coverage=self.coverage, catch_all=self._catch_all)
        return asdict(rule)

    def decide(self, scores: npt.NDArray[np.float32], rule: Mapping[str, Any]) -> Votes:
        """Vote on some rows by the rule that fits all of them."""
        return DecisionRule(**rule).apply(scores, catch_all=self._catch_all)

    @property
    def _catch_all(self) -> int | None:
        return self.labels.index(self.catch_all) if self.catch_all else None
