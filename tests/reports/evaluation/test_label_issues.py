"""LabelIssues are the labels that the other rows contradict."""

import numpy as np
import polars as pl
import pytest

from labeler.data.types.label_space import LabelSpace
from labeler.reports.evaluation.label_issues import contradicted, find_label_issues, out_of_fold

LABELS = LabelSpace(("negative", "positive"))


def rows(copies: int = 30) -> pl.DataFrame:
    """Two clear classes; the first two rows of each are labelled wrong."""
    texts = [f"нашар сынық {i}" for i in range(copies)] + [f"керемет жақсы {i}" for i in range(copies)]
    labels = ["negative"] * copies + ["positive"] * copies
    for wrong in (0, 1):
        labels[wrong], labels[copies + wrong] = "positive", "negative"
    return pl.DataFrame({"id": [str(i) for i in range(2 * copies)], "text": texts, "label": labels})


def test_planted_mistakes_are_found_and_come_with_the_right_class() -> None:
    found = find_label_issues(rows(), LABELS)
    assert found is not None
    assert set(found.rows["id"]) == {"0", "1", "30", "31"}
    assert found.share == pytest.approx(4 / 60)
    assert all(row["suggested"] != row["label"] for row in found.rows.iter_rows(named=True))
    assert found.rows["margin"].is_sorted(descending=True)


def test_clean_labels_have_no_suspects() -> None:
    clean = rows().with_columns(
        label=pl.when(pl.col("text").str.contains("нашар")).then(pl.lit("negative")).otherwise(pl.lit("positive"))
    )
    found = find_label_issues(clean, LABELS)
    assert found is not None
    assert len(found.rows) == 0


def test_a_class_with_too_few_rows_is_left_out() -> None:
    few = rows(5).filter((pl.col("label") == "positive") | (pl.col("id") == "2"))
    assert find_label_issues(few, LABELS) is None
    assert find_label_issues(rows().clear(), LABELS) is None


def test_a_class_must_be_as_likely_as_it_usually_is() -> None:
    probs = np.array([[0.9, 0.1], [0.8, 0.2], [0.45, 0.55], [0.2, 0.8], [0.3, 0.7]])
    suggested, margin = contradicted(probs, np.array([0, 0, 0, 1, 1], np.int16))
    assert suggested.tolist() == [0, 0, 0, 1, 1]  # 0.55 is less than positive rows usually have
    suggested, margin = contradicted(probs, np.array([0, 0, 1, 1, 0], np.int16))
    assert suggested[4] == 1
    assert margin[4] == pytest.approx(0.4)


def test_probabilities_of_classes_without_rows_are_zero() -> None:
    given = np.array([0, 2] * 10, np.int16)
    probs = out_of_fold(pl.Series(["а б", "в г"] * 10), given)
    assert probs.shape == (20, 3)
    assert (probs[:, 1] == 0).all()
    assert (probs.argmax(axis=1) == given).all()
