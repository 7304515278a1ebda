"""Text from files, made safe to show in a terminal."""

from __future__ import annotations

import re

_LINE_END = re.compile(r"\s*[\r\n\v\f\x85\u2028\u2029]+\s*")
# Control characters, halves of surrogate pairs, and the marks that turn the direction of writing around.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")


def printable(text: str) -> str:
    r"""Put text on one line that cannot steer the terminal.

    Parameters
    ----------
    text : str
        Anything: a file name, a class name, a review.

    Returns
    -------
    str
        Line ends are spaces; other control characters are shown as escapes such as ``\x1b``.
    """
    return _UNSAFE.sub(lambda found: repr(found[0])[1:-1], _LINE_END.sub(" ", text.strip()))


def percent(share: float, digits: int = 1) -> str:
    """Write a share, with as many more digits as show that it is neither none nor all: 1,999 of 2,000 are 99.95%."""
    while 0 < share < 1 and digits < 8 and float(f"{share:.{digits + 2}f}") in (0.0, 1.0):
        digits += 1
    return f"{share:.{digits}%}"


def spaced_percent(share: float, digits: int = 0) -> str:
    """Write a share as `percent` does, with a space before the sign, as pages show it."""
    return percent(share, digits).replace("%", " %")


def counted(rows: float, effective: float) -> str:
    """Write a number of rows, and the effective number where that is smaller."""
    return f"{rows:,.0f}" if round(effective) >= rows else f"{rows:,.0f} (effective {effective:,.0f})"
