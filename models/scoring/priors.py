"""Class balance: moving scores until the predictions on a batch follow it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ...data.types.label_space import ABSTAIN

Floats = npt.NDArray[np.floating]
Numbers = npt.NDArray[np.floating | np.integer]

_SWEEPS = 10  # over the classes, where there are more than two
_DOUBLINGS = np.linspace(-1.5, 1.5, 13)  # of a class's odds: small gold samples seldom put them off by three times
_RESAMPLES = 200


def softmax(logits: Floats) -> Floats:
    """Row-wise softmax, safe for large logits."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)  # type: ignore[no-any-return]


def standardised(logits: Floats, weights: Numbers | None = None) -> tuple[npt.NDArray[np.float64], float]:
    """Centre every row and divide by the common scale, the root of the (weighted) mean square.

    Returns
    -------
    ndarray of float64, shape (n, k), and float
        The scores, and the scale they were divided by.
    """
    centred = logits - logits.mean(axis=1, keepdims=True, dtype=np.float64)
    scale = max(float(np.sqrt(np.average((centred**2).mean(axis=1), weights=weights))), 1e-12)
    return centred / scale, scale


def normal_scores(counts: Numbers) -> npt.NDArray[np.float64]:
    """Give groups of rows in ascending order the quantiles of the normal distribution (van der Waerden 1952).

    Parameters
    ----------
    counts : ndarray, shape (q,)
        Rows of each group.

    Returns
    -------
    ndarray of float64, shape (q,)
        0 for a group without rows.
    """
    from scipy.special import ndtri

    middle = (np.cumsum(counts) - counts / 2) / counts.sum()
    return np.where(counts > 0, ndtri(middle), 0.0)


def match_prior(scores: Floats, prior: Floats, weights: Numbers, *, temperature: float = 0.05) -> Floats:
    """Find class biases under which a batch's predictions follow the class balance.

    After Liusie et al. 2023 (arXiv:2309.04992), for any number of classes, by iterative proportional fitting.

    Parameters
    ----------
    scores : ndarray, shape (n, k)
        Larger means more likely; of unit scale.
    prior : ndarray, shape (k,)
        The share of each class to expect; sums to 1.
    weights : ndarray, shape (n,)
        How many rows each score stands for.
    temperature : float
        Softness of the predictions that are counted; near 0 they are hard ones.

    Returns
    -------
    ndarray of float64, shape (k,)
        To be added to every row of `scores`.
    """
    share = weights / weights.sum()
    bias = np.zeros(scores.shape[1])
    scaled = scores / temperature
    for _ in range(200):
        step = np.log(np.maximum(prior, 1e-12)) - np.log(np.maximum(share @ softmax(scaled + bias), 1e-12))
        bias += step
        if np.abs(step).max() < 1e-4:
            break
    return bias * temperature


def prior_offset(logits: Floats, prior: Floats, weights: Numbers | None = None) -> npt.NDArray[np.float64]:
    """Find the offset under which the shares of the most likely classes follow the class balance.

    For two classes it is a quantile, so the shares are as near to the balance as ties allow. For more, the soft
    matching of `match_prior` is the start, and then one class after the other is moved to its exact share.

    Parameters
    ----------
    logits : ndarray, shape (n, k)
        Of any scale and any offset.
    prior : ndarray, shape (k,)
        The share of each class to expect; sums to 1.
    weights : ndarray, shape (n,), optional
        How many rows each row of logits stands for.

    Returns
    -------
    ndarray of float64, shape (k,)
        To be added to every row of `logits`; sums to 0. Zeros if there are no rows.
    """
    n, k = logits.shape
    weights = np.ones(n) if weights is None else weights
    if not weights.sum() > 0:
        return np.zeros(k)
    scores, scale = standardised(logits, weights)
    best = bias = np.zeros(k) if k == 2 else match_prior(scores, prior, weights)
    error = _error(scores + bias, prior, weights)
    for _ in range(1 if k == 2 else _SWEEPS):
        for label in range(1 if k == 2 else k):
            bias = _with_share(scores, bias, label, float(prior[label]), weights)
        if _error(scores + bias, prior, weights) >= error:
            break
        best, error = bias, _error(scores + bias, prior, weights)
    offset: npt.NDArray[np.float64] = (best - best.mean()) * scale
    return offset


def tuned_offset(
    logits: Floats, gold: npt.NDArray[np.int16], prior: Floats, *, pool: Floats | None = None, seed: int = 0
) -> npt.NDArray[np.float64]:
    """Find the offset that serves macro-F1 on gold rows, staying near the class balance where they do not object.

    A hundred gold rows hold few of a rare class, and the threshold that is best on them is mostly chance. So the
    candidates are only the offsets under which one class's odds are up to three times smaller or larger than the
    balance says, and of those that are within one standard error of the best, the one nearest to the balance is taken
    (the one-standard-error rule of Breiman et al. 1984). The error is that of the paired difference in macro-F1,
    over bootstrap samples of the gold rows. With more than two classes they take turns, largest first.

    Where the balance was counted on the same gold rows, `prior_offset` is the better choice: with 50 to 500 of them
    tuning gained nothing on Kazakh reviews. It pays where the balance is only assumed.

    Parameters
    ----------
    logits : ndarray, shape (g, k)
        Of rows that the model was not trained on.
    gold : ndarray of int16, shape (g,)
        Class indices, -1 where there is no gold label. A class without gold rows keeps the offset that the balance
        gives it: nothing could tell how many of its rows another offset finds.
    prior : ndarray, shape (k,)
        The share of each class to expect; sums to 1.
    pool : ndarray, shape (n, k), optional
        Logits of many rows, on which shares are measured; the gold rows by default.
    seed : int
        Of the bootstrap.

    Returns
    -------
    ndarray of float64, shape (k,)
        To be added to every row of logits; sums to 0.
    """
    k = logits.shape[1]
    logits, gold = logits[gold != ABSTAIN], gold[gold != ABSTAIN]
    pool = logits if pool is None else pool
    offset = prior_offset(pool, prior)
    counts = np.bincount(gold, minlength=k)
    tunable = [label for label in np.argsort(-counts, kind="stable") if 0 < counts[label] < len(gold)]
    if not tunable:
        return offset
    samples = np.random.default_rng(seed).multinomial(len(gold), np.full(len(gold), 1 / len(gold)), _RESAMPLES)
    for label in tunable[:1] if k == 2 else tunable:
        odds = prior[label] / max(1 - prior[label], 1e-12) * 2.0**_DOUBLINGS
        candidates = [_with_share(pool, offset, label, share, np.ones(len(pool))) for share in odds / (1 + odds)]
        scores = np.stack([macro_f1_of_samples((logits + c).argmax(axis=1), gold, samples, k) for c in candidates])
        behind = scores[scores.mean(axis=1).argmax()] - scores
        close = behind.mean(axis=1) <= behind.std(axis=1)
        offset = candidates[np.where(close, np.abs(_DOUBLINGS), np.inf).argmin()]
    centred: npt.NDArray[np.float64] = offset - offset.mean()
    return centred


def _with_share(scores: Floats, bias: Floats, label: int, share: float, weights: Numbers) -> npt.NDArray[np.float64]:
    """Return `bias`, changed for one class so that it wins a share of the rows; never halfway through a tie."""
    rival = np.delete(scores + bias, label, axis=1).max(axis=1)
    needed, group = np.unique(rival - scores[:, label], return_inverse=True)
    won = np.cumsum(np.bincount(group, weights)) / weights.sum()
    outside = max(float(needed[-1] - needed[0]), 1.0)
    edges = np.concatenate([[needed[0] - outside], needed, [needed[-1] + outside]])
    place = np.abs(np.concatenate([[0.0], won]) - share).argmin()
    changed = bias.astype(np.float64)
    changed[label] = (edges[place] + edges[place + 1]) / 2
    return changed


def _error(logits: Floats, prior: Floats, weights: Numbers) -> float:
    won = np.bincount(logits.argmax(axis=1), weights, minlength=len(prior)) / weights.sum()
    return float(np.abs(won - prior).sum())


def macro_f1_of_samples(
    found: npt.NDArray[np.integer], gold: npt.NDArray[np.int16], samples: Numbers, k: int
) -> npt.NDArray[np.float64]:
    """Macro-F1 over the classes with gold rows, in each bootstrap sample; shape (s,).

    `samples` of shape (s, g) say how often, or with what weight, each gold row is in a sample.
    """
    classes = np.arange(k)
    truth, predicted = gold[:, np.newaxis] == classes, found[:, np.newaxis] == classes
    both, either = samples @ (truth & predicted), samples @ (truth.astype(np.int64) + predicted)
    f1 = np.divide(2.0 * both, either, out=np.full(both.shape, np.nan), where=either > 0)
    means: npt.NDArray[np.float64] = np.nanmean(f1[:, truth.any(axis=0)], axis=1)
    return means
