"""Which single rules do more harm than good, judged by the other voters on the reviews they vote on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from ...data.types.label_space import ABSTAIN, LabelSpace
from .rules import Rule

_MIN_REVIEWS = 5  # that the other voters label
_EXAMPLES = 3


@dataclass(frozen=True)
class RuleCheck:
    """One rule compared with the other voters.

    Parameters
    ----------
    voter, label, rule : str
    votes : int
        Distinct reviews in which the rule is found and its voter voted for its class.
    judged : int
        Of these, reviews that the other voters label.
    agreement : float, optional
        Share of the judged ones that the others label with the rule's class; None if there are none.
    expected : float
        The same share over all votes of its voter for the class.
    bound : float
        Below it a rule does harm: a third of the way from what pure chance would reach to `expected`, and at most a
        half. Other voters have blind spots (swearing, say), so a rule that is only below `expected` may still be good.
    harmful : bool
        Whether the agreement is below the bound beyond chance (upper end of a one-sided 95 % Wilson interval).
    examples : tuple of str
        Reviews on which the others are most confident that the rule is wrong.
    """

    voter: str
    label: str
    rule: str
    votes: int
    judged: int
    agreement: float | None
    expected: float
    bound: float
    harmful: bool
    examples: tuple[str, ...]


def check_rules(
    voter: str,
    rules: Sequence[Rule],
    votes: npt.NDArray[np.int16],
    others: npt.NDArray[np.float32],
    texts: pl.Series,
    labels: LabelSpace,
) -> list[RuleCheck]:
    """Compare each rule of a voter with the label model without that voter.

    Parameters
    ----------
    voter : str
        Its name.
    rules : sequence of Rule
    votes : ndarray of int16, shape (n,)
        The voter's votes on n distinct reviews. A rule counts where its class won: where other words outweighed it,
        or a negation turned it round, it did not vote.
    others : ndarray of float32, shape (n, k)
        Class probabilities without the voter; NaN in rows on which nobody else votes.
    texts : Series of str, length n
    labels : LabelSpace

    Returns
    -------
    list of RuleCheck
        Rules that voted at least once: harmful ones first, most votes first.
    """
    ordered = np.sort(others, axis=1)
    judged = ordered[:, -1] > ordered[:, -2]  # not on ties, nor on NaN
    labelled = np.where(judged, np.nan_to_num(others).argmax(axis=1), ABSTAIN)
    checks = []
    for rule in rules:
        rows = rule.found[votes[rule.found] == rule.label]
        if not len(rows):
            continue
        known = rows[judged[rows]]
        right = int((labelled[known] == rule.label).sum())
        same = judged & (votes == rule.label)
        expected = float((labelled[same] == rule.label).mean()) if same.any() else 1.0
        chance = float((labelled[judged] == rule.label).mean()) if judged.any() else 0.0
        bound = min(chance + (expected - chance) / 3, 0.5)
        wrong = known[labelled[known] != rule.label]
        worst = wrong[np.argsort(others[wrong, rule.label], kind="stable")][:_EXAMPLES]
        checks.append(
            RuleCheck(
                voter=voter,
                label=labels.names[rule.label],
                rule=rule.text,
                votes=len(rows),
                judged=len(known),
                agreement=right / len(known) if len(known) else None,
                expected=expected,
                bound=bound,
                harmful=len(known) >= _MIN_REVIEWS and _highest(right, len(known)) < bound,
                examples=tuple(texts.gather(worst)),
            )
        )
    return sorted(checks, key=lambda check: (not check.harmful, -check.votes, check.rule))


def _highest(right: int, n: int) -> float:
    """Upper end of Wilson's one-sided 95 % interval for a share (Wilson 1927)."""
    from scipy.stats import binomtest

    return float(binomtest(right, n).proportion_ci(0.9, method="wilson").high)
