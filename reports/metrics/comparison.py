"""Whether one set of labels is better than another on the same gold rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...data.types.label_space import ABSTAIN, LabelSpace
from .resampling import JEFFREYS, Array, Estimate, cell_draws, check_labels, estimate, normalised_weights, row_unit

Indices = npt.NDArray[np.int16]


@dataclass(frozen=True)
class Comparison:
    """Two sets of labels on the same gold rows.

    Parameters
    ----------
    rows : int
        Gold rows.
    macro_f1_difference : Estimate
        Macro-F1 of the first less that of the second.
    p_value : float
        Two-sided, of the difference: of a difference of the other sign.
    both_right, only_first_right, only_second_right, both_wrong : int
        Unweighted rows.
    mcnemar_p_value : float
        Exact McNemar test on the rows that only one gets right.
    """

    rows: int
    macro_f1_difference: Estimate
    p_value: float
    both_right: int
    only_first_right: int
    only_second_right: int
    both_wrong: int
    mcnemar_p_value: float


def compare(
    truth: Indices,
    first: Indices,
    second: Indices,
    *,
    labels: LabelSpace,
    weights: Array | None = None,
    resamples: int = 2000,
    seed: int = 0,
) -> Comparison:
    """Test two sets of labels against each other, row by row.

    The bootstrap is paired: a row gets one weight for both. The prior of the interval and its p-value is half a row of
    each class that only the first gets right and half a row that only the second does (see `resampling`),
    so that two sets that agree on all of a hundred rows are not proven equal, nor is a single row a proof.

    Parameters
    ----------
    truth : ndarray of int16, shape (g,)
        Gold class of each row, in [0, k).
    first, second : ndarray of int16, shape (g,)
        The labels, -1 for none; a row without a label counts as wrong.
    labels : LabelSpace
        The classes.
    weights : ndarray of float64, shape (g,), optional
        Inverse inclusion probabilities.

    Raises
    ------
    InputError
        If there is no row.
    ValueError
        If shapes disagree or a class index is out of range.
    """
    check_labels(truth, first, second, k=labels.k)
    weight = normalised_weights(weights, len(truth))
    difference, p_value = _macro_f1_difference(
        truth, (first, second), weight, labels.k, resamples, np.random.default_rng(seed)
    )
    right = first == truth, second == truth
    only_first, only_second = int((right[0] & ~right[1]).sum()), int((right[1] & ~right[0]).sum())
    return Comparison(
        rows=len(truth),
        macro_f1_difference=difference,
        p_value=p_value,
        both_right=int((right[0] & right[1]).sum()),
        only_first_right=only_first,
        only_second_right=only_second,
        both_wrong=int((~right[0] & ~right[1]).sum()),
        mcnemar_p_value=mcnemar(only_first, only_second),
    )


def mcnemar(only_first: int, only_second: int) -> float:
    """Return the p-value of McNemar's exact two-sided test; 1 where no row distinguishes the two."""
    from scipy.stats import binomtest

    rows = only_first + only_second
    return float(binomtest(only_first, rows, 0.5).pvalue) if rows else 1.0


def _macro_f1_difference(
    truth: Indices, both: tuple[Indices, Indices], weight: Array, k: int, resamples: int, rng: np.random.Generator
) -> tuple[Estimate, float]:
    wide = k + 1
    columns = [np.where(found == ABSTAIN, k, found).astype(np.int64) for found in both]
    cells = (truth * wide + columns[0]) * wide + columns[1]
    present, draws = cell_draws(cells, weight, resamples=resamples, rng=rng)
    totals, squares = (np.bincount(cells, values)[present] for values in (weight, weight**2))
    classes = np.arange(k)
    is_row = (present // wide**2)[:, np.newaxis] == classes
    unit = row_unit(totals @ is_row, squares @ is_row, float(squares.sum() / totals.sum()))
    prior = rng.standard_gamma(JEFFREYS, (2, resamples, k)) * unit.max(axis=0)
    value, drawn = 0.0, np.zeros(resamples)
    for sign, column, hit_prior, miss_prior in (
        (1, present // wide % wide, prior[0], prior[1]),
        (-1, present % wide, prior[1], prior[0]),
    ):
        is_column = column[:, np.newaxis] == classes
        hit, miss = (is_row & is_column).astype(np.float64), (is_row ^ is_column).astype(np.float64)
        active = (is_row | is_column).any(axis=0)
        value += sign * float(_f1(totals @ hit, totals @ miss)[active].mean())
        drawn += sign * _f1(draws @ hit + hit_prior, draws @ miss + miss_prior)[:, active].mean(axis=1)
    below, above = (drawn <= 0).sum(), (drawn >= 0).sum()
    return estimate(value, drawn), float(min(1.0, 2 * (min(below, above) + 1) / (resamples + 1)))


def _f1(hits: Array, misses: Array) -> Array:
    total = 2 * hits + misses
    return np.divide(2 * hits, total, out=np.zeros_like(total), where=total > 0)
