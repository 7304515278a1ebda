"""Ctrl-C and kill -9 in every stage: what is there is whole, and running again finishes the work."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from labeler.data.writing.atomic import TEMPORARY_SUFFIX

from .conftest import REVIEWS, RULES, App

# Waits by means that cast no doubt on its votes.
CODE = """\
import os, threading
from pathlib import Path

def lf_waits(row):
    if os.access("wait", os.F_OK):
        Path("ready").touch()
        threading.Event().wait(60)
    return "positive" if row.stars == 5 else None
"""

# Runs the app with one function that reports and then waits when it is called with something named so.
LAUNCHER = """\
import importlib, os, time
from pathlib import Path

module, function, name = os.environ["WAIT_IN"].split(":")
place = importlib.import_module("labeler." + module)
original = getattr(place, function)

def waits(*args, **kwargs):
    if name in repr(args) + repr(kwargs):
        if function == "_flush":  # half of the file has reached the disk
            os.truncate(args[0], os.path.getsize(args[0]) // 2)
        Path("ready").touch()
        time.sleep(60)
    return original(*args, **kwargs)

setattr(place, function, waits)
from labeler.cli import main
main()
"""

STAGES = {
    "reading": "data.reading.reviews:open_input:reviews.csv",
    "after reading": "labeling.label:_vote:corpus.parquet",
    "corpus half-written": "data.writing.atomic:_flush:.corpus.parquet",
    "before the first voter": "labeling.voting.executor:_checked:name='keywords'",
    "votes half-written": "data.writing.atomic:_flush:.emoji.parquet",
    "votes not on record": "labeling.voting.apply:StageDetails:'thanks'",
    "in the last voter": "function",
    "label model": "labeling.label_models.build:fit_votes:",
    "labels half-written": "data.writing.atomic:_flush:.labels.parquet",
    "between labels and table": "labeling.outputs:lf_summary:",
    "table half-written": "data.writing.atomic:_flush:.lf_summary.csv",
    "before the record": "data.runs.manifest:asdict:summary.json",
}
"""Where a run is stopped: module:function:argument, or inside the user's own labeling function."""

FINISHED = {
    "votes half-written": {"keywords"},
    "votes not on record": {"keywords", "emoji", "thanks"},
    "in the last voter": {"keywords", "emoji", "thanks"},
    "label model": {"keywords", "emoji", "thanks", "lf_waits"},
    "labels half-written": {"keywords", "emoji", "thanks", "lf_waits"},
    "between labels and table": {"keywords", "emoji", "thanks", "lf_waits"},
    "table half-written": {"keywords", "emoji", "thanks", "lf_waits"},
    "before the record": {"keywords", "emoji", "thanks", "lf_waits"},
}
"""Voters whose votes were on disk at that moment."""

ARGS = ("label", "reviews.csv", "--config", "rules.toml", "--code", "own.py", "--run", "run")
PATIENCE = 60.0


@dataclass
class Victim:
    """A run that is stopped at one place."""

    folder: Path
    process: subprocess.Popen[str]

    @classmethod
    def start(cls, folder: Path, stage: str, rules: str = RULES) -> Victim:
        """Start a run that will wait in `stage`."""
        folder.mkdir(exist_ok=True)
        fill(folder, rules)
        (folder / "launcher.py").write_text(LAUNCHER, encoding="utf-8")
        (folder / "ready").unlink(missing_ok=True)
        waiting = STAGES[stage]
        installed = Path(sys.executable).with_name("labeler")
        program = [installed] if waiting == "function" else [sys.executable, "launcher.py"]
        if waiting == "function":
            (folder / "wait").touch()
        environment = {**os.environ, "WAIT_IN": waiting, "OMP_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1"}
        process = subprocess.Popen(
            [*program, *ARGS], cwd=folder, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        return cls(folder, process)

    def stop(self, number: signal.Signals) -> tuple[str, str]:
        """Wait until the stage is reached, send the signal, and return stdout and stderr."""
        deadline = time.monotonic() + PATIENCE
        while not (self.folder / "ready").exists():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.process.kill()
                pytest.fail(f"the stage was never reached: {self.process.communicate()[1]}")
            time.sleep(0.02)
        self.process.send_signal(number)
        said = self.process.communicate(timeout=PATIENCE)
        (self.folder / "wait").unlink(missing_ok=True)
        return said


def fill(folder: Path, rules: str = RULES) -> None:
    (folder / "rules.toml").write_text(rules, encoding="utf-8")
    (folder / "reviews.csv").write_text(REVIEWS, encoding="utf-8")
    (folder / "own.py").write_text(CODE, encoding="utf-8")


def results(run: Path) -> dict[str, Any]:
    """Read every file of a run: parquet as a frame, JSON parsed, all else as bytes; without times."""
    content: dict[str, Any] = {}
    for path in sorted(run.rglob("*")):
        if (
            path.is_dir()
            or path.name in {".lock", ".lock-owner.json", ".labeler"}
            or path.name.endswith(TEMPORARY_SUFFIX)
        ):
            continue
        name = path.relative_to(run).as_posix()
        if path.suffix == ".parquet":
            content[name] = pl.read_parquet(path, glob=False).rows()
        elif path.suffix == ".json":
            content[name] = without_times(json.loads(path.read_text(encoding="utf-8")))
        else:
            content[name] = path.read_bytes()
    return content


def without_times(value: Any) -> Any:
    if isinstance(value, dict):
        # Digests of outputs cover summary.json, which holds seconds; the path of own.py is in the configuration.
        skipped = {"seconds", "finished", "outputs", "path"}
        return {key: without_times(item) for key, item in value.items() if key not in skipped}
    return value


def comparable(content: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in content.items() if name != "config.toml"}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("undisturbed")
    fill(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        from typer.testing import CliRunner

        from labeler.cli import app

        assert CliRunner().invoke(app, list(ARGS)).exit_code == 0
    return results(folder / "run")


def check_what_is_left(folder: Path, stage: str, undisturbed: dict[str, Any]) -> None:
    """Every file in place is whole, and equal to what an undisturbed run writes."""
    left = comparable(results(folder / "run"))
    for name, value in left.items():
        if name not in {"manifest.json", "summary.json"}:
            assert value == undisturbed[name], f"{name} after {stage}"
    recorded = left.get("manifest.json", {"stages": {}})["stages"]
    assert "labels" not in recorded
    assert {f"votes/{name}.parquet" for name in FINISHED.get(stage, set())} <= set(left)


def check_running_again(
    app: App, folder: Path, stage: str, undisturbed: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    again = app(*ARGS)
    assert again.exit_code == 0
    skipped = {line.partition(":")[0] for line in again.stderr.splitlines() if line.endswith("unchanged, skipped")}
    assert skipped == FINISHED.get(stage, set())
    found = comparable(results(folder / "run"))
    expected = comparable(undisturbed)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        if name != "manifest.json":
            assert found[name] == value, name
    assert not list((folder / "run").rglob(f"*{TEMPORARY_SUFFIX}"))


@pytest.fixture(scope="module")
def victims(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Victim]:
    """One run per stage, a few at a time, each killed with SIGKILL where it waits."""
    root = tmp_path_factory.mktemp("killed")
    found: dict[str, Victim] = {}
    waiting: list[tuple[str, Victim]] = []
    for i, stage in enumerate(STAGES):
        waiting.append((stage, Victim.start(root / str(i), stage)))
        if len(waiting) == 3 or i == len(STAGES) - 1:
            for name, victim in waiting:
                victim.stop(signal.SIGKILL)
                found[name] = victim
            waiting = []
    return found


@pytest.mark.slow
@pytest.mark.parametrize("stage", STAGES)
def test_kill_9(
    app: App, victims: dict[str, Victim], stage: str, undisturbed: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    victim = victims[stage]
    assert victim.process.returncode == -signal.SIGKILL
    if (victim.folder / "run").exists():
        check_what_is_left(victim.folder, stage, undisturbed)
    check_running_again(app, victim.folder, stage, undisturbed, monkeypatch)
    everything = app(*ARGS).stderr.splitlines()
    assert all(line.endswith("unchanged, skipped") for line in everything)
    assert len(everything) == 5


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["reading", "in the last voter", "labels half-written"])
def test_ctrl_c_of_a_process(
    app: App, tmp_path: Path, stage: str, undisturbed: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    victim = Victim.start(tmp_path / "stopped", stage)
    stdout, stderr = victim.stop(signal.SIGINT)
    assert (victim.process.returncode, stdout) == (130, "")
    assert "Traceback" not in stderr
    assert not list(victim.folder.rglob(f"*{TEMPORARY_SUFFIX}"))
    assert not (victim.folder / "run" / ".lock-owner.json").exists()
    check_what_is_left(victim.folder, stage, undisturbed)
    check_running_again(app, victim.folder, stage, undisturbed, monkeypatch)


@pytest.mark.parametrize("stage", [stage for stage in STAGES if stage != "in the last voter"])
def test_ctrl_c(app: App, workdir: Path, stage: str, undisturbed: dict[str, Any]) -> None:
    """The signal comes in the middle of the stage, in this process."""
    fill(workdir)
    module, function, name = STAGES[stage].split(":")
    place = import_module(f"labeler.{module}")
    original = getattr(place, function)

    def interrupted(*args: Any, **kwargs: Any) -> Any:
        if name in repr(args) + repr(kwargs):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(5)
        return original(*args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(place, function, interrupted)
        stopped = app(*ARGS)
    assert (stopped.exit_code, stopped.stdout) == (130, "")
    assert "Traceback" not in stopped.stderr
    assert not list((workdir / "run").rglob(f"*{TEMPORARY_SUFFIX}"))
    assert not (workdir / "run" / ".lock-owner.json").exists()
    check_what_is_left(workdir, stage, undisturbed)
    with pytest.MonkeyPatch.context() as patch:
        check_running_again(app, workdir, stage, undisturbed, patch)


def test_a_kill_while_labels_are_replaced_keeps_the_old_ones(app: App, workdir: Path) -> None:
    fill(workdir)
    assert app(*ARGS).exit_code == 0
    before = results(workdir / "run")["labels.parquet"]
    Victim.start(workdir, "labels half-written", RULES.replace("рахмет|спасибо", ".")).stop(signal.SIGKILL)
    assert results(workdir / "run")["labels.parquet"] == before
    assert len(list((workdir / "run").rglob(f".labels.parquet*{TEMPORARY_SUFFIX}"))) == 1
    assert app(*ARGS).exit_code == 0
    assert results(workdir / "run")["labels.parquet"] != before


def test_two_runs_at_once(app: App, workdir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = Victim.start(workdir, "in the last voter")
    deadline = time.monotonic() + PATIENCE
    while not (workdir / "ready").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    try:
        before = results(workdir / "run")
        second = app(*ARGS)
        assert (second.exit_code, second.stdout) == (1, "")
        assert second.stderr.splitlines() == [
            f"Error: The run directory run is in use by process {first.process.pid}.",
            "Wait until it ends, or choose another directory with --run.",
        ]
        assert results(workdir / "run") == before
        (workdir / "wait").unlink()  # only the first waits
        assert app(*ARGS[:-1], "elsewhere").exit_code == 0
    finally:
        first.stop(signal.SIGKILL)
    assert app(*ARGS).exit_code == 0  # the dead one's lock is nobody's


def test_a_closed_pipe_is_quiet(workdir: Path) -> None:
    fill(workdir)
    script = Path(sys.executable).with_name("labeler")
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([script, *ARGS], stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert "Traceback" not in done.stderr
    assert (workdir / "run" / "labels.parquet").exists()
