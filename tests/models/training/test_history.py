"""The log of trainings: what is appended, forgotten and never mistaken."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from labeler.data.errors import ConfigError
from labeler.data.writing.ownership import mark_run, run_file
from labeler.models.training.history import TrainingLog, checked_trackers, read_history

LOG = TrainingLog(Path(), "ngram", "first", "all")


@pytest.fixture
def log(tmp_path: Path) -> TrainingLog:
    mark_run(tmp_path)
    return replace(LOG, file=tmp_path / "history.jsonl")


def write(log: TrainingLog, *steps: int, after: int = 0) -> None:
    log.begin(after)
    for step in steps:
        log.add({"loss": 1 / step, "epoch": step / 10, "step": step})
    log.finish()


def steps(log: TrainingLog) -> list[tuple[str, str, int]]:
    return [(line["model"], line["phase"], line["step"]) for line in read_history(log.file)]


def test_lines_say_whose_they_are(log: TrainingLog) -> None:
    write(log, 5)
    (line,) = log.file.read_text(encoding="utf-8").splitlines()
    expected = {"model": "ngram", "training": "first", "phase": "all", "step": 5, "loss": 0.2, "epoch": 0.5}
    assert json.loads(line) == expected
    assert list(json.loads(line))[:4] == ["model", "training", "phase", "step"]


def test_a_resumed_fit_appends_and_forgets_what_comes_again(log: TrainingLog) -> None:
    write(replace(log, phase="round-1"), 3)
    write(log, 5, 10, 15)
    write(log, 15, 20, after=10)
    assert steps(log) == [("ngram", "round-1", 3), *(("ngram", "all", step) for step in (5, 10, 15, 20))]


def test_another_training_replaces_the_lines_of_its_model_only(log: TrainingLog) -> None:
    write(log, 5)
    write(replace(log, model="lora"), 5)
    write(replace(log, training="second", phase="gold"), 7)
    assert steps(log) == [("lora", "all", 5), ("ngram", "gold", 7)]


def test_half_a_line_is_not_read_and_goes(log: TrainingLog) -> None:
    write(log, 5, 10)
    log.file.write_bytes(log.file.read_bytes()[:-4])
    assert steps(log) == [("ngram", "all", 5)]
    write(log, 10, after=5)
    assert steps(log) == [("ngram", "all", 5), ("ngram", "all", 10)]


def test_numbers_that_json_lacks_become_null(log: TrainingLog) -> None:
    log.begin(0)
    log.add({"step": 1, "loss": float("nan")})
    assert read_history(log.file)[0]["loss"] is None


@pytest.mark.parametrize("content", ["my notes\n", '{"mine": 1}\n', "[1]\n"])
def test_a_file_of_the_users_is_moved_aside(log: TrainingLog, content: str) -> None:
    log.file.write_text(content, encoding="utf-8")
    write(log, 5)
    assert (log.file.parent / "kept" / "history.jsonl").read_text(encoding="utf-8") == content
    assert steps(log) == [("ngram", "all", 5)]
    assert run_file(log.file.parent, log.file) == "history.jsonl"


def test_trackers_are_listed_in_any_way() -> None:
    assert checked_trackers(["tensorboard, tensorboard", "tensorboard"]) == ("tensorboard",)
    assert checked_trackers([]) == ()


def test_unknown_and_missing_trackers_are_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="'wandb' is nothing") as unknown:
        checked_trackers(["wandb"])
    assert "mlflow, tensorboard, trackio" in unknown.value.hint
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="trackio is not installed") as missing:
        checked_trackers(["trackio"])
    assert missing.value.hint == "pip install trackio"
