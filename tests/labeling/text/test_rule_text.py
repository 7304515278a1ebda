"""Rules that can never be found in a review are known by their text."""

from __future__ import annotations

import pytest

from labeler.labeling.text.rule_text import needs_capital

NEED_ONE = r"Отличный (?:Отличный) (?P<a>Да|Нет) [А-ЯЁ]{3,} \bИП\b Да|НЕТ \p{Lu}+ x(Y|Z)w ((A)|(B))c"
NEED_NONE = (
    r"отличный Отличный|отличный [Оо]тлич (?i)Отличный (?i:Да) О?тлично (?:Да)?нет (Да){0,2}a \W\D\S \p{L}+ [^А-Я] "
    r"\x{41} (A|b)c [A\d] a|b(C) (?U)a+ \u043Fа (?x)a#Да [A-Z&&[^B]]"
)


@pytest.mark.parametrize("pattern", NEED_ONE.split())
def test_patterns_that_match_nothing_without_a_capital(pattern: str) -> None:
    assert needs_capital(pattern)


@pytest.mark.parametrize("pattern", NEED_NONE.split())
def test_patterns_that_may(pattern: str) -> None:
    assert not needs_capital(pattern)
