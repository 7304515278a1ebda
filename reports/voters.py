"""How good each voter is, what the label model thinks of it, and what would be lost without it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..data.label_space import ABSTAIN
from ..labeling.label_model import build_label_model, fit_votes
from ..labeling.patterns import VotePatterns
from ..labeling.settings import LabelModelSection
from .comparison import Comparison, compare
from .evidence import Evidence
from .measures import Measures, measure

_FEWEST_VOTERS = 2  # with one left there is nothing to combine


@dataclass(frozen=True)
class VoterReport:
    """One voter.

    Parameters
    ----------
    name : str
    coverage, overlaps, conflicts : float
        Shares of all input rows, as `labeler label` counts them.
    estimated_accuracy : float, optional
        What the label model thinks, without gold rows.
    measured : Measures, optional
        On the gold rows it votes on; None if there are none.
    without : Comparison, optional
        The weak labels against those that the other voters alone would give: a negative difference in macro-F1 means
        that the voter does harm. None where too few voters are left.
    """

    name: str
    coverage: float
    overlaps: float
    conflicts: float
    estimated_accuracy: float | None
    measured: Measures | None
    without: Comparison | None


def voter_reports(evidence: Evidence, settings: LabelModelSection, *, resamples: int) -> list[VoterReport]:
    """Measure every voter.

    Parameters
    ----------
    evidence : Evidence
    settings : LabelModelSection
        How the run combined its votes.
    resamples : int
        Of the intervals.
    """
    truth, weights = evidence.truth, evidence.weights
    without = _without_each(evidence, settings)
    reports = []
    for row, opinion in zip(evidence.summary["voters"], evidence.voters, strict=True):
        rows = np.flatnonzero(opinion.found != ABSTAIN)
        measured = None
        if len(rows):
            measured = measure(
                truth[rows],
                opinion.found[rows],
                None,
                labels=evidence.labels,
                weights=None if weights is None else weights[rows],
                resamples=resamples,
            )
        others = without.get(opinion.name)
        reports.append(
            VoterReport(
                name=opinion.name,
                coverage=row["coverage"],
                overlaps=row["overlaps"],
                conflicts=row["conflicts"],
                estimated_accuracy=row["estimated_accuracy"],
                measured=measured,
                without=None
                if others is None
                else compare(
                    truth, evidence.weak.found, others, labels=evidence.labels, weights=weights, resamples=resamples
                ),
            )
        )
    return reports


def agreement(evidence: Evidence) -> npt.NDArray[np.float64]:
    """Share of the rows both vote on that two voters agree on, shape (m, m); NaN where they never meet."""
    votes = VotePatterns.from_votes(_votes(evidence)).without_rows()
    voting = votes.patterns != ABSTAIN
    m = votes.m
    result = np.full((m, m), np.nan)
    for i in range(m):
        for j in range(m):
            both = votes.counts @ (voting[:, i] & voting[:, j])
            if both:
                result[i, j] = votes.counts @ (voting[:, i] & (votes.patterns[:, i] == votes.patterns[:, j])) / both
    return result


def _votes(evidence: Evidence) -> npt.NDArray[np.int16]:
    """Return the votes on all rows, shape (n, m)."""
    return np.column_stack([evidence.labels.encode(frame["vote"]) for frame in evidence.votes.values()])


def _without_each(evidence: Evidence, settings: LabelModelSection) -> dict[str, npt.NDArray[np.int16]]:
    """Labels of the gold rows by all voters but one, for each of them."""
    names = list(evidence.votes)
    if len(names) <= _FEWEST_VOTERS:
        return {}
    votes = _votes(evidence)
    on_gold = np.column_stack([opinion.found for opinion in evidence.voters])
    found = {}
    for j, name in enumerate(names):
        families = [family for i, family in enumerate(evidence.families) if i != j]
        others = np.delete(votes, j, axis=1), np.delete(on_gold, j, axis=1)
        found[name] = _combined(*others, evidence, settings, families)
    return found


def _combined(
    votes: npt.NDArray[np.int16],
    on_gold: npt.NDArray[np.int16],
    evidence: Evidence,
    settings: LabelModelSection,
    families: list[str],
) -> npt.NDArray[np.int16]:
    k = evidence.labels.k
    table = VotePatterns.from_votes(votes)
    if not table.covered.any():
        return np.full(len(on_gold), ABSTAIN, np.int16)
    model = build_label_model(
        settings.method,
        k=k,
        class_balance=list(evidence.summary["class_balance"].values()),
        seed=settings.seed,
        group_correlated=settings.group_correlated,
        families=families,
    )
    fit_votes(table, model, k=k)
    asked = VotePatterns.from_votes(on_gold)
    found = asked.expand(model.predict_proba(asked).argmax(axis=1)).astype(np.int16)
    found[~asked.expand(asked.covered)] = ABSTAIN
    return found


def harmful(report: VoterReport) -> bool:
    """Whether the weak labels are better without it, beyond chance."""
    return report.without is not None and report.without.macro_f1_difference.high < 0
