"""From weak labels to the rows a model is trained on."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from labeler.data.gold.run_gold import GoldRows
from labeler.data.types.label_space import LabelSpace
from labeler.data.types.soft_labels import SoftLabels
from labeler.models.training.rows.training_rows import TrainingRows, training_rows
from labeler.models.training.rows.weak_rows import WeakRows
from labeler.models.training.settings import TrainSection

from ....conftest import status_messages

NAMES = ("a", "b", "c")


def weak_rows(labels: list[int], *, gold: list[int] | None = None, balance: tuple[float, ...] = (0.5, 0.4, 0.1)) -> Any:
    known = np.array(labels)
    probs = np.full((len(known), 3), 0.05, np.float32)
    probs[np.arange(len(known)), np.maximum(known, 0)] = 0.9
    texts = pl.Series("text", [f"text {i}" for i in range(len(known))])
    rows = None
    if gold is not None:
        ids = pl.Series("id", [f"g{i}" for i in range(len(gold))])
        truth = np.array(gold, np.int16)
        gold_texts, weights = pl.Series("text", [f"text {i}" for i in range(len(gold))]), np.ones(len(gold))
        rows = GoldRows(ids, gold_texts, truth, truth, np.eye(3, dtype=np.float32)[truth], weights, truth)
    return WeakRows(LabelSpace(NAMES), texts, SoftLabels(probs, known >= 0), np.array(balance), rows)


def prepare(weak: WeakRows, **options: Any) -> tuple[TrainingRows, list[str]]:
    settings = TrainSection.model_validate({"validation_share": 0.1, **options})

    with status_messages() as said:
        return training_rows(weak, settings), said


def test_uncovered_rows_are_left_out_and_some_are_held_out() -> None:
    rows, _ = prepare(weak_rows([0] * 50 + [1] * 40 + [2] * 10 + [-1] * 20))
    assert (len(rows), len(rows.held_out_texts), rows.labelled) == (90, 10, 100)
    assert not set(rows.texts) & set(rows.held_out_texts)
    assert rows.targets.shape == (90, 3)


def test_gold_texts_are_not_trained_on() -> None:
    rows, _ = prepare(weak_rows([0] * 50 + [1] * 50 + [2] * 9, gold=[0] * 20))
    assert not {f"text {i}" for i in range(20)} & {*rows.texts, *rows.held_out_texts}
    assert rows.gold_used is None
    assert rows.gold_scored is not None
    assert len(rows.gold_scored) == 20


def test_an_absent_class_is_left_out_aloud_and_kept_on_request() -> None:
    weak = weak_rows([0] * 600 + [1] * 400 + [2] * 10, gold=[0] * 40 + [1] * 40)
    rows, said = prepare(weak)
    assert rows.labels.names == ("a", "b")
    assert rows.targets.shape[1] == 2
    assert np.allclose(rows.targets.sum(axis=1), 1)
    assert rows.class_balance.sum() == pytest.approx(1)
    assert any("'c' is left out" in line for line in said)
    assert prepare(weak, exclude_absent=False)[0].labels.names == NAMES


def test_a_class_with_a_handful_of_gold_rows_takes_its_voted_share() -> None:
    weak = weak_rows([0] * 500 + [1] * 480 + [2] * 20, gold=[0] * 30 + [1] * 30 + [2], balance=(0.4, 0.4, 0.2))
    rows, _ = prepare(weak)
    voted = weak.soft.probs[:, 2].mean() / (0.8 + weak.soft.probs[:, 2].mean())
    assert rows.class_balance[2] == pytest.approx(voted, rel=1e-3)


@pytest.mark.parametrize("use", ["threshold", "stop", "continue"])
def test_gold_rows_are_halved_class_by_class(use: str) -> None:
    rows, _ = prepare(weak_rows([0] * 60 + [1] * 60 + [2] * 60, gold=[0] * 10 + [1] * 4), gold=use)
    assert rows.gold_used is not None
    assert rows.gold_scored is not None
    assert [int((part.labels == 1).sum()) for part in (rows.gold_used, rows.gold_scored)] == [2, 2]
    assert not set(rows.gold_used.ids) & set(rows.gold_scored.ids)


def test_equal_texts_are_held_out_together() -> None:
    weak = weak_rows([0, 1] * 100)
    texts = pl.Series("text", [f"text {i // 4}" for i in range(200)])
    rows, _ = prepare(WeakRows(weak.labels, texts, weak.soft, weak.class_balance, None))
    assert not set(rows.texts) & set(rows.held_out_texts)
    assert len(rows.held_out_texts) == 4 * 5


def test_of_few_rows_a_tenth_is_held_out_of_each_class_its_share() -> None:
    rows, _ = prepare(weak_rows([0] * 1900 + [1] * 100), validation_share=0.05)
    assert np.bincount(rows.held_out_targets.argmax(axis=1)).tolist() == [190, 10]
    assert len(prepare(weak_rows([0, 1] * 200), validation_share=0.05)[0].held_out_texts) == 40
    assert len(prepare(weak_rows([0, 1] * 200), validation_share=0.0)[0].held_out_texts) == 0


def test_where_the_held_out_rows_cannot_tell_all_rows_judge_aloud() -> None:
    rows, _ = prepare(weak_rows([0, 1] * 500))
    assert rows.evaluated()[0].to_list() == rows.held_out_texts.to_list()
    assert rows.evaluated()[2] == ""
    few, _ = prepare(weak_rows([0] * 95 + [1] * 5))
    texts, targets, note = few.evaluated()
    assert sorted(texts) == sorted([*few.texts, *few.held_out_texts])
    assert targets.shape == (100, 2)
    assert "10 held-out reviews are too few" in note
