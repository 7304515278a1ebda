"""`labeler train` and `labeler predict`, end to end with tiny models."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from labeler.models.end_model.load import load_end_model
from labeler.models.training import fitter
from labeler.models.training.fit.fitting import fit_classifier
from labeler.models.training.history import read_history
from labeler.models.training.variants import VARIANTS

from ...conftest import App

Train = Callable[..., Any]


def summaries(result: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(result.stdout)
    return found


@pytest.mark.parametrize("mode", ["full", "lora"])
def test_train_saves_a_model_that_predicts(train: Train, app: App, run: Path, workdir: Path, mode: str) -> None:
    result = train("--mode", mode, "--lr", "0.01", "--epochs", "20")
    assert result.exit_code == 0, result.stderr
    assert "labeler predict" in result.stdout
    assert "scored on 16 gold rows" in result.stdout
    result = app("predict", "many.csv", "--run", run, "--output", "out.csv")
    assert result.exit_code == 0, result.stderr
    written = pl.read_csv(workdir / "out.csv")
    assert written.columns == ["id", "text", "label", "confidence", "p_negative", "p_positive"]
    assert written["id"].to_list() == [f"r{i}" for i in range(96)]
    weak = pl.read_parquet(run / "labels.parquet")
    assert float(np.mean((written["label"] == weak["label"]).to_numpy())) > 0.9


def test_an_unchanged_training_is_skipped_and_a_changed_one_is_not(train: Train) -> None:
    first = summaries(train("--json"))
    again = train("--json")
    assert "unchanged, skipped" in again.stderr
    assert summaries(again) == first
    assert "unchanged" not in train("--json", "--seed", "1").stderr
    assert "unchanged" not in train("--json", "--seed", "1", "--force").stderr


def test_the_same_seed_gives_the_same_model(train: Train, run: Path) -> None:
    train()
    before = load_end_model(run / "model").predict_proba(["керемет", "нашар"])
    train("--force")
    assert np.array_equal(before, load_end_model(run / "model").predict_proba(["керемет", "нашар"]))


@pytest.mark.slow
def test_compare_trains_every_model_and_keeps_the_best(app: App, run: Path, bert: Path) -> None:
    learning = ("--epochs", "40", "--lr", "0.01")  # tiny models with random weights are refused with less
    result = app("train", "--compare", ",".join(VARIANTS), "--backbone", bert, "--run", run, *learning, "--json")
    assert result.exit_code == 0, result.stderr
    found = summaries(result)
    assert [entry["name"] for entry in found] == list(VARIANTS), result.stderr
    best = max(found, key=lambda entry: entry["agreement"])
    copied = json.loads((run / "model" / "training.json").read_text(encoding="utf-8"))
    assert copied["name"] == best["name"]
    for entry in found:
        model = load_end_model(run / "models" / entry["name"])
        assert model.predict_proba(["керемет"]).shape == (1, 2)
    assert json.loads((run / "training.json").read_text(encoding="utf-8")) == found


@pytest.fixture
def collapsing(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Names of heads whose training ends in a model that says the same of every text."""
    heads: set[str] = set()

    def collapsed(classifier: Any, examples: Any, **options: Any) -> Any:
        done = fit_classifier(classifier, examples, **options)
        if classifier.record.head in heads:
            classifier.final_layer().weight.data.zero_()
        return done

    monkeypatch.setattr(fitter, "fit_classifier", collapsed)
    return heads


def test_a_model_that_learned_nothing_is_refused_and_the_one_before_stays(
    train: Train, run: Path, collapsing: set[str]
) -> None:
    assert train().exit_code == 0
    before = {path: path.read_bytes() for path in (run / "model").rglob("*") if path.is_file()}
    collapsing.add("linear")
    result = train("--seed", "1")
    assert result.exit_code == 1
    assert "learned nothing in 3 attempts" in result.stderr
    assert result.stderr.count("training again with another seed") == 2
    assert {path: path.read_bytes() for path in (run / "model").rglob("*") if path.is_file()} == before
    assert not (run / ".training").exists()


def test_compare_goes_on_without_models_that_learned_nothing(train: Train, run: Path, collapsing: set[str]) -> None:
    collapsing.add("linear")
    result = train("--compare", "full,ngram", "--json")
    assert result.exit_code == 0, result.stderr
    assert [entry["name"] for entry in summaries(result)] == ["ngram"]
    assert "full: The model learned nothing" in result.stderr
    assert json.loads((run / "model" / "training.json").read_text(encoding="utf-8"))["name"] == "ngram"


def test_a_model_that_scores_otherwise_after_saving_is_refused(
    train: Train, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = load_end_model

    def damaged(*args: Any, **options: Any) -> Any:
        model: Any = load(*args, **options)
        model.classifier.final_layer().weight.data.neg_()
        return model

    monkeypatch.setattr("labeler.models.training.saving.load_end_model", damaged)
    result = train()
    assert result.exit_code == 1
    assert "scores 96 reviews differently" in result.stderr
    assert not (run / "model").exists()


def test_a_training_that_is_killed_after_its_fit_repeats_only_the_end_of_it(
    train: Train, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*args: Any, **options: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("labeler.models.training.fit.callbacks.SECONDS_BETWEEN_CHECKPOINTS", 0.0)
        patched.setattr("labeler.models.training.saving.load_end_model", killed)
        assert train().exit_code != 0
    assert (run / ".training").exists()
    assert "Training continues after step" in train().stderr
    assert (run / "model").exists()
    assert not (run / ".training").exists()


def test_how_well_a_model_ranks_is_told(train: Train, run: Path) -> None:
    found = summaries(train("--json"))[0]
    assert found["agreement"] > 0.7
    assert found["spread"] > 0.02
    assert "too few to judge a model by" in found["notes"][0]
    card = (run / "model" / "README.md").read_text(encoding="utf-8")
    assert f"agreement (AUC) with the weak labels of {found['agreement_rows']} reviews" in card
    shown = train().stdout
    assert "agreement (AUC)" in shown
    assert "note: full: 9 held-out reviews are too few" in shown


def test_gold_rows_in_the_input_are_not_trained_on(train: Train, workdir: Path) -> None:
    (workdir / "some.csv").write_text("id,label\nr0,negative\nr4,positive\n", encoding="utf-8")
    without = summaries(train("--json", "--gold", "some.csv"))[0]
    assert without["rows"]["labelled"] == 94
    assert without["gold"]["rows"] == 2


@pytest.mark.parametrize("use", ["threshold", "stop", "continue"])
def test_gold_rows_that_are_used_do_not_score(train: Train, workdir: Path, use: str) -> None:
    settings = (workdir / "rules.toml").read_text(encoding="utf-8") + f'\n[train]\ngold = "{use}"\n'
    (workdir / "used.toml").write_text(settings, encoding="utf-8")
    found = summaries(train("--json", "--config", "used.toml"))[0]
    assert found["gold"]["rows"] == 8
    assert len(found["gold_used"]) == 8
    assert (found["gold_only"] is not None) == (use == "continue")


@pytest.mark.parametrize("imbalance", ["weights", "adjust"])
def test_every_answer_to_rare_classes_trains(train: Train, workdir: Path, imbalance: str) -> None:
    settings = f'\n[train]\nimbalance = "{imbalance}"\n'
    (workdir / "rare.toml").write_text((workdir / "rules.toml").read_text(encoding="utf-8") + settings, "utf-8")
    assert train("--config", "rare.toml").exit_code == 0


def test_predict_reads_stdin_writes_stdout_and_keeps_all_columns(train: Train, app: App, run: Path) -> None:
    train()
    result = app("predict", "-", "--run", run, stdin='id,text,label,stars\na,керемет,"x",5\nb,,y,1\n')
    assert result.exit_code == 0, result.stderr
    header, row = result.stdout.splitlines()
    assert header == "id,text,label_input,stars,label,confidence,p_negative,p_positive"
    assert row.startswith("a,керемет,x,5,")
    rejected = (run / "predict_rejected.jsonl").read_text(encoding="utf-8")
    assert json.loads(rejected)["line"] == 3


def test_the_folder_of_a_model_is_enough_to_predict(train: Train, app: App, run: Path, workdir: Path) -> None:
    train()
    shutil.copytree(run / "model", workdir / "other" / "model")
    assert "8 reviews labelled" in app("predict", "reviews.csv", "--run", "other", "--output", "out.csv").stderr


def test_predict_skips_what_is_there_and_writes_a_database(train: Train, app: App, run: Path, workdir: Path) -> None:
    train()
    url = f"sqlite:///{workdir}/shop.db"
    call = ("predict", "--run", run, "--output", url, "--table", "reviews")
    assert "8 reviews labelled" in app(*call, "reviews.csv").stderr
    (workdir / "more.csv").write_text("id,text,stars\nr3,жақсы,5\nnew,нашар,1\n", encoding="utf-8")
    assert "1 reviews labelled, 1 were there already" in app(*call, "more.csv").stderr


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--head", "cnn"], "the options: head"),
        (["--compare", "lora,svm"], "--compare knows no model 'svm'"),
        (["--backbone", "nowhere/at-all/here"], "neither a model folder nor a hub id"),
        (["--epochs", "0"], "epochs"),
        (["--mode", "lora", "--head", "mlp"], "LoRA adapts an encoder"),
        (["--gold", "none.csv"], "none.csv"),
    ],
)
def test_bad_options_are_explained(train: Train, args: list[str], message: str) -> None:
    result = train(*args)
    assert result.exit_code == 1
    assert message in result.stderr


def test_a_run_without_labels_says_how_to_make_them(app: App, workdir: Path) -> None:
    result = app("train", "--run", workdir / "nothing")
    assert result.exit_code == 1
    assert "labeler label" in result.stderr


def test_predict_without_a_model_says_how_to_make_one(app: App, run: Path) -> None:
    result = app("predict", "many.csv", "--run", run)
    assert result.exit_code == 1
    assert "labeler train" in result.stderr


def test_gold_labels_of_other_classes_are_refused(train: Train, workdir: Path) -> None:
    (workdir / "odd.csv").write_text("id,label\nr0,neutral\n", encoding="utf-8")
    result = train("--gold", "odd.csv")
    assert result.exit_code == 1
    assert "neutral" in result.stderr


def test_labels_of_one_class_alone_are_refused(app: App, label: App, workdir: Path, bert: Path) -> None:
    (workdir / "glad.csv").write_text("id,text\n" + "".join(f"{i},жақсы {i}\n" for i in range(20)), encoding="utf-8")
    assert label("glad.csv").exit_code == 0
    result = app("train", "--run", "run", "--backbone", bert)
    assert result.exit_code == 1
    assert "fewer than two classes" in result.stderr


def test_damaged_labels_are_explained(train: Train, run: Path) -> None:
    (run / "labels.parquet").write_bytes(b"PAR1 no")
    result = train()
    assert result.exit_code == 1
    assert "labeler label --force" in result.stderr


def test_an_adapter_of_another_base_is_refused(train: Train, app: App, run: Path, bert: Path) -> None:
    train("--mode", "lora")
    record = run / "model" / "labeler.json"
    content = json.loads(record.read_text(encoding="utf-8"))
    content["backbone"]["digest"] = "0" * 40
    record.write_text(json.dumps(content), encoding="utf-8")
    result = app("predict", "many.csv", "--run", run)
    assert result.exit_code == 1
    assert "trained on another" in result.stderr


def test_a_model_that_is_older_than_the_labels_is_named(app: App, label: App, run: Path, workdir: Path) -> None:
    def relabel(old: str, new: str) -> None:
        for name in ("rules.toml", "gold.csv"):
            text = (workdir / name).read_text(encoding="utf-8")
            (workdir / name).write_text(text.replace(old, new), encoding="utf-8")
        assert label("many.csv", "--gold", "gold.csv").exit_code == 0

    predict = ("predict", "many.csv", "--run", run, "--output", "out.csv", "--force")
    assert app("train", "--head", "ngram", "--run", run).exit_code == 0
    assert "earlier labels" not in app(*predict).stderr
    relabel("керемет^2", "отыр")
    older = "trained on earlier labels of this run; train it again with: labeler train --head ngram"
    assert older in app(*predict).stderr
    report = app("report", "--run", run, "--json")
    assert "trained on earlier labels of this run" in report.stderr
    assert json.loads(report.stdout)["end_models"]["ngram"]["outdated"] is True
    assert "end model ngram (trained on earlier labels)" in (run / "report.html").read_text(encoding="utf-8")
    relabel("negative", "bad")
    done = app(*predict)
    assert done.exit_code == 1
    assert "trained for other classes (negative, positive) than the labels have now (bad, positive)" in done.stderr
    report = app("report", "--run", run, "--json")
    assert "ngram: left out" in report.stderr
    assert json.loads(report.stdout)["end_models"] == {}
    app("train", "--head", "ngram", "--run", run)
    assert app(*predict).exit_code == 0


def test_every_fit_is_logged_for_tensorboard_too(train: Train, run: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    result = train("--log-to", "tensorboard")
    assert result.exit_code == 0, result.stderr
    lines = read_history(run / "history.jsonl")
    assert {(line["model"], line["phase"]) for line in lines} == {("full", "all")}
    losses = [line["loss"] for line in lines if "loss" in line]
    assert losses[-1] < losses[0]
    logged = EventAccumulator(str(run / "tensorboard" / f"full-{lines[0]['training']}" / "all"))
    logged.Reload()
    assert [event.value for event in logged.Scalars("train/loss")] == pytest.approx(losses)


def test_a_tracker_that_is_not_installed_is_told_before_any_work(
    train: Train, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    result = train("--log-to", "mlflow")
    assert result.exit_code == 1
    assert result.stderr.splitlines()[-2:] == ["Error: mlflow is not installed.", "pip install mlflow"]
    assert not (run / "history.jsonl").exists()
