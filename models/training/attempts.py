"""Training until a classifier has learned something, and refusing it otherwise."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ...data.distributed import is_distributed
from ...data.errors import ModelError
from ..loading.device import from_main_process
from .fit.rank_agreement import RankAgreement
from .fit.schedule import TrainingDivergedError

_SLOWER = (1, 3, 10)  # what the learning rates are divided by, attempt after attempt


class NothingLearnedError(ModelError):
    """No attempt gave a classifier that separates reviews as their labels do."""


T = TypeVar("T")


def until_learned(
    train: Callable[[int, int], tuple[T, RankAgreement]], what: str, note: Callable[[str], None]
) -> tuple[T, RankAgreement]:
    """Train with lower and lower learning rates until the outcome is a classifier.

    A loss does not tell: where 95 % of the rows are of one class, a network that has collapsed to saying so has
    nearly the loss of one that finds the rest.

    Parameters
    ----------
    train : callable
        Takes the number of the attempt, from 0, and what to divide the learning rates by. Returns the outcome, and its
        agreement with labels, at best of rows that were not trained on.
    what : str
        What is trained, for messages.
    note : callable
        Called with what is worth remembering of a failed attempt.

    Raises
    ------
    NothingLearnedError
        If the last attempt has failed, too.
    """
    reasons: list[str] = []
    for number, slower in enumerate(_SLOWER):
        if number:
            again = f"training again with another seed and {slower} times lower learning rates"
            note(f"{what}: nothing was learned, {reasons[-1]}; {again}")
        try:
            outcome, found = train(number, slower)
        except TrainingDivergedError as error:
            if is_distributed():  # the other processes may not have noticed, and would wait for this one
                raise
            reasons.append(f"it diverged ({error})")
            continue
        if (reason := from_main_process(found.failure())) is None:
            return outcome, found
        reasons.append(reason)
    raise nothing_learned(what, reasons[-1], attempts=len(_SLOWER))


def nothing_learned(what: str, reason: str, *, attempts: int) -> NothingLearnedError:
    """Describe a model that is refused."""
    longer = "Train longer (--epochs), try --head ngram, or look" if attempts > 1 else "Look"
    return NothingLearnedError(
        f"The model learned nothing in {attempts} attempt{'s' * (attempts > 1)} ({what}): {reason}. It was not saved.",
        hint=f"{longer} at lf_summary.csv: it shows what each voter adds.",
    )
