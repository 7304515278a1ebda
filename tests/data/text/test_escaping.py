"""Formulas in text."""

from __future__ import annotations

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from labeler.data.text.escaping import escape_texts, unescape_texts


def test_formulas_get_an_apostrophe() -> None:
    texts = pl.Series(["=1", "＝1", "-5", "\t=1", "'=1", "'a", "a=1", "", None])
    assert escape_texts(texts).to_list() == ["'=1", "'＝1", "'-5", "'\t=1", "''=1", "'a", "a=1", "", None]


@given(st.text(alphabet=st.sampled_from("'=+-@ a＝")))
def test_escaping_can_be_undone(text: str) -> None:
    assert unescape_texts(escape_texts(pl.Series([text]))).to_list() == [text]
