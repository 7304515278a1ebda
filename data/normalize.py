"""Text normalisation, done once per corpus and shared by all voters.

Two strengths. `normalize` keeps what a reader would call the same text: NFC, case folding, single spaces. `fold_word`
goes on to a *skeleton* under which the spellings of one word meet, however it was typed: Kazakh Cyrillic (керемет,
күшті), Kazakh on a Russian keyboard (кушти), Latin script (keremet, kushti) and drawn-out letters (күшштіі). The
skeleton is lossy on purpose, so lexicons are folded by the same function before they are compared.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

import polars as pl

TOKEN = r"[\p{L}\p{N}][\p{L}\p{M}\p{N}]*|[()]+|[^\s\p{L}\p{M}\p{N}-]"
"""A word, a run of brackets (Russian smileys: ``))``), or one punctuation mark or emoji code point.

Hyphens are skipped: «смарт-часы» and «смарт часы» are the same two words.
Combining marks without a letter are skipped: the one of ``❤️`` would cling to a word that follows.
"""

# Anything but Latin, Cyrillic, punctuation, symbols and emoji that are NFC in any company.
_MAYBE_NOT_NFC = (
    r"[^\x00-\x{2ff}\x{400}-\x{482}\x{48a}-\x{4ff}\x{2010}-\x{205e}\x{2190}-\x{22ff}\x{2400}-\x{27bf}"
    r"\x{fe0f}\x{1f000}-\x{1faff}]"
)
_ODD_SPACES = r"\s\s+|[^\S ]"

# Latin-script Kazakh as people type it, without a standard: digraphs first, then single letters.
_DIGRAPHS = (("shch", "щ"), ("sh", "ш"), ("ch", "ч"), ("zh", "ж"), ("kh", "х"), ("gh", "г"), ("ya", "я"), ("yu", "ю"))
_LATIN = str.maketrans("abcdefghijklmnopqrstuvwxyzäöüñğşıçáǵńóúýū", "абсдефгхижклмнопкрстувухызаоунгшичагноууу")
# Latin letters inside a Cyrillic word are there for their looks, not their sound.
_LOOKALIKE = str.maketrans("aeopcxykmthbi", "аеорсхукмтнви")
_LETTERS = str.maketrans(
    {
        "ә": "а",
        "ə": "а",
        "ғ": "г",
        "қ": "к",
        "ң": "н",
        "ө": "о",
        "ұ": "у",
        "ү": "у",
        "һ": "х",
        "і": "и",
        "ы": "и",
        "й": "и",
    }
    | {"ё": "е", "э": "е", "щ": "ш", "ъ": None, "ь": None}
)
_LONGEST_WORD = 64
_WORD = re.compile(r"[^\W_](?:[^\W_]|[\u0300-\u036f\u20d0-\u20ff\ufe00-\ufe0f])*")  # as in TOKEN
_REPEATED = re.compile(r"(.)\1+", re.DOTALL)
_MARK = re.compile(r"[\u0300-\u036f]")  # stress (хоро́ший) and whatever did not become part of a letter
_HAS_LATIN = re.compile(r"[a-zäöüñğşıç]")
_HAS_CYRILLIC = re.compile(r"[а-яёғқңөұүһі]")


def normalize(texts: pl.Series) -> pl.Series:
    """Return NFC, case-folded texts with single spaces and no outer ones, same length and order."""
    composed = _changed_where(texts, _MAYBE_NOT_NFC, lambda some: some.str.normalize("NFC"))
    return composed.str.to_lowercase().str.replace_all(_ODD_SPACES, " ").str.strip_chars(" ")


def _changed_where(texts: pl.Series, pattern: str, change: Callable[[pl.Series], pl.Series]) -> pl.Series:
    """Change only the texts in which the pattern is found: it is far cheaper to look for than to change nothing."""
    rows = texts.str.contains(pattern).arg_true()
    return texts.clone().scatter(rows, change(texts.gather(rows))) if len(rows) else texts


def fold_word(word: str) -> str:
    """Return the spelling skeleton of one word, from its first 64 characters.

    Examples
    --------
    >>> fold_word("күшті") == fold_word("кушти") == fold_word("kushti") == fold_word("КҮШТІІІІ")
    True
    """
    folded = unicodedata.normalize("NFKC", word[:_LONGEST_WORD]).casefold()
    folded = _MARK.sub("", unicodedata.normalize("NFKC", folded))
    if _HAS_LATIN.search(folded):
        folded = _transliterate(folded.translate(_LOOKALIKE) if _HAS_CYRILLIC.search(folded) else folded)
    folded = _REPEATED.sub(r"\1", folded.translate(_LETTERS))
    folded = _REPEATED.sub(r"\1", folded.replace("дж", "ж").replace("нг", "н"))
    return folded[:_LONGEST_WORD]


def fold_phrase(phrase: str) -> tuple[str, ...]:
    """Return the folded words of a phrase, cut as texts are; punctuation is dropped."""
    return tuple(fold_word(word) for word in _WORD.findall(unicodedata.normalize("NFC", phrase)))


def _transliterate(word: str) -> str:
    for latin, cyrillic in _DIGRAPHS:
        word = word.replace(latin, cyrillic)
    return word.translate(_LATIN)
