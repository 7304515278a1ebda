"""How much a hand label counts when some reviews were more likely to be drawn than others."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.floating | np.integer]

NOT_RANDOM = (
    "The hand-labelled reviews are no random sample of the input: the votes on them are too different. They were "
    "chosen, or drawn unevenly and nothing says how likely each was. Scores on them hold for such reviews, not for "
    "all. If `labeler sample` drew them, keep its column inclusion_probability, or use the run that drew them."
)
"""Message where `looks_random` is false."""

_MAX_DEVIATION = 4.0  # standard errors by which a random sample all but never differs from what it was drawn from


def sample_weights(probability: Array, rows: Array, sample: npt.NDArray[np.int64] | None = None) -> Array:
    """Weigh hand labels so that weighted means over them estimate means over all reviews.

    A row of one sample weighs the inverse of its inclusion probability (Horvitz and Thompson, 1952), times the reviews
    with its text. A later sample of a run is drawn from what the earlier ones left. So it estimates the sum over the
    rest, to which the earlier rows are added as they are, and the estimates of all samples are averaged by their size
    (Raj, 1956, JASA 51): unbiased, whatever the earlier samples preferred.

    Parameters
    ----------
    probability : ndarray of float64, shape (g,)
        Of each row, given that no earlier sample has it; NaN where unknown. Such rows count as a random sample.
    rows : ndarray of float64, shape (g,)
        Reviews with the same text; NaN for one.
    sample : ndarray of int64, shape (g,), optional
        Number of the sample in the run, in the order drawn; 0 for rows of none, as all are by default.

    Returns
    -------
    ndarray of float64, shape (g,)
        1 on average.
    """
    known = ~np.isnan(probability)
    if not known.any():
        return np.ones(len(probability))
    number = np.zeros(len(probability), np.int64) if sample is None else sample
    share = np.bincount(number[known], minlength=number.max() + 1) / known.sum()
    later = share[::-1].cumsum()[::-1] - share  # the share of all samples after each
    later[0] = 0.0
    weights = np.nan_to_num(rows, nan=1.0) * (share[number] / probability + later[number])
    weights[~known] = weights[known].mean()
    normalised: Array = weights / weights.mean()
    return normalised


def looks_random(population: Array, sample: Array, weights: Array, counts: Numbers | None = None) -> bool:
    """Return whether weighted rows could be a random sample, by what is known of all rows.

    A sample that prefers disputed reviews and has lost its inclusion probabilities, or rows chosen by hand, differ
    from the population by more than four standard errors in the mean of some feature.

    Parameters
    ----------
    population : ndarray of float64, shape (n, q)
        Features in [0, 1] of all rows.
    sample : ndarray of float64, shape (g, q)
        The same of the sample.
    weights : ndarray of float64, shape (g,)
    counts : ndarray, shape (n,), optional
        How many rows each row of the population stands for; one by default.
    """
    weight = weights / weights.sum()
    unit = float(weight @ weight)  # one over the effective number of rows
    mean = np.average(population, axis=0, weights=counts)
    variance = np.average((population - mean) ** 2, axis=0, weights=counts) + unit / 4
    return bool(np.all(np.abs(weight @ sample - mean) <= _MAX_DEVIATION * np.sqrt(variance * unit)))


def jeffreys_interval(hits: Numbers | float, misses: Numbers | float) -> tuple[Array, Array]:
    """Return the 95 % interval of shares, from what counts for and against each, of any shape.

    With rows of unequal weight these are `effective_rows` in the proportion of the weights (Dean and Pagano, 2015,
    Journal of Survey Statistics and Methodology 3).
    """
    from scipy.stats import beta

    low, high = (beta.ppf(quantile, hits + 0.5, misses + 0.5) for quantile in (0.025, 0.975))
    return low, high


def effective_rows(weights: Array) -> float:
    """Return the number of rows of equal weight that are as informative (Kish, 1965, Survey Sampling)."""
    return float(weights.sum() ** 2 / (weights @ weights)) if len(weights) else 0.0
