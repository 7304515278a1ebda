"""Languages by letters and endings, and folded stems written back."""

from __future__ import annotations

import polars as pl
import pytest

from labeler.data.text.normalize import fold_word
from labeler.labeling.suggest.spelling import spellings, written_stem
from labeler.labeling.text.languages import is_kazakh, word_language


def test_kazakh_letters_tell_a_text() -> None:
    assert is_kazakh(pl.Series(["Өте жақсы", "ҚАТТЫ", "керемет", "хорошо", ""])).to_list() == [True, True, *[False] * 3]


@pytest.mark.parametrize(
    ("forms", "company", "language"),
    [
        ({"жақсы": 5, "жаксы": 30}, 0.0, "kk"),  # many type it on a Russian keyboard
        ({"регистрация": 5, "регистрацияда": 1}, 0.9, "ru"),
        ({"хорошие": 3, "хороший": 9}, 0.9, "ru"),
        ({"болмайды": 3, "болмады": 9}, 0.0, "kk"),
        ({"jaqsy": 9, "жақсы": 1}, 0.9, "latin"),
        ({"код": 4}, 0.6, "kk"),
        ({"код": 4}, 0.0, "ru"),
    ],
)
def test_a_word_is_put_under_its_language(forms: dict[str, int], company: float, language: str) -> None:
    assert word_language(forms, company) == language


def test_spellings_are_found_by_their_skeleton() -> None:
    texts = pl.Series(["күшті екен", "кушти", "kushti, күштірек", "басқа"])
    stem = fold_word("күшті")
    assert spellings(texts, stem) == {"күшті": 1, "кушти": 1, "kushti": 1, "күштірек": 1}
    assert "күштірек" not in spellings(texts, stem, exact=True)


def test_a_stem_is_written_with_kazakh_letters_if_people_do() -> None:
    stem = fold_word("күшті")
    assert written_stem({"кушти": 5, "күштірек": 2}, stem) == "күшті"
    assert written_stem({"кушти": 50, "күшті": 1}, stem) == "кушти"
    assert written_stem({}, stem) == stem


@pytest.mark.parametrize("form", ["шшіркін", "jaqsylau", "соңғысы", "ёлочка"])
def test_a_written_stem_folds_to_the_stem(form: str) -> None:
    stem = fold_word(form)[:4]
    assert fold_word(written_stem({form: 1}, stem)) == stem
