"""Texts that were damaged before they came here: read in a wrong encoding, or saved in one that lacks their letters."""

from __future__ import annotations

import polars as pl

from ..errors import InputError

_CONTINUATION = bytes(range(0x80, 0xC0))
# What the two bytes of a Cyrillic letter in UTF-8 become; without letters that people write behind capital ones.
_AS_CP1251 = "".join(set(_CONTINUATION.decode("cp1251", "ignore")) - set("ІіЁё"))
_AS_CP1252 = _CONTINUATION.decode("cp1252", "ignore") + "".join(map(chr, range(0x80, 0xA0)))
_MISREAD = {
    "cp1251": rf"(?:[РСТУ][{pl.escape_regex(_AS_CP1251)}]){{2}}",
    "cp1252": rf"(?:[Ð-Ó][{pl.escape_regex(_AS_CP1252)}]){{2}}",
}
_LOST = r"[А-Яа-яЁё]\?[а-яё]|(?:^|\s)\?[а-яё]|\x{fffd}"
_KAZAKH = "(?i)[әғқңөұүһ]"
_SHARE_LOST, _SHARE_MISREAD = 0.01, 0.5


def damage_notes(texts: pl.Series, source: str) -> tuple[str, ...]:
    """Describe what is wrong with the letters of some texts.

    Parameters
    ----------
    texts : Series of str
        The first texts.
    source : str
        Name used in messages.

    Raises
    ------
    InputError
        If most texts are UTF-8 that was read in another encoding: labels of such texts would mean nothing.
    """
    notes = []
    for encoding, pattern in _MISREAD.items():
        wrong = texts.filter(texts.str.contains(pattern))
        if not len(wrong):
            continue
        what = f"{_share(wrong, texts)} are UTF-8 that was read as {encoding}: '{wrong[0][:40]}'"
        if len(wrong) > _SHARE_MISREAD * len(texts):
            hint = f"Export it again as UTF-8, or undo it: iconv -f utf-8 -t {encoding} FILE > REPAIRED"
            raise InputError(f"{source}: {what}.", hint=hint)
        notes.append(f"{what}. Labels of such texts mean nothing.")
    lost = texts.filter(texts.str.contains(_LOST) & ~texts.str.contains(_KAZAKH))
    if len(lost) > _SHARE_LOST * len(texts):
        notes.append(
            f"{_share(lost, texts)} have '?' in place of letters: '{lost[0][:40]}'. Kazakh letters were lost when they "
            "were saved in an encoding without them; export them again as UTF-8."
        )
    return tuple(notes)


def _share(some: pl.Series, texts: pl.Series) -> str:
    return f"{len(some):,} of the first {len(texts):,} texts"
