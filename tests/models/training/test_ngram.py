"""`labeler train --head ngram`: a solver, with the answers to gold rows and rare classes that others have."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from labeler.data.types.label_space import LabelSpace
from labeler.models.end_model.heads.ngram import NgramClassifier
from labeler.models.end_model.load import load_end_model
from labeler.models.training.fit.losses import SoftLoss
from labeler.models.training.history import read_history
from labeler.models.training.linear import solve
from labeler.models.training.ngram import logits_as_unseen
from labeler.models.training.rows.training_rows import TrainingRows
from labeler.models.training.settings import TrainSection

from ...conftest import App

NgramTrain = Callable[..., Any]


@pytest.fixture
def ngram(app: App, run: Path, workdir: Path) -> NgramTrain:
    """Train on n-grams with some lines of the ``[train]`` section; returns the result."""

    def call(*lines: str, options: tuple[str, ...] = ()) -> Any:
        rules = (workdir / "rules.toml").read_text(encoding="utf-8")
        (workdir / "own.toml").write_text("\n".join([rules, "[train]", *lines]), encoding="utf-8")
        return app("train", "--head", "ngram", "--run", run, "--config", "own.toml", "--json", *options)

    return call


def test_it_predicts_the_labels_and_says_how_well(ngram: NgramTrain, run: Path) -> None:
    result = ngram()
    assert result.exit_code == 0, result.stderr
    (found,) = json.loads(result.stdout)
    assert (found["epochs"], found["rows"]["held_out"]) == (1, 9)
    assert found["agreement"] > 0.9
    assert found["gold"]["rows"] == 16
    assert 0 < found["validation_loss"] < 0.7
    assert load_end_model(run / "model").predict(["керемет", "нашар"]).tolist() == ["positive", "negative"]
    first, last = read_history(run / "history.jsonl")
    assert (first["loss"], last["eval_loss"]) == (found["loss"], found["validation_loss"])
    assert "| head | ngram |" in (run / "model" / "README.md").read_text(encoding="utf-8")


def test_options_of_steps_are_named_as_unused(ngram: NgramTrain) -> None:
    result = ngram("batch_size = 8", options=("--epochs", "3"))
    assert result.exit_code == 0, result.stderr
    assert "the solver of n-grams does not use epochs, batch_size" in result.stderr


@pytest.mark.parametrize("use", ["threshold", "stop", "continue"])
def test_gold_rows_that_are_used_do_not_score(ngram: NgramTrain, use: str) -> None:
    (found,) = json.loads(ngram(f'gold = "{use}"').stdout)
    assert (found["gold"]["rows"], len(found["gold_used"])) == (8, 8)
    assert (found["gold_only"] is not None) == (use == "continue")


def test_answers_to_rare_classes_favour_them(ngram: NgramTrain, run: Path) -> None:
    logits = {}
    for imbalance in ("none", "weights", "adjust"):
        assert ngram(f'imbalance = "{imbalance}"', 'threshold = "none"').exit_code == 0
        logits[imbalance] = np.diff(load_end_model(run / "model").logits(["бәлен"]))
    assert all(np.isfinite(each).all() for each in logits.values())


def test_labels_that_texts_do_not_explain_are_refused(
    ngram: NgramTrain, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(features: Any, targets: Any, *args: Any, **options: Any) -> Any:
        return np.zeros((features.shape[1] + 1, targets.shape[1]), np.float32)

    monkeypatch.setattr("labeler.models.training.linear.fit_logistic", nothing)
    result = ngram()
    assert result.exit_code == 1
    assert "learned nothing in 1 attempt (all reviews)" in result.stderr
    assert not (run / "model").exists()


def test_of_very_many_rows_some_are_enough(ngram: NgramTrain, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labeler.models.training.ngram._MAX_ROWS", 50)
    result = ngram()
    assert result.exit_code == 0, result.stderr
    assert "to 44 reviews" in result.stderr


@pytest.mark.parametrize("mode", ["lora", "frozen"])
def test_it_has_no_encoder_to_train(ngram: NgramTrain, mode: str) -> None:
    result = ngram(options=("--mode", mode))
    assert result.exit_code == 1
    assert "ngram" in result.stderr


def rows_of_chance(held_out: int) -> TrainingRows:
    """Texts of words of their own, with labels that nothing in them tells."""
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice([f"word{i}" for i in range(300)], 6)) for _ in range(400)]
    targets = np.eye(2, dtype=np.float32)[rng.integers(0, 2, 400)]
    return TrainingRows(
        labels=LabelSpace(("negative", "positive")),
        class_balance=np.array([0.5, 0.5]),
        excluded={},
        texts=pl.Series("text", texts),
        targets=targets,
        held_out_texts=pl.Series("text", [f"unseen {i}" for i in range(held_out)], dtype=pl.String),
        held_out_targets=targets[np.arange(held_out) % 400],
        labelled=400 + held_out,
        gold_used=None,
        gold_scored=None,
    )


@pytest.mark.parametrize("held_out", [20, 500])
def test_with_few_held_out_texts_those_trained_on_are_judged_by_models_of_others(held_out: int) -> None:
    rows = rows_of_chance(held_out)
    texts = rows.texts.to_list()
    solver = partial(solve, targets=rows.targets, weights=np.ones(400), loss=SoftLoss(), penalty=0.2)
    classifier, seen = NgramClassifier.fit(rows.labels.names, texts, solver, max_length=64)
    found = logits_as_unseen(classifier, rows, TrainSection())
    right = (found(texts).argmax(axis=1) == rows.targets.argmax(axis=1)).mean()
    assert (seen.argmax(axis=1) == rows.targets.argmax(axis=1)).mean() > 0.85
    assert right > 0.85 if held_out == 500 else right < 0.6
    classifier.shift_bias(np.array([1.0, -1.0]))
    np.testing.assert_allclose(found(["new"]), classifier.logits(["new"]), rtol=1e-5)
