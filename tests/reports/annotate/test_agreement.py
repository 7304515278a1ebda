from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score, confusion_matrix

from labeler.data.errors import InputError
from labeler.data.types.label_space import LabelSpace
from labeler.reports.annotate.agreement import cohen_kappa, compare_annotations
from labeler.reports.annotate.table import read_annotations

Write = Callable[..., Path]


def test_rows_are_compared_by_id(write: Write, labels: LabelSpace) -> None:
    first = read_annotations(
        write("id,text,label\na,A,positive\nb,B,positive\nc,C,\nd,D,negative\ne,E,negative\n"), labels
    )
    second = read_annotations(
        write("id,text,label\ne,E,negative\nb, B,negative\nc,C,positive\na,A,positive\nd,other,positive\n", "2.csv"),
        labels,
    )
    found = compare_annotations(first, second, labels)
    assert (found.common, found.n, found.other_text) == (4, 3, 1)
    assert found.disputes == {1: "negative"}
    assert found.confusion.tolist() == [[1, 0], [1, 1]]
    assert found.observed == pytest.approx(2 / 3)
    assert found.kappa == pytest.approx(0.4)
    assert found.source == "2.csv"


def test_agreement_is_that_before_settling(write: Write, labels: LabelSpace) -> None:
    settled = 'a,A,positive,\nb,B,negative,"settled, was positive"\nc,C,negative,\n'
    first = read_annotations(write(f"id,text,label,labeler_mark\n{settled}"), labels)
    second = read_annotations(write("id,text,label\na,A,positive\nb,B,negative\nc,C,negative\n", "2.csv"), labels)
    found = compare_annotations(first, second, labels)
    assert found.kappa == pytest.approx(0.4)
    assert found.disputes == {1: "negative"}
    assert str(found) == "67% of 3 reviews, Cohen's kappa 0.40 (before settling)"


def test_nothing_labelled_by_both_is_undefined(write: Write, labels: LabelSpace) -> None:
    first = read_annotations(write("id,text,label\na,A,positive\n"), labels)
    second = read_annotations(write("id,text\na,A\n", "2.csv"), labels)
    found = compare_annotations(first, second, labels)
    assert (found.common, found.n, found.observed, found.kappa) == (1, 0, None, None)


@pytest.mark.parametrize(
    ("other", "found"), [("x,A", "no id is in both"), ("a,something else", "1 ids are in both, with other texts")]
)
def test_files_with_no_review_in_common(write: Write, labels: LabelSpace, other: str, found: str) -> None:
    first = read_annotations(write("id,text\na,A\n"), labels)
    second = read_annotations(write(f"id,text\n{other}\n", "2.csv"), labels)
    with pytest.raises(InputError, match=f"have no review in common: {found}"):
        compare_annotations(first, second, labels)


def test_one_and_the_same_class_only_is_undefined() -> None:
    assert cohen_kappa(np.array([[0, 0], [0, 9]])) is None
    assert cohen_kappa(np.array([[9, 0], [0, 0]])) is None


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1))
def test_kappa_is_that_of_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    first, second = zip(*pairs, strict=True)
    confusion = confusion_matrix(first, second, labels=[0, 1, 2])
    found = cohen_kappa(confusion)
    if len({*first, *second}) == 1:
        assert found is None
    else:
        assert found == pytest.approx(cohen_kappa_score(first, second), abs=1e-12)
