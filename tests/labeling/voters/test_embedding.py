"""The embedding voter, with an encoder that counts letters."""

from __future__ import annotations

from typing import Any

import pytest

from labeler.data.errors import ConfigError
from labeler.data.types.corpus import Corpus
from labeler.data.types.label_space import LabelSpace
from labeler.labeling.voters.embedding import EmbeddingVoter
from labeler.models.loading.resolve import ModelRef

LABELS = LabelSpace(("a", "b", "c"))
PROTOTYPES = {"a": ("aa", "aaa"), "b": ("bb",), "c": ("cc", "c")}


def vote(model: ModelRef, texts: list[str], **options: Any) -> list[int]:
    given = {"prototypes": PROTOTYPES, "class_balance": (0.2, 0.3, 0.5), **options}
    voter = EmbeddingVoter(labels=LABELS, encoder=model, **given)
    labels: list[int] = voter.vote(Corpus([str(i) for i in range(len(texts))], texts)).labels.tolist()  # type: ignore[arg-type]
    return labels


def test_each_review_votes_for_the_class_it_resembles(model: ModelRef) -> None:
    assert vote(model, ["aaa", "bbbb", "cb", "acc", "aaa"])[:2] == [0, 1]
    assert vote(model, ["aaa", "bbbb", "ccc", "acc", "aaa"]) == [0, 1, 2, 2, 0]


def test_coverage_leaves_the_least_sure_rows_out(model: ModelRef) -> None:
    labels = vote(model, ["aaa", "aab", "bbb", "bbc"], coverage=0.5)
    assert labels == [0, -1, 1, -1]


def test_a_large_batch_follows_the_class_balance(model: ModelRef) -> None:
    texts = ["a" * i + "b" * (40 - i) + "c" * (i * 7 % 40) for i in range(40)] * 5
    labels = vote(model, texts, class_balance=(0.1, 0.3, 0.6))
    assert [labels.count(i) / len(labels) for i in range(3)] == pytest.approx([0.1, 0.3, 0.6], abs=0.05)


def test_no_rows_are_fine(model: ModelRef) -> None:
    assert vote(model, []) == []


def test_every_class_needs_a_prototype(model: ModelRef) -> None:
    with pytest.raises(ConfigError, match="Class 'b' has no prototypes") as caught:
        vote(model, ["a"], prototypes={"a": ("a",), "b": (), "c": ("c",)})
    assert caught.value.hint == "Add prototypes = [...] to its [[task.labels]]."


def test_a_class_balance_of_another_size_is_refused(model: ModelRef) -> None:
    with pytest.raises(ConfigError, match=r"class_balance has 2 number\(s\), but the task has 3 classes"):
        vote(model, ["a"], class_balance=(0.5, 0.5))
