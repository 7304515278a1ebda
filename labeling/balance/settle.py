"""Settling the class balance that a run works with: given, from hand labels, or estimated from the rules' votes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ...data.errors import ConfigError
from ...data.gold.weights import NOT_RANDOM, effective_rows
from ...data.types.label_space import LabelSpace
from ..input import LocatedGold, Reviews
from ..label_models.class_balance import estimate_class_balance, given_balance
from ..label_models.patterns import VotePatterns
from .from_gold import RuleLabels, class_balance_from_gold

ESTIMATED = "estimated from the rules' votes"

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ClassBalance:
    """The share of each class to expect in the input.

    Parameters
    ----------
    shares : ndarray of float64, shape (k,)
        Positive, sums to 1; NaN for a class of which nothing shows it.
    source : str
        Where it is from, in words.
    interval : ndarray of float64, shape (2, k), optional
        Lower and upper ends of the 95 % intervals; None where they are unknown.
    notes : tuple of str
        What a user should be told.
    """

    shares: Array
    source: str
    interval: Array | None = None
    notes: tuple[str, ...] = ()


def settle_class_balance(
    wanted: str | Mapping[str, float] | Sequence[float],
    reviews: Reviews,
    rule_votes: VotePatterns | None,
    labels: LabelSpace,
) -> ClassBalance:
    """Settle the class balance of the input.

    Parameters
    ----------
    wanted : "auto", "gold", "estimate", mapping or sequence of float
        As the configuration says: ``auto`` takes hand labels where there are some that could be a random sample.
    reviews : Reviews
    rule_votes : VotePatterns, optional
        The votes of the rules on all rows of the corpus, without rules None.
    labels : LabelSpace
        The k classes.

    Raises
    ------
    ConfigError
        If hand labels are wanted and there are none, or the shares given do not fit the classes.
    """
    if not isinstance(wanted, str):
        return ClassBalance(given_balance(wanted, labels), "given")
    gold = reviews.gold
    if wanted == "gold" and not reviews.n_gold:
        raise ConfigError(
            'class_balance = "gold" needs gold labels.', hint="Give them with --gold FILE, or use estimate."
        )
    if rule_votes is None or not rule_votes.covered.any():
        uniform = ClassBalance(
            np.full(labels.k, 1 / labels.k), "uniform, for want of votes by rules and of gold labels"
        )
        estimated, rule_votes = uniform, None
    else:
        estimated = ClassBalance(estimate_class_balance(rule_votes, labels.k), ESTIMATED)
    if wanted == "estimate" or gold is None or not len(gold):
        return estimated
    return _from_gold(gold, reviews.n_input, rule_votes, estimated, insist=wanted == "gold")


def _from_gold(
    gold: LocatedGold, n_input: int, rule_votes: VotePatterns | None, estimated: ClassBalance, *, insist: bool
) -> ClassBalance:
    chosen, notes = _of_input(gold, n_input)
    rows, weights = gold.rows[chosen], gold.weights[chosen]
    rules = None if rule_votes is None else RuleLabels.of(rule_votes, estimated.shares, n_input, rows)
    if rules and not rules.look_like(rows, weights):
        if not insist:
            notes += (f"{NOT_RANDOM} The class balance is estimated from the rules' votes instead.",)
            return replace(estimated, notes=notes)
        notes += (NOT_RANDOM,)
    found = class_balance_from_gold(gold.labels[chosen], weights, rules, rows, estimated.shares)
    count = f"{len(rows):,} gold rows"
    if (effective := round(effective_rows(weights))) < len(rows):
        count += f" (as many as {effective:,} drawn at random)"
    source = f"the rules' votes, corrected by {count}" if rules else count
    return ClassBalance(found.shares, source, np.stack([found.low, found.high]), notes)


def _of_input(gold: LocatedGold, n_input: int) -> tuple[npt.NDArray[np.bool_], tuple[str, ...]]:
    """Choose the hand labels that represent the input: its own, unless most are of other reviews."""
    inside = gold.rows < n_input
    if inside.all():
        return inside, ()
    count = f"{(~inside).sum():,} of {len(gold):,}" if inside.any() else "The"
    outside = f"{count} hand-labelled reviews are not in the input"
    if 2 * inside.sum() >= len(gold):
        return inside, (f"{outside}: they score the labels, but do not count for the class balance.",)
    return np.ones_like(inside), (f"{outside}; the class balance takes them for a random sample of such reviews.",)
