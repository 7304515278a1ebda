"""Where the decision threshold is found."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from labeler.data.types.label_space import LabelSpace
from labeler.models.training.rows.training_rows import TrainingRows
from labeler.models.training.threshold import threshold_rows


def training_rows(held_out: int) -> TrainingRows:
    """Rows whose held-out ones happen to be 30 % negative, where 20 % are expected."""
    sure = np.eye(2, dtype=np.float32)
    return TrainingRows(
        labels=LabelSpace(("negative", "positive")),
        class_balance=np.array([0.2, 0.8]),
        excluded={},
        texts=pl.Series("text", [f"seen {i}" for i in range(900)]),
        targets=sure[np.ones(900, np.int64)],
        held_out_texts=pl.Series("text", [f"unseen {i}" for i in range(held_out)], dtype=pl.String),
        held_out_targets=sure[(np.arange(held_out) % 10 >= 3).astype(np.int64)],
        labelled=900 + held_out,
        gold_used=None,
        gold_scored=None,
    )


def test_the_threshold_gives_unseen_texts_the_shares_that_their_weak_labels_have() -> None:
    texts, targets, shares = threshold_rows(training_rows(600), seed=0)
    assert (len(texts), texts[0]) == (600, "unseen 0")
    assert targets.argmax(axis=1).mean() == pytest.approx(0.7)
    assert shares == pytest.approx([0.3, 0.7], abs=1e-3)


def test_with_few_unseen_texts_it_gives_the_trained_ones_the_expected_shares() -> None:
    texts, targets, shares = threshold_rows(training_rows(100), seed=0)
    assert len(texts) == len(targets) == 900
    assert all(text.startswith("seen") for text in texts)
    assert shares.tolist() == [0.2, 0.8]


def test_a_class_without_unseen_rows_keeps_a_share() -> None:
    targets = np.eye(2, dtype=np.float32)[np.ones(600, np.int64)]
    _, _, shares = threshold_rows(replace(training_rows(600), held_out_targets=targets), seed=0)
    assert 0 < shares[0] < 0.001
