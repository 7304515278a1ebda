"""Class names and indices."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labeler.data.errors import ConfigError, InputError
from labeler.data.types.label_space import ABSTAIN, LabelSpace

SPACE = LabelSpace(("negative", "positive", "нет товара"))


def test_length_and_k_are_the_number_of_classes() -> None:
    assert (len(SPACE), SPACE.k) == (3, 3)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ((), "at least 2 classes, found 0"),
        (("one",), "at least 2 classes, found 1"),
        (("a", ""), "A class name is empty"),
        (("a", " \t"), "A class name is empty"),
        (("a", "b "), "begins or ends with a space"),
        (("a", "b", "a"), "A class name is repeated"),
    ],
)
def test_unusable_names_are_refused(names: tuple[str, ...], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        LabelSpace(names)


def test_a_list_of_names_becomes_a_tuple() -> None:
    assert LabelSpace(["a", "b"]).names == ("a", "b")  # type: ignore[arg-type]


def test_an_unknown_class_names_the_nearest() -> None:
    with pytest.raises(InputError, match="'postive' is not a class") as caught:
        SPACE.index("postive")
    assert caught.value.hint == "Did you mean 'positive'? Known: negative, positive, нет товара."


def test_case_and_spaces_do_not_matter_unless_they_tell_classes_apart() -> None:
    assert [SPACE.find(name) for name in ("POSITIVE", " нет  Товара ", "neutral", "")] == [1, 2, ABSTAIN, ABSTAIN]
    alike = LabelSpace(("a", "A", "b"))
    assert [alike.find(name) for name in ("a", "A", " A", "B")] == [0, 1, ABSTAIN, 2]


def test_class_names_are_respelled_and_others_stay() -> None:
    values = pl.Series(["Positive", "neutral", None, " нет ТОВАРА"])
    assert SPACE.respell(values).to_list() == ["positive", "neutral", None, "нет товара"]


def test_no_names_are_encoded_as_integers() -> None:
    assert SPACE.encode([]).dtype == np.int16


def test_none_and_blank_are_encoded_as_abstentions() -> None:
    codes = SPACE.encode([None, "", "  ", " positive "])
    assert codes.tolist() == [ABSTAIN, ABSTAIN, ABSTAIN, 1]
    assert codes.dtype == np.int16


def test_encoding_an_unknown_class_is_an_error() -> None:
    with pytest.raises(InputError, match="'neutral' is not a class"):
        SPACE.encode(["positive", "neutral"])


@settings(max_examples=50)
@given(st.lists(st.integers(-1, 2)))
def test_decoding_and_encoding_are_inverse(indices: list[int]) -> None:
    assert SPACE.encode(SPACE.series(np.array(indices, np.int16))).tolist() == indices
