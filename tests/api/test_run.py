"""What comes after labelling, from Python."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

import labeler
from labeler.data.errors import ConfigError, InputError, ModelError, RunError
from labeler.data.sample import sample_of
from labeler.data.types.label_space import LabelSpace
from labeler.models import predict as predicting


class Stub:
    """Calls texts with a plus positive."""

    labels = LabelSpace(("negative", "positive"))
    digest = "stub"

    def predict_proba(self, texts: Sequence[str]) -> Any:
        positive = np.array(["+" in text for text in texts], np.float32) * 0.8 + 0.1
        return np.stack([1 - positive, positive], axis=1)

    def logits(self, texts: Sequence[str]) -> Any:
        return np.log(self.predict_proba(texts))

    def calibrated(self, logits: Any) -> Any:
        return np.exp(logits)


@pytest.fixture
def run(workdir: Path, monkeypatch: pytest.MonkeyPatch) -> labeler.Run:
    monkeypatch.setattr(predicting, "load_end_model", lambda folder: Stub())
    return labeler.label("reviews.csv", "rules.toml", run_dir="run")


@pytest.fixture
def trained(run: labeler.Run) -> labeler.Run:
    (run.path / "model").mkdir()
    (run.path / "model" / "labeler.json").write_text("{}", encoding="utf-8")
    return run


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame], ids=["pandas", "polars"])
def test_other_reviews_are_predicted_into_a_frame(trained: labeler.Run, make: Any) -> None:
    data = make({"id": ["a", "b", "c"], "text": ["good +", "bad", "..."], "stars": [5, 1, 3]})
    found = trained.predict(data)
    assert found.columns == ["id", "text", "stars", "label", "confidence", "p_negative", "p_positive"]
    assert found["label"].to_list() == ["positive", "negative", None]
    assert trained.predict(["x +"])["label"].to_list() == ["positive"]


def test_predictions_are_written_where_that_is_asked_for(trained: labeler.Run) -> None:
    done = trained.predict(["x +", "y"], output="out.csv")
    assert (done.written.rows_new, Path(done.written.place).name) == (2, "out.csv")
    assert pl.read_csv("out.csv")["label"].to_list() == ["positive", "negative"]


@pytest.fixture
def with_blend(trained: labeler.Run) -> labeler.Run:
    text, number = dict.fromkeys(("name", "folder", "mode", "head", "backbone", "pooling"), ""), 0
    numbers = ("trained_parameters", "total_parameters", "epochs", "loss", "validation_loss", "seconds")
    blend = {"coefficients": (0.1, 1.0), "offset": (0.0, 0.0), "temperatures": (1.0, 1.0)}
    summary = {"labels": Stub.labels.names, "excluded": {}, "rows": {}, "rows_per_second": 0, "blend": blend}
    summary |= text | dict.fromkeys(numbers, number)
    (trained.path / "model" / "training.json").write_text(json.dumps(summary), encoding="utf-8")
    return trained


def test_the_voters_of_the_run_decide_with_the_model(with_blend: labeler.Run, said: list[str]) -> None:
    data = pl.DataFrame({"id": ["a", "b", "c"], "text": ["керемет", "нашар +", "сөз +"]})
    assert with_blend.predict(data)["label"].to_list() == ["positive", "negative", "positive"]
    assert "predicting with the run's voters: keywords, emoji, thanks" in said
    alone = with_blend.predict(data, with_voters=False)
    assert alone["label"].to_list() == ["negative", "positive", "positive"]
    assert alone["p_positive"][2] == with_blend.predict(data)["p_positive"][2]
    assert with_blend.predict(["керемет"])["label"].to_list() == ["positive"]


def test_without_what_they_need_the_model_decides_alone(
    with_blend: labeler.Run, trained: labeler.Run, said: list[str]
) -> None:
    (with_blend.path / "label_model.parquet").unlink()
    assert with_blend.predict(["керемет"])["label"].to_list() == ["negative"]
    assert "predicting without the run's voters: run has no label_model.parquet" in said[-2]
    assert "Label the run again: labeler label --run run" in said[-2]
    with pytest.raises(RunError, match="no label_model"):
        with_blend.predict(["керемет"], with_voters=True)
    (with_blend.path / "model" / "training.json").unlink()
    assert with_blend.predict(["керемет"])["label"].to_list() == ["negative"]
    assert "predicting without the run's voters: The model in run/model is of an earlier version" in said[-2]
    with pytest.raises(ModelError, match="is of an earlier version"):
        with_blend.predict(["керемет"], with_voters=True)
    (with_blend.path / "config.toml").unlink()
    assert with_blend.predict(["керемет"])["label"].to_list() == ["negative"]
    assert "Only the model of a run is in run" in said[-2]


def test_a_model_of_earlier_labels_decides_alone_unless_voters_are_wanted(
    with_blend: labeler.Run, said: list[str]
) -> None:
    file = with_blend.path / "model" / "training.json"
    summary = json.loads(file.read_text(encoding="utf-8")) | {"learned_from": "other labels"}
    file.write_text(json.dumps(summary), encoding="utf-8")
    assert with_blend.predict(["керемет"])["label"].to_list() == ["negative"]
    assert "predicting without the run's voters: The model in run/model learned from earlier labels." in said
    assert with_blend.predict(["керемет"], with_voters=True)["label"].to_list() == ["positive"]


def test_without_a_model_nothing_is_predicted(run: labeler.Run) -> None:
    with pytest.raises(RunError, match=r"has no model") as caught:
        run.predict(["x"])
    assert "labeler train" in caught.value.hint


def test_a_sample_is_drawn_and_its_labels_count_next_time(run: labeler.Run) -> None:
    drawn = run.sample(3)
    assert len(drawn.frame) == 3
    (file,) = drawn.files
    labels = pl.read_csv(file).with_columns(label=pl.lit("positive"))
    labels.write_csv(file)
    assert labeler.label(run_dir="run").numbers.gold is not None
    assert not set(run.sample(3).frame["id"]) & set(drawn.frame["id"])


def test_a_report_gives_metrics_and_a_page_for_notebooks(run: labeler.Run) -> None:
    gold = pd.DataFrame({"id": ["r1", "r2"], "label": ["positive", "negative"]})
    report = run.report(gold=gold)
    assert report.html == Path("run/report.html")
    assert report._repr_html_().lower().startswith('<iframe srcdoc="&lt;!doctype html')


def test_suggestions_are_keywords_by_class(workdir: Path) -> None:
    advice = labeler.label(sample_of("kaspi-sentiment").reviews, "rules.toml").suggest(5)
    assert set(advice.keywords) == {"negative", "positive"}
    assert all(entries for entries in advice.entries.values())


def test_wrong_settings_of_a_training_are_explained(run: labeler.Run) -> None:
    with pytest.raises(ConfigError, match="the options: epochs"):
        run.train(epochs=-1)
    with pytest.raises(InputError, match="must be a file, found <DataFrame>"):
        run.train(gold=pl.DataFrame())  # type: ignore[arg-type]


def test_a_dataset_needs_its_package(run: labeler.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "datasets", None)
    with pytest.raises(ConfigError, match="datasets is not installed"):
        run.to_dataset()
