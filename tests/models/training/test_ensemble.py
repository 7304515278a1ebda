"""Averaging an n-gram model and an encoder."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from labeler.models.end_model.load import EndModel, EnsembleModel
from labeler.models.scoring.priors import softmax
from labeler.models.training.ensemble import log_odds_scale

from ...conftest import App

Train = Callable[..., Any]
TEXTS = ["керемет зат 3", "өте нашар 5", "жақсы екен", "бәлен"]


@pytest.mark.parametrize("factor", [0.2, 1.0, 5.0])
def test_the_scale_makes_logits_log_odds_whatever_their_offset(factor: float) -> None:
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(2_000, 3))
    found = log_odds_scale(truth / factor + [3.0, 0.0, -1.0], softmax(truth))
    assert found == pytest.approx(factor, rel=0.01)


@pytest.mark.parametrize(("options", "encoder"), [((), "frozen"), (("--mode", "lora"), "lora")])
def test_an_ensemble_is_the_mean_of_its_parts(
    train: Train, app: App, run: Path, workdir: Path, options: tuple[str, ...], encoder: str
) -> None:
    result = train("--head", "ensemble", *options, "--epochs", "20")
    assert result.exit_code == 0, result.stderr
    model = EndModel.load(run / "model")
    assert isinstance(model, EnsembleModel)
    assert (model.record.head, model.record.mode) == ("ensemble", encoder)
    parts = [EndModel.load(run / "models" / name).logits(TEXTS) for name in ("ngram", encoder)]
    mean = np.tensordot(model.record.scales, parts, axes=1) / 2
    np.testing.assert_allclose(model.logits(TEXTS), mean + np.array(model.record.bias_offset), atol=1e-4)
    assert model.digest == EndModel.load(run / "model").digest
    assert app("predict", "many.csv", "--run", run, "--output", "out.csv").exit_code == 0
    weak, found = pl.read_parquet(run / "labels.parquet")["label"], pl.read_csv(workdir / "out.csv")["label"]
    assert (found == weak).sum() > 86
    assert json.loads(app("report", "--run", run, "--json").stdout)["end_models"].keys() == {result_name(run)}


def result_name(run: Path) -> str:
    """Return the name of the model that was trained last."""
    name: str = json.loads((run / "training.json").read_text(encoding="utf-8"))[0]["name"]
    return name


def test_parts_that_are_compared_too_are_trained_once(train: Train, run: Path) -> None:
    for _ in range(2):
        result = train("--compare", "ensemble,ngram,frozen", "--json", "--force")
        assert result.exit_code == 0, result.stderr
        assert result.stderr.count("trains ") == 2
    assert [entry["name"] for entry in json.loads(result.stdout)] == ["ensemble", "ngram", "frozen"]
    assert "unchanged, skipped" in train("--head", "ensemble").stderr
    files = {path.suffix for path in (run / "model").rglob("*") if path.is_file()}
    assert files == {".json", ".safetensors", ".md"}


def test_a_frozen_encoder_bears_a_linear_head_alone(train: Train) -> None:
    result = train("--mode", "frozen", "--head", "beebert")
    assert result.exit_code == 1
    assert "On a frozen encoder a linear head is trained" in result.stderr
