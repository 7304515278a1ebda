"""Which Cyrillic code page of one byte per character a text is in: the one in which its letters are most plausible.

General detectors do not know Kazakh letters, and they take one code page for another in short texts.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

CODE_PAGES = ("kz1048", "cp1251", "koi8-r", "iso8859-5", "cp866")
"""Code pages that are recognised."""

# Letters in a thousand of Russian texts, Kazakh ones as in texts of both languages.
_FREQUENCIES = (
    "о109.7 е84.5 а80.1 и73.5 н67 т62.6 с54.7 р47.3 в45.4 л44 к34.9 м32.1 д29.8 п28.1 у26.2 я20.1 ы19 ь17.4 "
    "г17 з16.5 б15.9 ч14.4 й12.1 х9.7 ж9.4 ш7.3 ю6.4 ц4.8 щ3.6 э3.2 ф2.6 ъ0.4 ё1 "
    "ә5 ғ5 қ10 ң6 ө4 ұ4 ү5 һ0.5 і15"
)
_SHARES = {item[0]: float(item[1:]) / 1000 for item in _FREQUENCIES.split()}
_MARKS = "«»„“”–—…№’‘•\xa0°"
_LOG_MARK, _LOG_STRANGE = np.log(3e-3), np.log(1e-4)
_CAPITAL_INSIDE, _CAPITAL_AFTER_SMALL = 0.2, 3.0
_MARGIN = 0.15
_LETTERS, _IN_COMPANY = 0.75, 0.7


@dataclass(frozen=True, eq=False)
class _Page:
    """What each byte is: the logarithm of its frequency, and whether it is a letter, a capital one, or a Kazakh one."""

    weights: npt.NDArray[np.float64]
    letters: npt.NDArray[np.bool_]
    capitals: npt.NDArray[np.bool_]


def cyrillic_code_page(sample: bytes) -> str | None:
    """Return the code page in which the non-ASCII bytes spell Cyrillic words; None if there is none, or several.

    Damaged UTF-8 fails because half of its bytes are not letters; Latin-1 fails because its accented letters stand
    alone among ASCII ones instead of beside each other.
    """
    codes = np.frombuffer(sample, np.uint8)
    scores = {name: score for name in CODE_PAGES if (score := _plausibility(codes, _page(name))) is not None}
    if not scores:
        return None
    best = max(scores, key=lambda name: scores[name])
    family = ("kz1048", "cp1251")  # they differ only in letters that Russian does not have
    rivals = [score for name, score in scores.items() if name != best and not {name, best} <= set(family)]
    if rivals and max(rivals) > scores[best] - _MARGIN:
        return None
    if best in family:
        return "kz1048" if np.isin(codes, _only_kazakh()).any() else "cp1251"
    return best


def _plausibility(codes: npt.NDArray[np.uint8], page: _Page) -> float | None:
    """Return the mean logarithm of how likely each non-ASCII byte is; None if they do not spell words."""
    high = codes >= 0x80
    letters = page.letters[codes]
    if not high.any() or letters.sum() < _LETTERS * high.sum():
        return None
    padded = np.concatenate([[False], letters, [False]])
    in_company = letters & (padded[:-2] | padded[2:])
    if in_company.sum() < _IN_COMPANY * letters.sum():
        return None
    capitals = page.capitals[codes]
    inside = capitals[1:] & letters[:-1]
    after_small = inside & ~capitals[:-1]
    cost = _CAPITAL_INSIDE * inside.sum() + _CAPITAL_AFTER_SMALL * after_small.sum()
    return float((page.weights[codes[high]].sum() - cost) / high.sum())


@cache
def _page(name: str) -> _Page:
    signs = [bytes([code]).decode(name, "replace") for code in range(256)]
    other = [_LOG_MARK if sign in _MARKS else _LOG_STRANGE for sign in signs]
    small = [sign.lower() for sign in signs]
    weights = [np.log(_SHARES[sign]) if sign in _SHARES else cost for sign, cost in zip(small, other, strict=True)]
    letters = np.array([sign in _SHARES for sign in small])
    return _Page(np.array(weights), letters, letters & np.array([sign.isupper() for sign in signs]))


@cache
def _only_kazakh() -> list[int]:
    """Bytes that are Kazakh letters in KZ-1048 and something else in Windows-1251."""
    return [code for code in range(128, 256) if _page("kz1048").letters[code] and not _page("cp1251").letters[code]]
