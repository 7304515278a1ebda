"""Letters that were lost or misread before are told, and ordinary texts are left in peace."""

from __future__ import annotations

import polars as pl
import pytest

from labeler.data.errors import InputError
from labeler.data.text.damage import damage_notes

GOOD = [
    "Өте жақсы тауар, рахмет",
    "Что?Где? Когда",
    "ТІРІСІН АЛДЫМ",
    "СИНІЙ, РЁВ",
    "«Стиль» — 5 °C, C’est la vie",
    "Ёлка?!",
]


def test_ordinary_texts_are_left_in_peace() -> None:
    assert damage_notes(pl.Series(GOOD), "a.csv") == ()
    assert damage_notes(pl.Series([*GOOD * 20, "хорошо?не знаю"]), "a.csv") == ()


@pytest.mark.parametrize("encoding", ["cp1251", "cp1252"])
@pytest.mark.parametrize("text", ["Отличный чайник", "Өте керемет, рахмет", "УЖАС"])
def test_utf8_that_was_misread(encoding: str, text: str) -> None:
    misread = text.encode().decode(encoding, "replace")
    with pytest.raises(InputError, match=f"1 of the first 1 texts are UTF-8 that was read as {encoding}") as caught:
        damage_notes(pl.Series([misread]), "a.csv")
    assert f"iconv -f utf-8 -t {encoding}" in caught.value.hint
    assert f"read as {encoding}" in damage_notes(pl.Series([*GOOD, misread]), "a.csv")[0]


@pytest.mark.parametrize("lost", ["?те жа?сы тауар", "Сапасы нашар, ?намады", "К\ufffdшті"])
def test_letters_that_were_lost(lost: str) -> None:
    assert "1 of the first 7 texts have '?' in place of letters" in damage_notes(pl.Series([*GOOD, lost]), "a.csv")[0]
