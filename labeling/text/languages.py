"""Which of the two languages a review or a word is in, by cheap evidence."""

from __future__ import annotations

import re
from collections.abc import Mapping

import polars as pl

KAZAKH_LETTERS = "әғқңөұүһі"
_KAZAKH = re.compile(f"[{KAZAKH_LETTERS}]", re.IGNORECASE)
_LATIN = re.compile("[a-z]", re.IGNORECASE)
_RUSSIAN_LETTER = re.compile("[вёфцчщъьэ]")  # in Kazakh only in words taken from Russian
# Endings that one language has and the other does not, as typed on a Russian keyboard.
_KAZAKH_ENDING = re.compile(
    r"(?:[лдт][ае]р(?:[ыи].*)?|[дтн][ае]н|[гк][ае]н?|[дтн]ын|[мс]ы[нз]|[дт]ым?|[иы]п|м[ае]й|[ае]ды|ыңыз|ыныз|[ае]ст?е)$"
)
_RUSSIAN_ENDING = re.compile(r"(?:[ыио]й|[аяо]я|[оеы]е|[ое]го|[ое]му|ть|ться|тся|[ие]шь|[аеи]л[аои]|ени[яй]|ость)$")
_SOME = 0.2  # a text is taken for Kazakh by its letters, but many people type it on a Russian keyboard


def is_kazakh(texts: pl.Series) -> pl.Series:
    """Return which texts have a letter that Kazakh has and Russian has not; same length and order."""
    return texts.str.contains(f"(?i)[{KAZAKH_LETTERS}]")


def word_language(forms: Mapping[str, int], kazakh_share: float) -> str:
    """Guess the language of a word from how it is written and where it occurs.

    Letters decide before endings, and endings before the company the word keeps: a Russian word that is used in
    Kazakh reviews is Kazakh enough.

    Parameters
    ----------
    forms : mapping of str to int
        Spellings of the word and how often each occurs.
    kazakh_share : float
        Share of its reviews that have a Kazakh letter in another word.

    Returns
    -------
    str
        ``"kk"``, ``"ru"``, or ``"latin"`` for either typed in Latin script.
    """
    total = max(sum(forms.values()), 1)
    latin, kazakh, *evidence = (
        sum(count for form, count in forms.items() if pattern.search(form)) / total
        for pattern in (_LATIN, _KAZAKH, _RUSSIAN_LETTER, _RUSSIAN_ENDING, _KAZAKH_ENDING)
    )
    if latin > 0.5:
        return "latin"
    if kazakh >= 0.1:  # nobody types Russian with Kazakh letters
        return "kk"
    russian = evidence[0] + evidence[1] - evidence[2]
    if abs(russian) > 0.5:
        return "ru" if russian > 0 else "kk"
    return "kk" if kazakh_share >= _SOME else "ru"
