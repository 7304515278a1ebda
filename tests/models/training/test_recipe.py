"""Where the decision threshold is found."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from labeler.data.types.label_space import LabelSpace
from labeler.models.loading.device import Compute
from labeler.models.training.recipe import Fitter
from labeler.models.training.rows.training_rows import TrainingRows, text_parts
from labeler.models.training.settings import TrainSection


def fitter(held_out: int) -> Fitter:
    """A fit whose held-out rows happen to be 30 % negative, where 20 % are expected."""
    sure = np.eye(2, dtype=np.float32)
    rows = TrainingRows(
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
    return Fitter(TrainSection(), None, rows, Compute("cpu", "float32"), Path(), "", False)


def test_the_threshold_gives_unseen_texts_the_shares_that_their_weak_labels_have() -> None:
    texts, shares = fitter(600)._threshold_rows()
    assert (len(texts), texts[0]) == (600, "unseen 0")
    assert shares == pytest.approx([0.3, 0.7], abs=1e-3)


def test_with_few_unseen_texts_it_gives_the_trained_ones_the_expected_shares() -> None:
    texts, shares = fitter(100)._threshold_rows()
    assert len(texts) == 900
    assert all(text.startswith("seen") for text in texts)
    assert shares.tolist() == [0.2, 0.8]


def test_a_class_without_unseen_rows_keeps_a_share() -> None:
    found = fitter(600)
    rows = replace(found.rows, held_out_targets=np.eye(2, dtype=np.float32)[np.ones(600, np.int64)])
    _, shares = replace(found, rows=rows)._threshold_rows()
    assert 0 < shares[0] < 0.001


def test_equal_texts_are_in_the_same_part_and_parts_are_of_one_size() -> None:
    texts = pl.Series([f"text {i % 50}" for i in range(500)])
    part = text_parts(texts, 2, seed=3)
    assert np.bincount(part).tolist() == [250, 250]
    assert all(len(set(part[i::50])) == 1 for i in range(50))
    assert (part == text_parts(texts, 2, seed=3)).all()
    assert (part != text_parts(texts, 2, seed=4)).any()
