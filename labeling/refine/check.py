"""What gold rows say of refined labels: whether they are worse than the label model's, and how sure they may be."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ...data.types.soft_labels import SoftLabels
from ...models.scoring.blending import tempered
from ...models.scoring.priors import macro_f1_of_samples
from ...models.scoring.temperatures import gold_temperatures

Floats = npt.NDArray[np.floating]

_RESAMPLES = 1_000
_CHANCE = 0.05
_FOLDS = 5


def does_harm(
    refined: npt.NDArray[np.integer],
    before: npt.NDArray[np.integer],
    gold: npt.NDArray[np.int16],
    weights: npt.NDArray[np.float64],
    k: int,
    *,
    seed: int = 0,
) -> bool:
    """Whether refined labels are worse on gold rows than those before, beyond chance: in macro-F1 and row by row.

    The macro-F1 is lower in 95 % of the samples of a paired bootstrap, and of the rows that only one of both gets
    right, more are lost than chance explains (McNemar's exact test, 5 %, one-sided); three rows lost are not enough.

    Parameters
    ----------
    refined, before : ndarray of int, shape (g,)
        Class indices, -1 for none.
    gold : ndarray of int16, shape (g,)
    weights : ndarray of float64, shape (g,)
    k : int
    seed : int
    """
    from scipy.stats import binomtest

    g = len(gold)
    if not g or np.array_equal(refined, before):
        return False
    samples = np.random.default_rng(seed).multinomial(g, np.full(g, 1 / g), _RESAMPLES) * weights
    lost, won = int(((before == gold) & (refined != gold)).sum()), int(((refined == gold) & (before != gold)).sum())
    gains = macro_f1_of_samples(refined, gold, samples, k) - macro_f1_of_samples(before, gold, samples, k)
    by_chance = binomtest(lost, lost + won, alternative="greater").pvalue if lost else 1.0
    return bool(by_chance <= _CHANCE and (gains < 0).mean() >= 1 - _CHANCE)


def calibrated_on_gold(
    logits: Floats,
    gold: npt.NDArray[np.int16],
    weights: npt.NDArray[np.float64],
    start: Floats,
    *,
    spread: float,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float32]]:
    """Find temperatures by gold rows, and probabilities of these rows by temperatures that have not seen them.

    Parameters
    ----------
    logits : ndarray, shape (g, k)
    gold, weights, start, spread
        See `gold_temperatures`.

    Returns
    -------
    ndarray of float64, shape (k,)
        The temperatures.
    ndarray of float32, shape (g, k)
        Cross-validated probabilities, to judge the calibration by.
    """
    temperatures = gold_temperatures(logits, gold, weights, start, spread=spread)
    fold, probs = np.arange(len(gold)) % _FOLDS, np.empty(logits.shape, np.float32)
    for number in range(_FOLDS):
        own = fold == number
        others = gold_temperatures(logits[~own], gold[~own], weights[~own], start, spread=spread)
        probs[own] = tempered(logits[own], others)
    return temperatures, probs


def recalibrated(soft: SoftLabels, logits: Floats, temperatures: Sequence[float] | Floats) -> SoftLabels:
    """Give rows the probabilities that their logits have at these temperatures; uncovered ones keep theirs."""
    found = tempered(logits, temperatures)
    return SoftLabels(np.where(soft.covered[:, np.newaxis], found, soft.probs), soft.covered)


def own_logits(soft: SoftLabels) -> npt.NDArray[np.float64]:
    """Return logits whose probabilities are those of the labels themselves, shape (n, k)."""
    return np.log(np.maximum(soft.probs, np.finfo(np.float32).tiny)).astype(np.float64)
