"""Text normalisation, done once per corpus and shared by all voters.

Three strengths. `readable` gives the characters that a reader sees: no HTML entities, no invisible characters inside
words. `normalize` keeps what a reader would call the same text: also NFC, case folding, single spaces. `fold_word`
goes on to a *skeleton* under which the spellings of one word meet, however it was typed: Kazakh Cyrillic (керемет,
күшті), Kazakh on a Russian keyboard (кушти), Latin script (keremet, kushti) and drawn-out letters (күшштіі). The
skeleton is lossy on purpose, so lexicons are folded by the same function before they are compared.
"""

from __future__ import annotations

import html
import re
import unicodedata
from functools import lru_cache

import polars as pl

from .parallel import map_chunks

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
# Soft hyphens, zero-width spaces, byte order marks, marks of direction. Joiners belong to emoji, but not to words.
_ENTITY = r"&(?:#[0-9]+|#[xX][0-9a-fA-F]+|[a-zA-Z]+[0-9]*);"
_INVISIBLE = r"[\x{ad}\x{200b}\x{200e}\x{200f}\x{2060}\x{feff}]"
_JOINED_WORD = r"(\p{L})[\x{200c}\x{200d}]+"
_ODD_SPACES = r"\s\s+|[^\S ]"

# Latin-script Kazakh as people type it, without a standard: digraphs first, then single letters.
_DIGRAPHS = (("shch", "щ"), ("sh", "ш"), ("ch", "ч"), ("zh", "ж"), ("kh", "х"), ("gh", "г"), ("ya", "я"), ("yu", "ю"))
_LATIN = str.maketrans("abcdefghijklmnopqrstuvwxyzäöüñğşıçáǵńóúýū", "абсдефгхижклмнопкрстувухызаоунгшичагноууу")
# Latin letters inside a Cyrillic word are there for their looks, not their sound.
_LOOKALIKE = str.maketrans("aeopcxykmthbi", "аеорсхукмтнви")
_LETTERS = str.maketrans("әəғқңөұүһіыйёэщ", "аагкноуухиииееш", "ъь")
_MAX_WORD = 64
_TOKEN = re.compile(  # TOKEN for Python's own `re`
    r"[^\W_](?:[^\W_]|[\u0300-\u036f\u20d0-\u20ff\ufe00-\ufe0f])*|[()]+|[^\w\s\u0300-\u036f\u20d0-\u20ff\ufe00-\ufe0f-]|_"
)
_REPEATED = re.compile(r"(.)\1+", re.DOTALL)
_MARK = re.compile(r"[\u0300-\u036f]")  # stress (хоро́ший) and whatever did not become part of a letter
_HAS_LATIN = re.compile(r"[a-zäöüñğşıç]")
_HAS_CYRILLIC = re.compile(r"[а-яёғқңөұүһі]")


def readable(texts: pl.Series) -> pl.Series:
    """Return texts with HTML entities resolved and without characters that show nothing, same length and order."""
    rows = map_chunks(texts, pl.first().str.contains(f"{_ENTITY}|{_INVISIBLE}|{_JOINED_WORD}")).arg_true()
    if not len(rows):
        return texts
    plain = pl.Series([_unescape(text) for text in texts.gather(rows)], dtype=pl.String)
    plain = plain.str.replace_all(_INVISIBLE, "").str.replace_all(_JOINED_WORD, "$1")
    return texts.clone().scatter(rows, plain)


def _unescape(text: str) -> str:
    """Resolve entities, those that were escaped twice too (``&amp;quot;``)."""
    while (plain := html.unescape(text)) != text:
        text = plain
    return text.replace("\0", " ")


def normalize(texts: pl.Series) -> pl.Series:
    """Return readable, NFC, case-folded texts with single spaces and no outer ones, same length and order."""
    texts = readable(texts)
    rows = map_chunks(texts, pl.first().str.contains(_MAYBE_NOT_NFC)).arg_true()
    if len(rows):  # looking for them is far cheaper than composing what is composed already
        texts = texts.clone().scatter(rows, texts.gather(rows).str.normalize("NFC"))
    tidied = pl.first().str.to_lowercase().str.replace_all(_ODD_SPACES, " ").str.strip_chars(" ")
    return map_chunks(texts, tidied)


@lru_cache(maxsize=1 << 16)  # most words of a chunk were in the chunk before
def fold_word(word: str) -> str:
    """Return the spelling skeleton of one word, from its first 64 characters.

    Examples
    --------
    >>> fold_word("күшті") == fold_word("кушти") == fold_word("kushti") == fold_word("КҮШТІІІІ")
    True
    """
    folded = unicodedata.normalize("NFKC", word[:_MAX_WORD]).casefold()
    if folded[:1].isalnum() and not word[:1].isalnum():
        return word  # a sign such as №, which is not the word "no"
    folded = _MARK.sub("", unicodedata.normalize("NFKC", folded))
    if _HAS_LATIN.search(folded):
        folded = _transliterate(folded.translate(_LOOKALIKE) if _HAS_CYRILLIC.search(folded) else folded)
    folded = _REPEATED.sub(r"\1", folded.translate(_LETTERS))
    folded = _REPEATED.sub(r"\1", folded.replace("дж", "ж").replace("нг", "н"))
    return folded[:_MAX_WORD]


def fold_words(words: pl.Series) -> list[str]:
    """Fold many distinct words, each as `fold_word` does."""
    return [fold_word(word) for word in words]


def fold_phrase(phrase: str) -> tuple[str, ...]:
    """Return the folded words and marks of a phrase, cut as texts are (see `TOKEN`)."""
    return tuple(fold_word(token) for token in _TOKEN.findall(unicodedata.normalize("NFC", phrase)))


def _transliterate(word: str) -> str:
    for latin, cyrillic in _DIGRAPHS:
        word = word.replace(latin, cyrillic)
    return word.translate(_LATIN)
