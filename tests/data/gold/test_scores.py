from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labeler.data.gold.scores import gold_scores


def test_a_gold_row_without_a_label_counts_as_wrong() -> None:
    scores = gold_scores(np.array([0, 1, 1, -1]), np.array([0, 1, -1, 1]))
    assert scores["rows"] == 3
    assert scores["accuracy"] == pytest.approx(2 / 3)
    assert scores["macro_f1"] == pytest.approx((1 + 2 / 3) / 2)
    assert scores["weighted_f1"] == pytest.approx((1 + 2 * 2 / 3) / 3)


def test_a_class_that_is_only_predicted_lowers_macro_f1() -> None:
    scores = gold_scores(np.array([0, 0], np.int16), np.array([0, 1], np.int16))
    assert scores["macro_f1"] == pytest.approx(1 / 3)


def test_labels_on_no_gold_row_score_zero() -> None:
    assert gold_scores(np.array([0], np.int16), np.array([-1], np.int16))["macro_f1"] == 0


@settings(max_examples=20)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(-1, 2)), min_size=1, max_size=30), st.randoms())
def test_scores_do_not_depend_on_the_order(rows: list[tuple[int, int]], random: Random) -> None:
    mixed = random.sample(rows, len(rows))
    plain, again = (gold_scores(table[:, 0], table[:, 1]) for table in (np.array(rows), np.array(mixed)))
    assert again == pytest.approx(plain)
    assert all(0 <= plain[name] <= 1 for name in ("macro_f1", "weighted_f1", "accuracy"))


def test_rows_count_by_their_weight() -> None:
    gold, found = np.array([0, 1, 1], np.int16), np.array([0, 1, 0], np.int16)
    weighted = gold_scores(gold, found, np.array([1.0, 2.0, 1.0]))
    repeated = gold_scores(gold[[0, 1, 1, 2]], found[[0, 1, 1, 2]])
    assert weighted == pytest.approx(repeated | {"rows": 3, "effective_rows": 16 / 6})
