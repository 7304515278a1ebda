import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labeler.data.errors import LabelModelError
from labeler.data.types.label_space import LabelSpace
from labeler.data.types.soft_labels import SoftLabels
from labeler.models.training.rows.neighbours import nearest_neighbours
from labeler.models.training.rows.selection import cut_statistic, present_classes, select

AB = LabelSpace(("a", "b"))
ABC = LabelSpace(("a", "b", "c"))


def clusters(n: int = 60, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Two tight bundles of unit vectors, and which one each row is from."""
    rng = np.random.default_rng(seed)
    labels = np.repeat([0, 1], n // 2).astype(np.int16)
    vectors = np.eye(8, dtype=np.float32)[labels] + 0.1 * rng.standard_normal((n, 8)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True), labels


def soft(labels: np.ndarray, k: int, confidence: float = 0.9) -> SoftLabels:
    probs = np.full((len(labels), k), (1 - confidence) / (k - 1), np.float32)
    probs[np.arange(len(labels)), np.maximum(labels, 0)] = confidence
    return SoftLabels(probs, labels >= 0)


def test_a_wrong_label_among_agreeing_neighbours_stands_out() -> None:
    vectors, labels = clusters()
    labels[3] = 1
    statistic = cut_statistic(vectors, labels, neighbours=10)
    assert statistic.argmax() == 3
    assert np.delete(statistic, 3).max() < 0 < statistic[3]


def test_the_cut_statistic_is_standard_normal_for_random_labels() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((2000, 16)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    statistic = cut_statistic(vectors, (rng.random(2000) < 0.3).astype(np.int16))
    assert abs(statistic.mean()) < 0.15
    assert statistic.std() == pytest.approx(1, abs=0.15)


def test_blocks_do_not_change_the_cut_statistic(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, labels = clusters()
    whole = cut_statistic(vectors, labels)
    monkeypatch.setattr("labeler.models.training.rows.neighbours._BLOCK", 60 * 7)
    assert np.allclose(cut_statistic(vectors, labels), whole)


def test_neighbours_are_those_of_a_full_sort() -> None:
    rng = np.random.default_rng(1)
    vectors = rng.standard_normal((1500, 8)).astype(np.float32)
    references = np.arange(0, 1500, 2)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    cosines = unit @ unit[references].T
    cosines[references, np.arange(len(references))] = -np.inf
    for rows, nearest, _ in nearest_neighbours(vectors, references, 5):
        expected = np.argsort(-cosines[rows], axis=1)[:, :5]
        assert (np.sort(nearest, axis=1) == np.sort(expected, axis=1)).all()


def test_selection_drops_the_contradicted_rows_of_each_class() -> None:
    vectors, labels = clusters()
    labels[[3, 40]] = labels[[40, 3]]
    kept = select(soft(labels, 2), vectors, labels=AB, cut_share=0.9)
    assert not kept[[3, 40]].any()
    assert [int(kept[labels == c].sum()) for c in (0, 1)] == [27, 27]


@settings(max_examples=30)
@given(st.lists(st.integers(-1, 1), min_size=10, max_size=40), st.floats(0, 0.89))
def test_uncovered_rows_are_never_selected(rows: list[int], least: float) -> None:
    labels = np.array([0, 1, 0, 1, *rows], np.int16)
    assert (select(soft(labels, 2), labels=AB, min_confidence=least) == (labels >= 0)).all()


def test_too_little_to_train_on_is_an_error() -> None:
    labels = np.array([0, 1, 1], np.int16)
    with pytest.raises(LabelModelError, match="0 labelled rows are left for 2 classes"):
        select(soft(labels, 2), labels=AB, min_confidence=0.95)
    with pytest.raises(LabelModelError, match="Only rows of class 'b'"):
        select(soft(np.ones(5, np.int16), 2), labels=AB)


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
