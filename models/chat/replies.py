"""Reading what a language model answered: nothing is taken that was not asked for."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

_THOUGHT = re.compile(r"\A\s*<think>.*?</think>", re.DOTALL)
_FENCE = re.compile(r"\A```(?:json)?\s*\n(.*)\n```\Z", re.DOTALL)


@dataclass(frozen=True)
class Answer:
    """What became of one text.

    Parameters
    ----------
    label : str, optional
        The class the model named; None where it could not tell, or where it failed.
    failure : str
        Why there is no answer; empty where there is one.
    """

    label: str | None = None
    failure: str = ""


def read_reply(content: str | None, n: int, names: Collection[str]) -> list[Answer]:
    """Read the answers about texts 1 to `n`.

    An object with a number nobody asked about may have all its answers shifted, so nothing in it is believed. A code
    fence or a thought before the object does no harm.

    Parameters
    ----------
    content : str, optional
        The message of the model.
    n : int
        Number of texts that were asked about.
    names : collection of str
        The class names.

    Returns
    -------
    list of Answer, length n
    """
    if content is None or not content.strip():
        return [Answer(failure="empty answer")] * n
    body = _THOUGHT.sub("", content).strip()
    fenced = _FENCE.match(body)
    try:
        pairs = json.loads(fenced[1] if fenced else body, object_pairs_hook=_Pairs)
    except (ValueError, RecursionError):
        return [Answer(failure="broken JSON")] * n
    if not isinstance(pairs, _Pairs):
        return [Answer(failure="broken JSON")] * n
    numbers = [str(i) for i in range(1, n + 1)]
    times = Counter(key for key, _ in pairs)
    if times.keys() - set(numbers):
        return [Answer(failure="answers about other texts")] * n
    values = dict(pairs)
    return [_read(values.get(number), times[number], names) for number in numbers]


class _Pairs(list[tuple[str, Any]]):
    """The keys and values of a JSON object, repeated keys included."""


def _read(value: Any, times: int, names: Collection[str]) -> Answer:
    if times != 1:
        return Answer(failure="missing in the answer" if times == 0 else "answered twice")
    if value is None:
        return Answer()
    return Answer(value) if isinstance(value, str) and value in names else Answer(failure="unknown label")
