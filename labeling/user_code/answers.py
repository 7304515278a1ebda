"""What a user's labeling function returns, as a vote with its confidence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ...data.errors import VoterError
from ...data.types.label_space import ABSTAIN, LabelSpace

_TOLERANCE = 0.01  # by which probabilities may miss a sum of 1: they may be rounded


def read_answer(answer: Any, labels: LabelSpace) -> tuple[int, float]:
    """Return the class index, -1 for an abstention, and the confidence.

    Parameters
    ----------
    answer : object
        ``None`` or -1; the name or index of a class; the probability of the second of two classes, as a float; the
        probability of each class, in their order; or a mapping of class names to probabilities, 0 for the classes that
        it leaves out. The vote is for the most likely class, and an abstention where two are equally likely.
    labels : LabelSpace

    Raises
    ------
    VoterError
        If it is something else. The message is a predicate: "returned 'x', which is no class".
    """
    if answer is None:
        return ABSTAIN, 1.0
    if isinstance(answer, str):
        if (label := labels.find(answer)) != ABSTAIN:
            return label, 1.0
    elif isinstance(answer, int | np.integer) and not isinstance(answer, bool):  # True is no class
        if ABSTAIN <= int(answer) < labels.k:
            _check_meaning(int(answer), labels)
            return int(answer), 1.0
    elif (probs := _probabilities(answer, labels)) is not None:
        return _most_likely(answer, probs)
    raise VoterError(
        f"returned {answer!r}",
        hint=f"Return one of {', '.join(labels.names)}, an index below {labels.k}, probabilities, or None.",
    )


def _probabilities(answer: Any, labels: LabelSpace) -> list[float] | None:
    """Return the probability of each class; None if these are no probabilities of all classes."""
    try:
        if isinstance(answer, Mapping):
            indices = [labels.find(str(name)) for name in answer]
            if ABSTAIN in indices or len(set(indices)) < len(indices):
                return None
            probs = [0.0] * labels.k
            for label, value in zip(indices, answer.values(), strict=True):
                probs[label] = float(value)
            return probs
        if isinstance(answer, float | np.floating):
            return [1 - float(answer), float(answer)] if labels.k == 2 else None
        if isinstance(answer, list | tuple | np.ndarray) and np.shape(answer) == (labels.k,):
            return [float(value) for value in answer]
    except (TypeError, ValueError):
        pass
    return None


def _most_likely(answer: Any, probs: list[float]) -> tuple[int, float]:
    """Vote for the most likely class.

    Raises
    ------
    VoterError
        If a number is no probability, or they do not sum to 1.
    """
    if not all(0 <= value <= 1 for value in probs):
        raise VoterError(
            f"returned {answer!r}", hint="Probabilities lie between 0 and 1; return None where there are none."
        )
    if abs(sum(probs) - 1) > _TOLERANCE:
        raise VoterError(f"returned {answer!r}", hint=f"The probabilities of all classes sum to {sum(probs):g}, not 1.")
    top = max(probs)
    return (probs.index(top) if probs.count(top) == 1 else ABSTAIN), top


def _check_meaning(answer: int, labels: LabelSpace) -> None:
    """Refuse a number that is the position of one class and the name of another."""
    named = labels.find(str(answer))
    if named not in (answer, ABSTAIN):
        position = f"the position of class '{labels.names[answer]}'" if answer >= 0 else "an abstention"
        raise VoterError(
            f"returned {answer}, which is {position} and the name of another class",
            hint=f"Return class names as text ('{answer}') instead of numbers.",
        )
