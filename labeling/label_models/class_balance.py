"""The class balance a label model starts from: given, or estimated from the votes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from ...data.errors import ConfigError, nearest_hint
from ...data.types.label_space import LabelSpace
from .consensus import majority_shares, shared_rows
from .correlation import correlated_groups
from .em import run_em
from .patterns import VotePatterns

_IDENTIFIABLE = 3  # voters from which Dawid-Skene can tell accuracies and class balance apart
_HALFWAY = 300  # rows that tell about a class at which EM and the majority vote count the same
_COLLAPSED = 0.25  # an estimate this many times below the majority vote's share is a collapse, not a finding


def checked_balance(balance: npt.ArrayLike, k: int) -> npt.NDArray[np.float64]:
    """Check and normalise a class balance written by hand.

    Returns
    -------
    ndarray of float64, shape (k,)
        Sums to 1.

    Raises
    ------
    ConfigError
        If it does not hold `k` positive finite numbers.
    """
    try:
        shares = np.asarray(balance, dtype=np.float64)
    except (TypeError, ValueError):
        raise ConfigError(f"class_balance must be {k} numbers, found {balance!r}.") from None
    if shares.shape != (k,):
        raise ConfigError(
            f"class_balance has {shares.size} number(s), but the task has {k} classes.",
            hint="Give one share per class, in the order of the classes.",
        )
    if not np.all(np.isfinite(shares)) or np.any(shares <= 0):
        raise ConfigError(
            f"class_balance must be positive in every class, found {shares.tolist()}.",
            hint="A class that is never right should be left out of the task.",
        )
    normalised: npt.NDArray[np.float64] = shares / shares.sum()
    return normalised


def known_shares(balance: npt.ArrayLike, k: int) -> npt.NDArray[np.float64]:
    """Check a class balance in which NaN stands for a share that nothing shows; shape (k,), the known ones sum to 1.

    Raises
    ------
    ConfigError
        If it does not hold `k` numbers, or a known share is not positive and finite.
    """
    shares = np.array(balance, dtype=np.float64)
    known = ~np.isnan(shares)
    if shares.shape != (k,) or known.all():
        return checked_balance(shares, k)
    if known.any():
        shares[known] = checked_balance(shares[known], int(known.sum()))
    return shares


def complete_balance(shares: npt.NDArray[np.float64], filling: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Take the shares that nothing shows (NaN) from another balance, and fit the known ones into what that leaves.

    Parameters
    ----------
    shares, filling : ndarray of float64, shape (k,)
        The first as `known_shares` returns it; the second sums to 1.

    Returns
    -------
    ndarray of float64, shape (k,)
        Sums to 1.
    """
    known = ~np.isnan(shares)
    completed = filling.copy()
    if known.any():
        completed[known] = shares[known] / shares[known].sum() * filling[known].sum()
    return completed


def given_balance(shares: Mapping[str, float] | Sequence[float], labels: LabelSpace) -> npt.NDArray[np.float64]:
    """Check and normalise the class balance of a configuration: shares by class name, or in the order of the classes.

    Returns
    -------
    ndarray of float64, shape (k,)
        Sums to 1.

    Raises
    ------
    ConfigError
        If a name is no class, a class has no share, or a share does not lie between 0 and 1.
    """
    if isinstance(shares, Mapping):
        if unknown := [name for name in shares if name not in labels.names]:
            hint = nearest_hint(unknown[0], labels.names)
            raise ConfigError(f"class_balance names '{unknown[0]}', which is not a class.", hint=hint)
        if missing := [name for name in labels.names if name not in shares]:
            raise ConfigError(
                f"class_balance has no share for {', '.join(missing)}.", hint="Give every class its share."
            )
        shares = [shares[name] for name in labels.names]
    if not all(0 < share < 1 for share in shares):
        hint = "A class that never occurs should be left out of the task."
        raise ConfigError(f"class_balance must lie between 0 and 1 in every class, found {list(shares)}.", hint=hint)
    return checked_balance(shares, labels.k)


def estimate_class_balance(
    table: VotePatterns, k: int, *, groups: npt.NDArray[np.int64] | None = None
) -> npt.NDArray[np.float64]:
    """Estimate the class balance from the votes alone.

    The shares of the majority vote, corrected by Dawid-Skene EM with a learned prior as far as the votes can tell how
    often voters are wrong. They can on rows where three independent voters vote (`consensus.shared_rows`): with r of
    them for a class, its share moves r / (r + 300) of the way. EM drifts to equal shares where voters hardly overlap,
    and sometimes gives a class away altogether: where it ends below a quarter of what the majority vote gives a class,
    it is not used.

    Parameters
    ----------
    table : VotePatterns
        The votes.
    k : int
        Number of classes.
    groups : ndarray of int64, shape (m,), optional
        Correlated voters, see `correlation.correlated_groups`; found here when None.

    Returns
    -------
    ndarray of float64, shape (k,)
        Positive, sums to 1.
    """
    voted = majority_shares(table, k)
    careful = 0.99 * voted + 0.01 / k
    groups = correlated_groups(table, k) if groups is None else groups
    rows, _ = shared_rows(table, k, groups, voters=_IDENTIFIABLE)
    if not rows.any():
        return careful
    learned = run_em(table, k, groups).balance
    if np.any(learned < _COLLAPSED * voted):
        return careful
    known = rows / (rows + _HALFWAY)
    return checked_balance(known * learned + (1 - known) * careful, k)
