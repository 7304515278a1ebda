"""The voter that repeats an existing label column."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from labeler.data.errors import InputError, VoterError
from labeler.data.types.corpus import Corpus
from labeler.data.types.label_space import LabelSpace
from labeler.labeling.voters.existing import ExistingVoter

LABELS = LabelSpace(("negative", "positive"))
STARS = {"1": "negative", "5": "positive"}


def vote(values: list[Any], **options: Any) -> list[int]:
    ids = [str(i) for i in range(len(values))]
    corpus = Corpus(ids, ids, pl.DataFrame({"label": values}))  # type: ignore[arg-type]
    labels: list[int] = ExistingVoter(labels=LABELS, **options).vote(corpus).labels.tolist()
    return labels


def test_class_names_map_to_themselves_and_the_rest_is_abstained_on() -> None:
    assert vote(["positive", " negative ", "neutral", "", None, "POSITIVE"]) == [1, 0, -1, -1, -1, 1]


@pytest.mark.parametrize("values", [["1", "5", "3"], [1, 5, 3], [1.0, 5.0, 3.5]])
def test_a_mapping_translates_old_values(values: list[Any]) -> None:
    assert vote(values, mapping=STARS) == [0, 1, -1]


def test_a_mapping_may_turn_a_class_name_around() -> None:
    assert vote(["positive", "negative"], mapping={"positive": "negative"}) == [0, 0]


def test_text_that_looks_like_a_number_is_taken_as_written() -> None:
    assert vote(["v2.0", "v2"], mapping={"v2.0": "positive"}) == [1, -1]


def test_a_mapping_to_an_unknown_class_is_an_error() -> None:
    with pytest.raises(InputError, match="'bad' is not a class"):
        vote(["1"], mapping={"1": "bad"})


def test_a_missing_column_is_an_error() -> None:
    with pytest.raises(VoterError, match="has no column 'sentiment'") as caught:
        vote(["1"], column="sentiment")
    assert caught.value.hint == "Known: label."


def test_an_input_of_texts_only_says_so() -> None:
    with pytest.raises(VoterError, match="has no column 'label'") as caught:
        ExistingVoter(labels=LABELS).vote(Corpus(["1"], ["a"]))  # type: ignore[arg-type]
    assert caught.value.hint == "The input has no columns beside the text."
