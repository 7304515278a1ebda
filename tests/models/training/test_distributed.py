"""`torchrun labeler train`: several processes train one model; the main process writes and speaks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from labeler.data.distributed import is_distributed, is_main_process
from labeler.data.errors import RunError
from labeler.data.runs.directory import open_run
from labeler.models.end_model.load import load_end_model

from ...conftest import App

LABELER = Path(sys.executable).with_name("labeler")


def torchrun(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    # "--": torchrun would take --run for an abbreviation of its own option.
    command: list[str | Path] = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += ["--nproc-per-node", "2", "--", LABELER]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run([*command, *arguments], env=environment, capture_output=True, text=True, timeout=240)


@pytest.mark.slow
def test_two_processes_train_one_model(app: App, run: Path, bert: Path) -> None:
    call = ("train", "--run", run, "--backbone", bert, "--compare", "lora,full", "--lr", "0.01", "--epochs", "20")
    done = torchrun(*call, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert [entry["name"] for entry in found] == ["lora", "full"]
    assert done.stderr.count("ranks the held-out reviews most like their labels (AUC)") == 1
    assert json.loads((run / "training.json").read_text(encoding="utf-8")) == found
    assert not list(run.glob(".training"))
    labels = pl.read_parquet(run / "labels.parquet").filter(pl.col("label").is_not_null())
    for name in ("lora", "full"):
        model = load_end_model(run / "models" / name)
        predicted = np.array(model.labels.names)[model.predict_proba(labels["text"].to_list()).argmax(axis=1)]
        assert np.mean(predicted == labels["label"].to_numpy()) > 0.9, name
    assert app(*call).stderr.count("unchanged, skipped") == 2  # by one process, too


def test_a_single_process_is_the_main_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    monkeypatch.setenv("RANK", "3")  # of a cluster's scheduler: nobody else was started
    assert is_main_process()
    assert not is_distributed()


def test_the_main_process_holds_the_run_for_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"LOCAL_RANK": "1", "RANK": "1", "WORLD_SIZE": "2"}.items():
        monkeypatch.setenv(name, value)
    assert is_distributed()
    assert not is_main_process()
    monkeypatch.setenv("RANK", "0")
    with open_run(tmp_path, distributed=True):
        monkeypatch.setenv("RANK", "1")
        with open_run(tmp_path, distributed=True) as run:
            assert run.path == tmp_path
        with pytest.raises(RunError, match="is in use"), open_run(tmp_path):
            pass
        assert (tmp_path / ".lock-owner.json").exists()
