"""From folded stems back to what people write."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from ...data.text.normalize import TOKEN, fold_word, fold_words
from ..text.languages import KAZAKH_LETTERS

_MAX_TEXTS = 2000  # texts: more change nothing


def spellings(normalized: pl.Series, stem: str, *, exact: bool = False) -> dict[str, int]:
    """Count the spellings of words that begin with a folded stem, or are it.

    Parameters
    ----------
    normalized : Series of str
        Normalised texts that have such words.
    stem : str
        Folded.
    exact : bool
        Only words that fold to the stem itself.

    Returns
    -------
    dict of str to int
    """
    counts = normalized.head(_MAX_TEXTS).str.extract_all(TOKEN).explode().drop_nulls().value_counts(name="count")
    words = counts.to_series(0)
    folded = fold_words(words)
    return {
        word: count
        for word, count, skeleton in zip(words, counts["count"], folded, strict=True)
        if (skeleton == stem if exact else skeleton.startswith(stem))
    }


def written_stem(forms: Mapping[str, int], stem: str) -> str:
    """Write a folded stem as in its most frequent spelling; one with Kazakh letters, if a tenth of all have them.

    Parameters
    ----------
    forms : mapping of str to int
        As `spellings` gives them.
    stem : str
        Returned as it is where no beginning of a spelling folds to it.
    """
    kazakh = {form: count for form, count in forms.items() if set(form) & set(KAZAKH_LETTERS)}
    preferred = kazakh if sum(kazakh.values()) * 10 >= sum(forms.values()) else forms
    beginnings: dict[str, int] = {}
    for form, count in preferred.items():
        written = next((form[:end] for end in range(1, len(form) + 1) if fold_word(form[:end]) == stem), None)
        if written is not None:
            beginnings[written] = beginnings.get(written, 0) + count
    return max(beginnings, key=lambda written: (beginnings[written], written), default=stem)
