"""How good each voter is, what the label model thinks of it, and what would be lost without it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ...data.gold.scores import weighted_share
from ...data.runs.labels import LabelledRun
from ...data.types.label_space import ABSTAIN
from ...data.types.soft_labels import SoftLabels
from ...labeling.balance.catch_all import with_catch_all
from ...labeling.cascade.reliability import combine
from ...labeling.label_models.build import VoteAggregator, build_label_model, fit_votes
from ...labeling.label_models.patterns import VotePatterns
from ...labeling.settings import LabelModelSection
from ..metrics.comparison import Comparison
from ..metrics.measures import Measures
from .evaluation_data import EvaluationData, Predictions

Labels = npt.NDArray[np.int16]

_MIN_VOTERS = 2  # with one left there is nothing to combine


@dataclass(frozen=True)
class VoterReport:
    """One voter.

    Parameters
    ----------
    name : str
    coverage, overlaps, conflicts : float
        Shares of all input rows, as `labeler label` counts them.
    agreement : float, optional
        How often the label model takes it to be right, judged by the other voters: an upper bound. None where they
        hardly vote on the same rows.
    measured : Measures, optional
        On the gold rows it votes on; None if there are none.
    without : Comparison, optional
        The label model's labels against those that the other voters alone would give: a negative difference in
        macro-F1 means that the voter does harm. None where too few voters are left.
    """

    name: str
    coverage: float
    overlaps: float
    conflicts: float
    agreement: float | None
    measured: Measures | None
    without: Comparison | None


def voter_reports(data: EvaluationData, settings: LabelModelSection, *, resamples: int) -> list[VoterReport]:
    """Measure every voter.

    Parameters
    ----------
    data : EvaluationData
    settings : LabelModelSection
        How the run combined its votes.
    resamples : int
        Of the intervals.
    """
    without = _without_each(data, settings)
    reports = []
    for row, votes in zip(data.summary["voters"], data.voters, strict=True):
        voted = replace(votes, unseen=votes.hard != ABSTAIN)
        measured = data.measure(voted, resamples=resamples) if voted.unseen.any() else None
        if measured is not None:  # the interval of its accuracy as `labeler label` shows it
            right = (data.truth == votes.hard)[voted.unseen]
            measured = replace(measured, accuracy=weighted_share(right, data.gold.weights[voted.unseen]))
        others = without.get(votes.name)
        counts = {name: row[name] for name in ("coverage", "overlaps", "conflicts", "agreement")}
        compared = None if others is None else data.compare(data.unrefined, others, resamples=resamples)
        reports.append(VoterReport(votes.name, **counts, measured=measured, without=compared))
    return reports


def agreement(data: EvaluationData) -> npt.NDArray[np.float64]:
    """Share of the rows both vote on that two voters agree on, shape (m, m); NaN where they share no row."""
    votes = VotePatterns.from_votes(data.labelled.vote_matrix()).without_rows()
    voting = votes.patterns != ABSTAIN
    m = votes.m
    result = np.full((m, m), np.nan)
    for i in range(m):
        for j in range(m):
            both = votes.counts @ (voting[:, i] & voting[:, j])
            if both:
                result[i, j] = votes.counts @ (voting[:, i] & (votes.patterns[:, i] == votes.patterns[:, j])) / both
    return result


def _without_each(data: EvaluationData, settings: LabelModelSection) -> dict[str, Predictions]:
    """Labels of the gold rows by all voters but one, for each of them."""
    names, votes = data.labelled.voters, data.labelled.vote_matrix()
    # Voters that were asked about hard rows after all others, with their confusion matrices.
    asked = {entry["voter"]: np.array(entry["confusion"]) for entry in data.summary.get("cascade", [])}
    on_gold = np.column_stack([predictions.hard for predictions in data.voters])
    found = {}
    for left_out in names:
        others = [j for j, name in enumerate(names) if name not in asked and name != left_out]
        if left_out not in asked and len(others) < _MIN_VOTERS:
            continue
        soft = _combined(data, settings, others, votes[:, others], on_gold[:, others])
        probs, covered = soft.probs.copy(), soft.covered.copy()
        for name in (each for each in asked if each != left_out):  # weighed in as `labeler label` did
            given = on_gold[:, names.index(name)]
            rows = np.flatnonzero(given != ABSTAIN)
            probs[rows] = combine(probs[rows], given[rows], asked[name])
            covered[rows] = True
        found[left_out] = replace(data.weak, hard=SoftLabels(probs, covered).hard(), probs=None)
    return found


def _combined(
    data: EvaluationData, settings: LabelModelSection, voters: list[int], votes: Labels, on_gold: Labels
) -> SoftLabels:
    """Label the gold rows by some voters alone, given their votes on all rows and on the gold rows."""
    table, balance = VotePatterns.from_votes(votes), data.labelled.class_balance
    if not table.covered.any():
        return SoftLabels(np.tile(np.asarray(balance, np.float32), (len(on_gold), 1)), np.zeros(len(on_gold), np.bool_))
    model = fit_again(data.labelled, [data.labelled.voters[j] for j in voters], table, settings)
    asked = VotePatterns.from_votes(on_gold)
    soft = SoftLabels(asked.expand(model.predict_proba(asked).astype(np.float32)), asked.expand(asked.covered))
    catch_all = data.summary.get("catch_all")
    return with_catch_all(soft, data.labels.index(catch_all)) if catch_all else soft


def fit_again(
    labelled: LabelledRun, voters: Sequence[str], votes: VotePatterns, settings: LabelModelSection
) -> VoteAggregator:
    """Fit the label model of a run again, to the votes of some of its voters."""
    k = labelled.label_space.k
    model = build_label_model(
        settings.method,
        k=k,
        class_balance=labelled.class_balance,
        seed=settings.seed,
        group_correlated=settings.group_correlated,
        families=[labelled.families[name] for name in voters],
    )
    return fit_votes(votes, model, k=k)


def harmful(report: VoterReport) -> bool:
    """Whether the weak labels are better without it, beyond chance."""
    return report.without is not None and report.without.macro_f1_difference.high < 0
