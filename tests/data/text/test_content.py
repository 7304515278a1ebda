from __future__ import annotations

import polars as pl

from labeler.data.text.content import has_content

NOTHING = """- — . ... [] {} () <> nan None NULL N/A #N/A нет Нет. «нет» жоқ ___ "None" -\u200b""".split()
SOMETHING = "👍 :) ))) + 5 !!! нан Nана no -_-".split()


def test_fillers_have_no_content() -> None:
    texts = ["", " ", *NOTHING, "Нет комментариев", "без комментариев", "Пікір жоқ."]
    assert [text for text in texts if has_content(pl.Series([text]))[0]] == []


def test_short_answers_have_content() -> None:
    texts = pl.Series([*SOMETHING, "нет слов", "жоқ екен", "нет " * 60])
    assert has_content(texts).all()
