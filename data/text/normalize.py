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

import numpy as np
import numpy.typing as npt
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
# Latin, Cyrillic and emoji that NFKC and case folding leave alone, or change one by one.
_COMMON = r"^[\x01-\x09\x0b-\x7f\x{400}-\x{482}\x{48a}-\x{52f}\x{2600}-\x{27bf}\x{1f300}-\x{1faff}]*$"
_DELETED = 0xFFFFFFFF
_TABLE = np.arange(0x20000, dtype=np.uint32)  # `_LETTERS` for all code points of `_COMMON`
_TABLE[list(_LETTERS)] = [_DELETED if to is None else ord(to) for to in _LETTERS.values()]
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
    """Fold many distinct words at once, each as `fold_word` would.

    Words of plain Latin and Cyrillic letters are folded as one long text, a word a line, which is several times faster
    than one by one.
    """
    common = words.str.contains(_COMMON).to_numpy()
    folded = np.empty(len(words), object)
    folded[common] = _fold_lines(words.filter(common).str.head(_MAX_WORD).to_list())
    folded[~common] = [fold_word(word) for word in words.filter(~common)]
    return folded.tolist()


def fold_phrase(phrase: str) -> tuple[str, ...]:
    """Return the folded words and marks of a phrase, cut as texts are (see `TOKEN`)."""
    return tuple(fold_word(token) for token in _TOKEN.findall(unicodedata.normalize("NFC", phrase)))


def _fold_lines(words: list[str]) -> list[str]:
    """Fold words that NFKC leaves alone, without combining marks, as lines of one text."""
    if not words:
        return []
    lines = "\n".join(words).casefold().split("\n")
    latin = [i for i, line in enumerate(lines) if _HAS_LATIN.search(line)]
    alike = [lines[i].translate(_LOOKALIKE) if _HAS_CYRILLIC.search(lines[i]) else lines[i] for i in latin]
    for i, line in zip(
        latin, _transliterate("\n".join(alike)).split("\n"), strict=False
    ):  # no Latin word gives one empty line
        lines[i] = line
    codes = _TABLE[_code_points("\n".join(lines))]
    text = _without_repeats(codes[codes != _DELETED]).replace("дж", "ж").replace("нг", "н")
    return _without_repeats(_code_points(text)).split("\n")


def _code_points(text: str) -> npt.NDArray[np.uint32]:
    return np.frombuffer(text.encode("utf-32-le"), np.uint32)


def _without_repeats(codes: npt.NDArray[np.uint32]) -> str:
    """Keep one of equal neighbours, but every line break."""
    kept = np.ones(len(codes), bool)
    kept[1:] = (codes[1:] != codes[:-1]) | (codes[1:] == ord("\n"))
    return codes[kept].tobytes().decode("utf-32-le")


def _transliterate(word: str) -> str:
    for latin, cyrillic in _DIGRAPHS:
        word = word.replace(latin, cyrillic)
    return word.translate(_LATIN)
