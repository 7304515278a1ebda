import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labeler.data.errors import LabelModelError
from labeler.data.types.label_space import LabelSpace
from labeler.data.types.soft_labels import SoftLabels
from labeler.models.training.rows.selection import present_classes, select

AB = LabelSpace(("a", "b"))
ABC = LabelSpace(("a", "b", "c"))


def soft(labels: np.ndarray, k: int, confidence: float = 0.9) -> SoftLabels:
    probs = np.full((len(labels), k), (1 - confidence) / (k - 1), np.float32)
    probs[np.arange(len(labels)), np.maximum(labels, 0)] = confidence
    return SoftLabels(probs, labels >= 0)


@settings(max_examples=30)
@given(st.lists(st.integers(-1, 1), min_size=10, max_size=40), st.floats(0, 0.89))
def test_uncovered_rows_are_never_selected(rows: list[int], least: float) -> None:
    labels = np.array([0, 1, 0, 1, *rows], np.int16)
    assert (select(soft(labels, 2), AB, min_confidence=least) == (labels >= 0)).all()


def test_too_little_to_train_on_is_an_error() -> None:
    labels = np.array([0, 1, 1], np.int16)
    with pytest.raises(LabelModelError, match="0 labelled rows are left for 2 classes"):
        select(soft(labels, 2), AB, min_confidence=0.95)
    with pytest.raises(LabelModelError, match="Only rows of class 'b'"):
        select(soft(np.ones(5, np.int16), 2), AB)


def test_a_class_that_a_large_gold_sample_lacks_is_absent() -> None:
    weak = soft(np.repeat([0, 1, 2], [500, 480, 20]).astype(np.int16), 3)
    gold = np.repeat([0, 1], 40).astype(np.int16)
    present, absent = present_classes(weak, ABC, gold=gold)
    assert present.tolist() == [0, 1]
    assert "none of 80 gold rows" in absent["c"]


@pytest.mark.parametrize(("gold_rows", "votes"), [(10, 20), (80, 100)])
def test_a_small_gold_sample_or_many_labels_do_not_make_a_class_absent(gold_rows: int, votes: int) -> None:
    weak = soft(np.repeat([0, 1, 2], [500, 480, votes]).astype(np.int16), 3)
    gold = np.resize(np.array([0, 1], np.int16), gold_rows)
    assert present_classes(weak, ABC, gold=gold)[0].tolist() == [0, 1, 2]


def test_a_class_without_labels_is_absent_and_one_class_is_too_few() -> None:
    present, absent = present_classes(soft(np.array([0, 1], np.int16), 3), ABC)
    assert (present.tolist(), list(absent)) == ([0, 1], ["c"])
    with pytest.raises(LabelModelError, match="fewer than two classes"):
        present_classes(soft(np.array([1, 1], np.int16), 3), ABC)
