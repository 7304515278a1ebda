"""Labelling from Python: what it takes, what it leaves, and that it is the command line's labelling."""

from __future__ import annotations

import gc
import logging
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

import labeler
from labeler.data.errors import ConfigError, InputError, RunError
from labeler.data.runs.labels import LabelledRun

from ..conftest import App

GOLD = "id,label\nr1,positive\nr2,negative\nr4,negative\n"


@pytest.fixture
def task(workdir: Path) -> labeler.Task:
    return labeler.Task.from_toml("rules.toml")


def frame() -> pd.DataFrame:
    return pd.read_csv("reviews.csv")


def test_every_public_name_is_there_and_none_is_loaded_early() -> None:
    code = (
        "import labeler, sys; print(*sorted({m.partition('.')[0] for m in sys.modules}));"
        "print(sorted(labeler.__all__) == sorted(dir(labeler)), all(getattr(labeler, n) for n in labeler.__all__));"
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    loaded, complete, torch = done.stdout.splitlines()
    assert not {"torch", "polars", "pydantic", "numpy", "pandas"} & set(loaded.split())
    assert (complete, torch) == ("True True", "False")
    with pytest.raises(AttributeError, match="no attribute 'lable'"):
        getattr(labeler, "lable")  # noqa: B009


@pytest.mark.parametrize("make", [pd.read_csv, pl.read_csv, str, Path], ids=["pandas", "polars", "str", "path"])
def test_a_table_in_memory_is_labelled_as_its_file_is(app: App, make: Any, task: labeler.Task) -> None:
    Path("gold.csv").write_text(GOLD, encoding="utf-8")
    app("label", "reviews.csv", "--config", "rules.toml", "--gold", "gold.csv", "--run", "theirs")
    theirs = labeler.Run("theirs")
    ours = labeler.label(make("reviews.csv"), task, gold=make("gold.csv"))
    assert ours.labels.equals(theirs.labels)
    assert ours.votes.equals(theirs.votes)
    assert ours.voters.equals(theirs.voters)
    assert ours.summary.equals(theirs.summary)


def test_the_tables_of_a_run(task: labeler.Task) -> None:
    run = labeler.label(frame(), task)
    assert run.labels.columns[:4] == ["id", "text", "label", "confidence"]
    assert run.votes.columns == ["id", "keywords", "emoji", "thanks"]
    assert run.votes.row(6) == ("r7", "positive", "negative", None)
    assert run.voters["voter"].to_list() == ["keywords", "emoji", "thanks"]
    assert run.voters.schema["gold_accuracy"] == pl.Float64
    negative = run.summary.filter(measure="labelled", label="negative")["value"].item()
    assert negative == run.numbers.distribution["negative"]
    assert run.to_pandas()["label"].tolist()[:2] == ["positive", "negative"]
    assert "reviews labelled" in run._repr_html_()
    assert run.task.classes == ("negative", "positive")


@pytest.mark.parametrize("make", [list, pd.Series, pl.Series], ids=["list", "pandas", "polars"])
def test_texts_alone_are_enough(make: Any, task: labeler.Task) -> None:
    run = labeler.label(make(["Керемет зат", "Өте нашар", ""]), task)
    assert run.labels["label"].to_list() == ["positive", "negative"]
    assert run.numbers.rejected == 1


def test_a_run_without_a_folder_goes_with_its_object(task: labeler.Task) -> None:
    run = labeler.label(frame(), task)
    place = run.path
    assert place.is_dir()
    assert not Path("runs").exists()
    del run
    gc.collect()
    assert not place.exists()
    with labeler.label(frame(), task) as run:
        place = run.path
    assert not place.exists()
    with pytest.raises(RunError, match="There is no run directory"):
        _ = run.labels


def test_a_run_with_a_folder_stays_and_is_opened_again(task: labeler.Task) -> None:
    labels = labeler.label(frame(), task, run_dir="run").labels
    with labeler.Run("run") as run:
        assert run.labels.equals(labels)
        assert repr(run) == "Run('run')"
    assert Path("run").is_dir()


def test_a_run_of_a_frame_cannot_be_read_again_by_itself(app: App, task: labeler.Task) -> None:
    labeler.label(frame(), task, run_dir="run")
    done = app("label", "--run", "run")
    assert done.exit_code == 1
    assert "were a table in memory: <DataFrame>" in done.stderr
    assert "labeler.label(data, run_dir='run')" in done.stderr
    assert labeler.label(frame(), run_dir="run", task=task).numbers.rows == 8
    assert app("report", "--run", "run").exit_code == 1  # no gold labels, explained


def test_a_run_remembers_the_task_it_was_given(app: App, task: labeler.Task, workdir: Path) -> None:
    labeler.label("reviews.csv", task, run_dir="run")
    assert app("label", "--run", "run").exit_code == 0
    assert LabelledRun(labeler.Run("run")._directory).label_space.names == ("negative", "positive")


def test_gold_labels_in_memory_are_scored_on_later(app: App, task: labeler.Task) -> None:
    gold = pl.DataFrame({"id": ["r1", "r2", "r4"], "label": ["positive", "negative", "negative"]})
    run = labeler.label("reviews.csv", task, gold=gold, run_dir="run")
    assert run.numbers.gold is not None
    assert run.report().metrics["gold_rows"] == 3
    done = app("label", "--run", "run")
    assert "Hand labels of run were a table in memory" in done.stderr


def test_votes_stand_in_the_rows_of_the_table(task: labeler.Task) -> None:
    texts = ["Керемет, рахмет!", "", "Өте нашар 👎", "Керемет, рахмет!"]
    matrix = labeler.apply_voters(texts, task)
    assert matrix.voters == ("keywords", "emoji", "thanks")
    assert matrix.classes == ("negative", "positive")
    assert np.asarray(matrix).tolist() == [[1, -1, 1], [-1, -1, -1], [0, 0, -1], [1, -1, 1]]
    assert labeler.apply_voters("reviews.csv", task).shape == (8, 3)
    summary = labeler.lf_summary(matrix, gold=["positive", None, "negative", "positive"])
    assert summary["gold_accuracy"].to_list() == [1.0, 1.0, 1.0]
    assert labeler.LabelModel("majority").fit(matrix).predict(matrix).tolist() == [1, -1, 0, 1]


@pytest.mark.parametrize(
    ("data", "task_source", "error", "message"),
    [
        (["x"], "kaspi-sentimen", ConfigError, "no preset 'kaspi-sentimen'"),
        (["x"], "none.toml", ConfigError, r"Cannot read none\.toml"),
        (["x"], {"labels": []}, ConfigError, "cannot be made of dict"),
        (42, "rules.toml", InputError, "cannot be read from an int"),
        ([1, 2], "rules.toml", InputError, "holds an int"),
        ([], "rules.toml", InputError, "has no rows"),
        ("none.csv", "rules.toml", InputError, r"none\.csv"),
        (pl.DataFrame({"a": [1]}), "rules.toml", InputError, "no column that is known to hold text"),
    ],
)
def test_what_cannot_be_used_is_explained(
    workdir: Path, data: Any, task_source: Any, error: type[Exception], message: str
) -> None:
    for use in (labeler.label, labeler.apply_voters):
        with pytest.raises(error, match=message):
            use(data, task_source)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"limit": 0}, "limit of 0 leaves no rows"),
        ({"engine": "spark"}, "no engine 'spark'"),
        ({"text_column": 3}, "text_column"),
        ({"text_column": "nope"}, "no column 'nope'"),
        ({"encoding": "nope"}, "no encoding 'nope'"),
        ({"code": "none.py"}, "labeling functions in none.py"),
        ({"gold": pl.DataFrame({"id": ["r1"], "label": ["good"]})}, "'good'"),
    ],
)
def test_wrong_options_are_explained(task: labeler.Task, options: dict[str, Any], message: str) -> None:
    with pytest.raises(labeler.LabelerError, match=message):
        labeler.label(frame(), task, **options)


def test_wrong_voters_of_a_task_are_named_all_at_once(task: labeler.Task) -> None:
    wrong = task.model_copy(update={"voters": tuple(v.model_copy(update={"kind": "keywrd"}) for v in task.voters)})
    with pytest.raises(ConfigError, match="3 mistakes"):
        labeler.label(["x"], wrong)


def test_a_traceback_says_what_to_do() -> None:
    with pytest.raises(ConfigError) as caught:
        labeler.Task.preset("kaspi")
    assert traceback.format_exception_only(caught.value)[1].startswith("Did you mean 'kaspi-sentiment'?")


def test_a_folder_that_is_no_run_is_refused(workdir: Path) -> None:
    with pytest.raises(RunError, match="There is no run directory nowhere"):
        labeler.Run("nowhere")
    with pytest.raises(RunError, match=r"has no manifest\.json"):
        labeler.Run(".")


def test_nothing_is_printed(task: labeler.Task, capsys: pytest.CaptureFixture[str]) -> None:
    assert logging.getLogger("labeler").level == logging.NOTSET
    labeler.label(frame(), task)
    assert capsys.readouterr() == ("", "")
