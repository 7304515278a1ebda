"""Votes drawn from known voters, for tests and benchmarks that want the truth back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Votes = npt.NDArray[np.int16]
Truth = npt.NDArray[np.int64]


def independent_votes(
    n: int, accuracy: list[float], *, prior: list[float], coverage: float = 1.0, seed: int = 0
) -> tuple[Votes, Truth]:
    """Voters that are right with their accuracy and otherwise wrong at random: votes (n, m), truth (n,)."""
    rng = np.random.default_rng(seed)
    k, m = len(prior), len(accuracy)
    truth = rng.choice(k, n, p=prior)
    wrong = (truth[:, np.newaxis] + rng.integers(1, k, (n, m))) % k
    votes = np.where(rng.random((n, m)) < accuracy, truth[:, np.newaxis], wrong)
    return np.where(rng.random((n, m)) < coverage, votes, -1).astype(np.int16), truth


@dataclass(frozen=True, eq=False)
class RuleSet:
    """Votes of rules for one class each, with the truth.

    Parameters
    ----------
    name : str
    k : int
        Number of classes.
    votes : ndarray of int16, shape (n, rules * k)
        The rules for class 0, then those for class 1, and so on.
    truth : ndarray of int64, shape (n,)
    """

    name: str
    k: int
    votes: Votes
    truth: Truth


def rules_for_each_class(
    balance: list[float], *, recall: float, precision: float, seed: int, rules: int = 1, n: int = 3000
) -> RuleSet:
    """Rules that fire on `recall` of their class, and elsewhere so often that `precision` of their votes are right."""
    rng = np.random.default_rng(seed)
    k = len(balance)
    truth = rng.choice(k, n, p=balance)
    votes = np.full((n, rules * k), -1, np.int16)
    for rule, label in enumerate(np.repeat(np.arange(k), rules)):
        share = balance[label]
        elsewhere = min(recall * share * (1 - precision) / precision / (1 - share), 1.0)
        fires = rng.random(n) < np.where(truth == label, recall, elsewhere)
        votes[fires, rule] = label
    return RuleSet(f"{k} classes, largest {balance[0]}, recall {recall}, precision {precision}", k, votes, truth)


def skewed_votes(n: int = 20_000, *, copies: int = 0, seed: int = 0) -> tuple[Votes, Truth]:
    """5 % negatives, 10 rules for one class each, two 85 % voters, and copies (80 %) of the first of them."""
    rng = np.random.default_rng(seed)
    truth = (rng.random(n) >= 0.05).astype(np.int64)
    columns = []
    for rule in range(10):
        rate, accuracy = rng.uniform(0.02, 0.2), rng.uniform(0.65, 0.9)
        fires = rng.random(n) < np.where(truth == rule % 2, rate, rate * (1 - accuracy))
        columns.append(np.where(fires, rule % 2, -1))
    dense = [np.where(rng.random(n) < 0.85, truth, 1 - truth) for _ in range(2)]
    for _ in range(copies):
        own = np.where(rng.random(n) < 0.85, truth, 1 - truth)
        dense.append(np.where(rng.random(n) < 0.8, dense[0], own))
    return np.stack(columns + dense, axis=1).astype(np.int16), truth


def rules_of_one_class(n: int, m: int, k: int, *, dense: int = 0, seed: int = 0) -> tuple[Votes, Truth]:
    """Rules that fire on 2 to 25 % of the rows of one class, and `dense` voters (40 to 80 % right) on every row."""
    rng = np.random.default_rng(seed)
    prior = rng.dirichlet(np.full(k, 3.0))
    truth = rng.choice(k, n, p=prior)
    columns = []
    for rule in range(m - dense):
        share, rate, precision = prior[rule % k], rng.uniform(0.02, 0.25), rng.uniform(0.6, 0.95)
        wrong = rate * share * (1 - precision) / precision / (1 - share)
        columns.append(np.where(rng.random(n) < np.where(truth == rule % k, rate, wrong), rule % k, -1))
    for _ in range(dense):
        columns.append(np.where(rng.random(n) < rng.uniform(0.4, 0.8), truth, rng.integers(0, k, n)))
    return np.stack(columns, axis=1).astype(np.int16), truth


def macro_f1(truth: Truth, guess: npt.NDArray[np.integer]) -> float:
    """Macro-F1 of two classes."""
    scores = [2 * np.sum((truth == c) & (guess == c)) / (np.sum(truth == c) + np.sum(guess == c)) for c in (0, 1)]
    return float(np.mean(scores))
