"""A JSON document that is no array: where in it the records are."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from ...errors import InputError, quoted
from ..columns import TEXT_NAMES, fold_name

_DECODER = json.JSONDecoder()
_SIGNS = re.compile(r"\s*[{,:]?\s*")
_MAX_DEPTH = 4

Place = tuple[str, int, dict[str, Any]]
"""Keys that lead to a list of objects, where it starts, and its first object."""


def find_records(text: str, source: str) -> tuple[int, str]:
    """Find the list of records in an object such as ``{"reviews": [{...}, ...]}``, also deeper.

    Of several lists the one counts whose objects have a key with a usual name of texts.

    Returns
    -------
    tuple[int, str]
        Where its bracket stands, and the keys that lead to it, separated by dots.

    Raises
    ------
    ValueError
        If the text is no JSON object, or an empty one.
    InputError
        If there is no list of objects, or several that may be meant.
    """
    json.loads(text)  # below it is known to be valid
    places = list(_lists(text, 0, "", 1))
    likely = [place for place in places if any(fold_name(key) in TEXT_NAMES for key in place[2])]
    if len(found := likely or places) == 1:
        return found[0][1], found[0][0]
    if found:
        what = f"holds several lists of objects: {quoted(keys for keys, _, _ in found)}"
    else:
        keys = quoted(key for key, _, _ in _members(text, 0))
        if not keys:
            raise ValueError("An empty object")
        what = f"is one JSON object without a list of objects in it; its keys are {keys[:300]}"
    raise InputError(
        f"{source} {what}.", hint="Write the reviews as one JSON array, or as one object per line (.jsonl)."
    )


def _lists(text: str, position: int, path: str, depth: int) -> Iterator[Place]:
    for key, start, value in _members(text, position):
        here = f"{path}{key}"
        if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
            yield here, start, value[0]
        elif isinstance(value, dict) and depth < _MAX_DEPTH:
            yield from _lists(text, start, f"{here}.", depth + 1)


def _members(text: str, position: int) -> Iterator[tuple[str, int, Any]]:
    """Yield each key of a valid object, where its value starts, and the value."""
    while text[start := _next(text, position)] != "}":
        key, position = _DECODER.raw_decode(text, start)
        start = _next(text, position)
        value, position = _DECODER.raw_decode(text, start)
        yield str(key), start, value


def _next(text: str, position: int) -> int:
    """Return where the next key or value starts, or the object ends."""
    return _SIGNS.match(text, position).end()  # type: ignore[union-attr]  # it always matches
