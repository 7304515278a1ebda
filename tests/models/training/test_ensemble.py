"""Blending an n-gram model and an encoder."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from labeler.models.end_model.load import EndModel, EnsembleModel

from ...conftest import App

Train = Callable[..., Any]
TEXTS = ["керемет зат 3", "өте нашар 5", "жақсы екен", "бәлен"]


@pytest.mark.parametrize(("options", "encoder"), [((), "frozen"), (("--mode", "lora"), "lora")])
def test_an_ensemble_adds_up_its_parts(
    train: Train, app: App, run: Path, workdir: Path, options: tuple[str, ...], encoder: str
) -> None:
    result = train("--head", "ensemble", *options, "--epochs", "20")
    assert result.exit_code == 0, result.stderr
    model = EndModel.load(run / "model")
    assert isinstance(model, EnsembleModel)
    assert (model.record.head, model.record.mode) == ("ensemble", encoder)
    parts = [EndModel.load(run / "models" / name).logits(TEXTS) for name in ("ngram", encoder)]
    even = [each - each.mean(axis=1, keepdims=True) for each in parts]
    expected = np.tensordot(model.record.scales, even, axes=1) + np.array(model.record.bias_offset)
    np.testing.assert_allclose(model.logits(TEXTS), expected, atol=1e-4)
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
        assert (result.stderr.count("fitted "), result.stderr.count("trains ")) == (1, 1)
    assert [entry["name"] for entry in json.loads(result.stdout)] == ["ensemble", "ngram", "frozen"]
    assert "unchanged, skipped" in train("--head", "ensemble").stderr
    files = {path.suffix for path in (run / "model").rglob("*") if path.is_file()}
    assert files == {".json", ".safetensors", ".md"}


def test_a_frozen_encoder_bears_a_linear_head_alone(train: Train) -> None:
    result = train("--mode", "frozen", "--head", "beebert")
    assert result.exit_code == 1
    assert "On a frozen encoder a linear head is trained" in result.stderr


@pytest.mark.parametrize("use", ["threshold", "continue"])
def test_gold_rows_that_its_parts_used_do_not_score(train: Train, workdir: Path, use: str) -> None:
    settings = (workdir / "rules.toml").read_text(encoding="utf-8") + f'\n[train]\nhead = "ensemble"\ngold = "{use}"\n'
    (workdir / "used.toml").write_text(settings, encoding="utf-8")
    result = train("--json", "--config", "used.toml")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)[0]
    assert (found["name"], found["gold"]["rows"], len(found["gold_used"])) == ("ensemble", 8, 8)
