"""The length voter."""

from __future__ import annotations

import pytest

from labeler.data.errors import ConfigError, InputError
from labeler.data.types.corpus import Corpus
from labeler.data.types.label_space import LabelSpace
from labeler.labeling.voters.length import LengthVoter

LABELS = LabelSpace(("negative", "positive"))
CORPUS = Corpus(["0", "1", "2", "3"], ["👍!!", "жақсы", "өте жақсы", "5 жұлдыз, рахмет"])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "labels"),
    [
        ({}, [1, 1, 1, 1]),
        ({"max_words": 0}, [1, -1, -1, -1]),
        ({"min_words": 1, "max_words": 2}, [-1, 1, 1, -1]),
        ({"min_words": 3}, [-1, -1, -1, 1]),
    ],
)
def test_the_range_of_words_is_inclusive(options: dict[str, int], labels: list[int]) -> None:
    assert LengthVoter(labels=LABELS, label="positive", **options).vote(CORPUS).labels.tolist() == labels


def test_a_range_turned_round_is_refused() -> None:
    with pytest.raises(ConfigError, match="No review has at least 2 and at most 1 words"):
        LengthVoter(labels=LABELS, label="positive", min_words=2, max_words=1)


def test_an_unknown_class_is_an_error() -> None:
    with pytest.raises(InputError, match="'good' is not a class"):
        LengthVoter(labels=LABELS, label="good").vote(CORPUS)
