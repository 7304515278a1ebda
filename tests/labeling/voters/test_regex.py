"""The regex voter."""

from __future__ import annotations

from typing import Literal

import pytest

from labeler.data.errors import ConfigError, InputError
from labeler.data.types.corpus import Corpus
from labeler.data.types.label_space import LabelSpace
from labeler.labeling.voters.regex import RegexVoter

LABELS = LabelSpace(("negative", "positive"))


def vote(pattern: str, *texts: str, on: Literal["normalized", "raw"] = "normalized") -> list[int]:
    voter = RegexVoter(labels=LABELS, label="positive", pattern=pattern, on=on)
    labels: list[int] = voter.vote(Corpus([str(i) for i in range(len(texts))], texts)).labels.tolist()  # type: ignore[arg-type]
    return labels


def test_a_pattern_found_anywhere_votes_and_else_abstains() -> None:
    assert vote("рахмет|спасибо", "Үлкен рахмет!", "жоқ", "спасибо") == [1, -1, 1]


def test_normalised_text_is_lower_case_and_single_spaced() -> None:
    assert vote("^көп рахмет$", "  КӨП \n рахмет") == [1]


def test_raw_text_keeps_case_and_spaces() -> None:
    assert vote("[А-Я]{3}  ", "УЖАС  да", "ужас  да", on="raw") == [1, -1]


@pytest.mark.parametrize("pattern", ["(?=a)b", "(?<!a)b", r"(a)\1", "(", "[z-a]", r"\p{Foo}", "a{1000000}"])
@pytest.mark.parametrize("texts", [("a",), ()])
def test_patterns_it_cannot_use_are_explained(pattern: str, texts: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError, match="is not a regular expression this voter can use") as caught:
        vote(pattern, *texts)
    assert "Look-around and back-references are not available" in caught.value.hint


def test_an_unknown_class_is_an_error() -> None:
    with pytest.raises(InputError, match="'good' is not a class"):
        RegexVoter(labels=LABELS, label="good", pattern="a").vote(Corpus(["1"], ["a"]))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("pattern", "on", "message"),
    [
        ("\bотлич", "raw", "holds the control character"),  # TOML's "\b" in double quotes
        ("a\nb", "normalized", "holds the control character"),
        ("Отлично", "normalized", "it has capital letters, and texts are lower-cased first"),
    ],
)
def test_a_pattern_that_can_never_be_found_is_refused(
    pattern: str, on: Literal["normalized", "raw"], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        vote(pattern, on=on)


@pytest.mark.parametrize(
    ("pattern", "on"),
    [("Отлично", "raw"), ("(?i)Отлично", "normalized"), ("(?x)отлично\n", "normalized"), ("о\n?", "raw")],
)
def test_a_pattern_that_looks_like_one_but_is_none_votes(pattern: str, on: Literal["normalized", "raw"]) -> None:
    assert vote(pattern, "Отлично", on=on) == [1]
