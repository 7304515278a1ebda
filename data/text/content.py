"""Whether a review has any content: dashes, brackets and words such as "nan" or "нет" stand where a text is missing."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

_WORDS = (
    r"nan|nat|none|null|nil|#?n/a|undefined|empty|\(\)|<>|no comments?",
    r"нет|пусто|прочерк|(?:нет|без) комментари(?:я|ев)|комментари(?:я|ев) нет",
    r"жоқ|пікір(?:ім)? жоқ",
)
# Not !, ?, + or ): these may be an answer.
_FILLER = r"[\s\-–—.,;:…'\"`«»*/\\|\[\]{}#=\u00ad\u200b-\u200f\u2060\ufeff]"
_PATTERN = rf"(?i)^(?:{_FILLER}*(?:{'|'.join(_WORDS)})?{_FILLER}*|_+)$"
_MAX_BYTES = 64  # bytes; longer texts are not looked at


def is_blank(texts: pl.Series) -> pl.Series:
    """Return which texts are null or show nothing, shape (n,).

    Nothing is shown by what Python's ``strip()`` calls white space, by zero-width characters and by the soft hyphen.
    """
    return (~texts.str.contains(r"[^\s\x{1c}-\x{1f}\x{ad}\x{200b}-\x{200f}\x{2060}\x{feff}]")).fill_null(value=True)


def has_content(texts: pl.Series) -> npt.NDArray[np.bool_]:
    """Return which texts have content, shape (n,).

    Texts without content are empty, hold only dashes, dots, brackets and the like, or are one of the words that
    programs and people write for a missing text ("nan", "None", "N/A", "нет", "без комментариев", "жоқ"). Emoji,
    digits, and signs such as ``+``, ``!`` and ``)`` are content.

    Examples
    --------
    >>> has_content(pl.Series(["-", "nan", "[]", "нет.", "👍", ")))", "нет слов"])).tolist()
    [False, False, False, False, True, True, True]
    """
    found = np.ones(len(texts), np.bool_)
    short = (texts.str.len_bytes() <= _MAX_BYTES).to_numpy()
    found[short] = ~texts.filter(short).str.contains(_PATTERN).to_numpy()
    return found
