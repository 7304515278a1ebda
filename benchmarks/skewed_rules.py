"""Label models against the majority vote where there is little to learn: few rules a class, skewed classes.

``python benchmarks/skewed_rules.py`` labels 144 simulated sets: 2 to 5 classes, the largest with a share of 0.5 to
0.97, rules that find 5 to 60 % of their class and are right in 70 to 95 % of their votes. With one rule a class, rules
seldom vote together, and never agree, so nothing says who is right; a label model must then end where the majority vote
ends. With three there is something to learn, but of a rare class only from few rows, and to no use if a model gives
these to the largest class. The class balance is estimated from the votes.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from labeler.labeling.label_models.build import METHODS, build_label_model
from labeler.labeling.label_models.class_balance import estimate_class_balance
from labeler.labeling.label_models.patterns import VotePatterns
from labeler.tests.simulated_votes import RuleSet, rules_for_each_class

CLASSES = (2, 3, 4, 5)
LARGEST = (0.5, 0.8, 0.9, 0.97)
RECALL = (0.05, 0.2, 0.6)
PRECISION = (0.7, 0.8, 0.95)
RULES = (1, 3)

Probs = npt.NDArray[np.float64]


def simulated_sets(rules: int) -> Iterator[RuleSet]:
    """Yield the 144 sets with so many rules a class; all classes but the largest share the rest as 1 : 2 : 3 : 4."""
    for seed, (k, largest, recall, precision) in enumerate(itertools.product(CLASSES, LARGEST, RECALL, PRECISION)):
        others = np.arange(1, k) / np.arange(1, k).sum() * (1 - largest)
        balance = [largest, *others.tolist()]
        yield rules_for_each_class(balance, recall=recall, precision=precision, seed=seed, rules=rules)


def scores(rules: RuleSet, probs: Probs, covered: npt.NDArray[np.bool_]) -> Probs:
    """Accuracy and macro-F1 in points on the rows with votes; tied classes count as a fair draw."""
    truth, probs = rules.truth[covered], probs[covered]
    best = np.isclose(probs, probs.max(axis=1, keepdims=True), rtol=0, atol=1e-9)
    drawn = best / best.sum(axis=1, keepdims=True)
    right = np.array([drawn[truth == label, label].sum() for label in range(rules.k)])
    f1 = 2 * right / np.maximum(drawn.sum(axis=0) + np.bincount(truth, minlength=rules.k), 1)
    return 100 * np.array([right.sum() / max(len(truth), 1), f1.mean()])


def behind_majority(rules: RuleSet) -> dict[str, Probs]:
    """Points by which each label model is behind the majority vote: accuracy, macro-F1."""
    table = VotePatterns.from_votes(rules.votes)
    balance = estimate_class_balance(table, rules.k)
    families = [str(rule) for rule in range(table.m)]  # as in a run, where each voter is its own
    found = {}
    for method in METHODS:
        model = build_label_model(method, k=rules.k, class_balance=balance, families=families).fit(table)
        found[method] = scores(rules, table.expand(model.predict_proba(table)), table.expand(table.covered))
    return {method: found["majority"] - found[method] for method in METHODS}


def report(rules: int) -> None:
    """Print how far each label model is behind with so many rules a class."""
    sets = list(simulated_sets(rules))
    behind = [behind_majority(each) for each in sets]
    print(f"\n{rules} rule{'s' if rules > 1 else ''} a class")
    print(f"{'model':14}{'score':11}{'within 2':>9}{'over 5':>8}{'over 20':>9}{'worst':>7}  set")
    for method in METHODS:
        for i, score in enumerate(("accuracy", "macro-F1")):
            points = np.array([found[method][i] for found in behind])
            worst = sets[points.argmax()].name
            line = (
                f"{np.mean(points <= 2):9.1%}{(points > 5).sum():8}{(points > 20).sum():9}{points.max():7.1f}  {worst}"
            )
            print(f"{method:14}{score:11}{line}")


if __name__ == "__main__":
    for rules in RULES:
        report(rules)
