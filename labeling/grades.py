"""Graded votes: how much a vote counts by its confidence, as far as the other voters bear it out.

A label model takes all votes of a voter for a class alike. Here the votes of a voter for a class are divided by their
confidence into grades, and each grade adds log-odds to that class: those by which the normal scores of the grades
(van der Waerden 1952) tell rows that the label model gives the class from rows that it gives another one, as a linear
discriminant with one variance (Fisher 1936), shrunk by what chance would show (James & Stein 1961). Confidence only
orders the votes of one voter for one class; it need not be calibrated, and where the others do not bear it out nothing
is added.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ..data.runs.directory import RunDirectory
from ..data.runs.votes import load_confidence
from ..data.types.soft_labels import SoftLabels
from ..data.types.votes import Votes
from ..models.scoring.priors import normal_scores, softmax
from .label_models.consensus import keep_votes
from .label_models.patterns import VotePatterns

Array = npt.NDArray[np.float64]
Grades = npt.NDArray[np.int8]
Limits = npt.NDArray[np.float32]

GRADES = 16
_MIN_VOTES = 200  # of a voter for a class; of fewer a grade has less than a dozen
_MIN_VARIANCE = 1e-6  # of the label model's probabilities, below which it leaves nothing to tell
_MIN_WITHIN = 0.1  # of the scores' variance, to lie within right and within wrong votes
_STEP = 0.5  # of log-odds, to which a row's grades are rounded: few patterns come of it, and finer steps gain nothing


def grade_limits(votes: npt.NDArray[np.integer], confidence: npt.NDArray[np.float32], k: int) -> Limits:
    """Divide the votes of one voter, shape (n,), into `GRADES` equal parts by confidence, class by class.

    Returns
    -------
    ndarray of float32, shape (k, GRADES - 1)
        Highest confidence of each grade but the last.
    """
    limits = np.ones((k, GRADES - 1), np.float32)
    for label in range(k):
        own = confidence[votes == label]
        if len(own):
            limits[label] = np.quantile(own, np.arange(1, GRADES) / GRADES, method="lower")
    return limits


def grade_votes(votes: npt.NDArray[np.integer], confidence: npt.NDArray[np.float32], limits: Limits) -> Grades:
    """Return the grade of each vote, shape (n,); votes of equal confidence have the same one. 0 for abstentions."""
    grades = np.zeros(len(votes), np.int8)
    for label, edges in enumerate(limits):
        rows = np.flatnonzero(votes == label)
        grades[rows] = np.searchsorted(edges, confidence[rows])
    return grades


def load_grades(run: RunDirectory, voters: Sequence[str], table: VotePatterns, k: int) -> tuple[Limits, Grades]:
    """Grade the votes that are kept in a run.

    Parameters
    ----------
    run : RunDirectory
    voters : sequence of str
        Names of the m voters, or none to take all votes of a voter for a class alike.
    table : VotePatterns
        Their votes.
    k : int
        Number of classes.

    Returns
    -------
    ndarray of float32, shape (m, k, GRADES - 1), and ndarray of int8, shape (m, n)
        See `grade_limits` and `grade_votes`.
    """
    n = len(table.inverse)
    limits, grades = np.ones((table.m, k, GRADES - 1), np.float32), np.zeros((table.m, n), np.int8)
    for j, voter in enumerate(voters):
        votes, confidence = table.expand(table.patterns[:, j]), load_confidence(run, voter, n)
        limits[j] = grade_limits(votes, confidence, k)
        grades[j] = grade_votes(votes, confidence, limits[j])
    return limits, grades


def grade_log_odds(table: VotePatterns, probs: Array, grades: Grades, weights: Array) -> Array:
    """Find what a vote of each grade adds to the log-odds of its class.

    Parameters
    ----------
    table : VotePatterns
        The votes; it maps rows.
    probs : ndarray of float64, shape (p, k)
        What the label model makes of them.
    grades : ndarray of int8, shape (m, n)
        See `grade_votes`.
    weights : ndarray of float64, shape (m,)
        Factor of each voter's evidence (`em.group_weights`): voters of one group do not count twice.

    Returns
    -------
    ndarray of float64, shape (m, k, GRADES)
    """
    k = probs.shape[1]
    log_odds = np.zeros((table.m, k, GRADES))
    for j in range(table.m):
        codes = table.inverse.astype(np.int64) * GRADES + grades[j]
        rows = np.bincount(codes, minlength=len(table) * GRADES).reshape(-1, GRADES)
        for label in range(k):
            voted = table.patterns[:, j] == label
            log_odds[j, label] = weights[j] * _discriminant(rows[voted], probs[voted, label])
    return log_odds


def _discriminant(rows: npt.NDArray[np.int64], right: Array) -> Array:
    """Log-odds of each grade, shape (GRADES,), 0 on average.

    Parameters
    ----------
    rows : ndarray of int64, shape (p, GRADES)
        How many rows of each pattern have each grade.
    right : ndarray of float64, shape (p,)
        Probability of the class that these rows are votes for.
    """
    counts, by_pattern, n = rows.sum(axis=0), rows.sum(axis=1), rows.sum()
    share = by_pattern @ right / max(n, 1)
    variance = share * (1 - share)
    if n < _MIN_VOTES or np.count_nonzero(counts) < 2 or variance < _MIN_VARIANCE:
        return np.zeros(GRADES)
    scores = normal_scores(counts)
    scores -= counts @ scores / n
    scores = np.where(counts > 0, scores / np.sqrt(counts @ scores**2 / n), 0.0)
    distance = max(float(right @ rows @ scores) / n / variance, 0.0)  # of the mean scores of right and wrong votes
    chance = by_pattern @ (right - share) ** 2 / (n * variance) ** 2  # the square of it, were grades dealt at random
    slope = max(distance - chance / distance, 0.0) if distance else 0.0
    log_odds: Array = slope / max(1 - variance * slope**2, _MIN_WITHIN) * scores
    return log_odds


@dataclass(frozen=True, eq=False)
class Grading:
    """What the votes of m voters count by their confidence.

    Parameters
    ----------
    limits : ndarray of float32, shape (m, k, GRADES - 1)
        See `grade_limits`.
    log_odds : ndarray of float64, shape (m, k, GRADES)
        See `grade_log_odds`.
    contradicted : collection of int
        See `consensus.keep_votes`.
    """

    limits: Limits
    log_odds: Array
    contradicted: Collection[int] = ()

    def grades(self, votes: Sequence[Votes]) -> Grades:
        """Return the grades of the voters' votes, shape (m, n)."""
        pairs = zip(votes, self.limits, strict=True)
        return np.stack([grade_votes(each.labels, each.confidence, limits) for each, limits in pairs])

    def add(self, table: VotePatterns, probs: Array, grades: Grades) -> tuple[VotePatterns, SoftLabels]:
        """Add to what a label model makes of each pattern what the grades of its rows say.

        Parameters
        ----------
        table, probs, grades
            As for `grade_log_odds`; the votes may be on other rows.

        Returns
        -------
        VotePatterns and SoftLabels, shape (q, k)
            A pattern whose rows differ in what is added is there more than once.
        """
        if not self.log_odds.any():
            return table, SoftLabels(probs.astype(np.float32), table.covered)
        logits = np.log(np.maximum(probs, np.finfo(np.float64).tiny))
        for label in range(probs.shape[1]):
            added = np.zeros(len(table.inverse), np.float32)
            for j in np.flatnonzero(self.log_odds[:, label].any(axis=1)):
                voted = table.expand(table.patterns[:, j] == label)
                added += self.log_odds[j, label].astype(np.float32)[grades[j]] * voted
            table, old, steps = table.split(np.rint(added / _STEP).astype(np.int8))
            logits = logits[old]
            logits[:, label] += steps * _STEP
        kept = keep_votes(table, softmax(logits).astype(np.float64), self.contradicted)
        return table, SoftLabels(kept.astype(np.float32), table.covered)

    def of_voters(self, columns: Sequence[int]) -> Grading:
        """Leave out all but some of the voters."""
        return replace(self, limits=self.limits[columns], log_odds=self.log_odds[columns])

    def to_json(self) -> dict[str, Any]:
        """Return it as lists, for `from_json`."""
        limits, log_odds = self.limits.tolist(), self.log_odds.tolist()
        return {"limits": limits, "log_odds": log_odds, "contradicted": list(self.contradicted)}

    @classmethod
    def from_json(cls, saved: Mapping[str, Any]) -> Grading:
        """Make it from what `to_json` returned."""
        limits, log_odds = np.asarray(saved["limits"], np.float32), np.asarray(saved["log_odds"], np.float64)
        return cls(limits, log_odds, saved["contradicted"])
