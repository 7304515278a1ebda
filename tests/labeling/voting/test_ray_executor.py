"""`--engine ray` on a real cluster of two workers: the labels of one process, whatever happens to the workers."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from labeler.config import parse_config
from labeler.data.errors import ConfigError, ModelError, VoterError
from labeler.data.reading.reviews import open_stream
from labeler.data.runs.directory import open_run
from labeler.data.types.corpus import Corpus
from labeler.data.types.label_space import LabelSpace
from labeler.labeling.label import LabelJob, label_reviews
from labeler.labeling.settings import VoterSection
from labeler.labeling.voters.embedding import EmbeddingVoter
from labeler.labeling.voters.python import PythonVoter
from labeler.labeling.voting.configured import NamedVoter
from labeler.labeling.voting.executor import Executor, LocalExecutor
from labeler.labeling.voting.open_executor import open_executor
from labeler.labeling.voting.ray_executor import RayExecutor, pool_size
from labeler.labeling.voting.serialized import SerializedVoters
from labeler.models.loading.resolve import resolve_model

from ...models.conftest import bert

__all__ = ["bert"]

ray = pytest.importorskip("ray")

CONFIG = """
[refine]
min_texts = 10
[[task.labels]]
name = "negative"
keywords = { kk = ["нашар^2", "жаман"] }
prototypes = ["нашар тауар", "жаман"]
[[task.labels]]
name = "positive"
keywords = { kk = ["керемет^2", "жақсы"] }
prototypes = ["керемет", "өте жақсы"]
[[voters]]
name = "keywords"
kind = "keyword"
[[voters]]
name = "stars"
kind = "existing"
column = "stars"
mapping = { 1 = "negative", 5 = "positive" }
[label_model]
method = "majority"
"""
MODEL = """
[[voters]]
name = "near"
kind = "embedding"
coverage = 0.6
"""
OWN_CODE = """
[[voters]]
name = "own"
kind = "python"
path = "own.py"
function = "lf_own"
"""
WORDS = ("керемет", "нашар", "жақсы емес", "жаман", "тауар", "рахмет")
CHUNK, ROWS = 50, 400

# Kills its worker, in two ways, the first time it comes to two of the rows.
KILLER = """
import os, signal
from pathlib import Path

def lf_own(row):
    for end, place in ((signal.SIGKILL, "r101"), (signal.SIGTERM, "r301")):
        if row.id == place and not Path("{folder}", place).exists():
            Path("{folder}", place).touch()
            os.kill(os.getpid(), end)
    return "positive" if row.stars == 5 else None
"""


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    folder = tempfile.mkdtemp(prefix="ray-")  # not pytest's: the names of sockets must be short
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_worker_niceness", "0")
        patch.setenv("LABELER_CACHE", str(Path(folder) / "cache"))
        ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR", _temp_dir=folder)
        yield
        ray.shutdown()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for place in ("data.writing.chunked_files", "labeling.input", "labeling.rows"):
        monkeypatch.setattr(f"labeler.{place}.CHUNK_ROWS", CHUNK)
    monkeypatch.setattr("labeler.data.writing.atomic._flush", lambda path: None)
    monkeypatch.setenv("LABELER_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    texts = [" ".join(random.choice(WORDS, random.integers(1, 9))) for _ in range(ROWS)]
    stars = random.integers(1, 6, ROWS)
    pl.DataFrame({"id": [f"r{i}" for i in range(ROWS)], "text": texts, "stars": stars}).write_csv("in.csv")
    return tmp_path


Label = Callable[..., dict[str, Any]]


@pytest.fixture
def label(folder: Path, bert: Path) -> Label:
    """Label the reviews, and read all tables of the run."""

    def call(executor: Executor, run: str, config: str) -> dict[str, Any]:
        settings = parse_config(config, source="test")
        with open_stream("in.csv", chunk_rows=CHUNK) as table, open_run(run) as directory:
            job = LabelJob(
                task=settings.task,
                voters=settings.voters,
                label_model=settings.label_model,
                refine=settings.refine,
                table=table,
                gold=None,
                models=lambda field, written: resolve_model(str(bert)),
                executor=executor,
            )
            label_reviews(job, directory)
        return {path.name: pl.read_parquet(path).rows() for path in sorted(Path(run).rglob("*.parquet"))}

    return call


@pytest.mark.slow
def test_the_labels_are_those_of_one_process(label: Label, cluster: None) -> None:
    here = label(LocalExecutor(), "local", CONFIG + MODEL)
    with RayExecutor(actors=2) as executor:
        there = label(executor, "there", CONFIG + MODEL)
    assert there.keys() == here.keys()
    assert {"labels.parquet", "keywords.parquet", "near.parquet"} <= here.keys()
    for name, rows in here.items():
        assert there[name] == rows, name
    assert ray.is_initialized()  # who did not start it does not end it


@pytest.mark.slow
def test_killed_workers_change_nothing(label: Label, cluster: None, folder: Path) -> None:
    (folder / "own.py").write_text(KILLER.format(folder=folder))
    with RayExecutor() as executor:
        there = label(executor, "there", CONFIG + OWN_CODE)
    assert (folder / "r101").exists()
    assert (folder / "r301").exists()
    here = label(LocalExecutor(), "local", CONFIG + OWN_CODE)
    assert there == here
    assert {row[1] for row in there["own.parquet"]} == {"positive", None}


@pytest.mark.slow
def test_a_worker_that_is_lost_every_time_is_given_up(label: Label, cluster: None, folder: Path) -> None:
    (folder / "own.py").write_text(KILLER.replace(".touch()", ".exists()").format(folder=folder))
    with RayExecutor() as executor, pytest.raises(VoterError, match="The Ray workers of own were lost 4 times"):
        label(executor, "there", CONFIG + OWN_CODE)


def test_errors_of_voters_are_those_of_one_process(label: Label, cluster: None, folder: Path) -> None:
    (folder / "own.py").write_text("def lf_own(row):\n    return [1][row.id == 'r201']\n")
    found = []
    for executor in (LocalExecutor(), RayExecutor()):
        with pytest.raises(VoterError) as caught:
            label(executor, "run", CONFIG + OWN_CODE)
        found.append((str(caught.value), caught.value.hint))
    assert found[0] == found[1]
    assert "lf_own in own.py failed on row 'r201': IndexError" in found[0][0]


# Waits at row r200, and leaves a trace of every chunk it begins; by means that cast no doubt on its votes.
WAITER = """
import os, threading
from pathlib import Path

def lf_own(row):
    number = int(row.id[1:])
    if number % 50 == 0:
        Path("{folder}", "seen", row.id).touch()
    while number == 200 and not os.access("{folder}/go", os.F_OK):
        threading.Event().wait(0.05)
    return "positive" if row.stars == 5 else None
"""
LAUNCHER = f"""
import labeler.data.writing.chunked_files, labeler.labeling.input, labeler.labeling.rows
for module in (labeler.data.writing.chunked_files, labeler.labeling.input, labeler.labeling.rows):
    module.CHUNK_ROWS = {CHUNK}
from labeler.cli import main
main()
"""


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_stopped_run_goes_on_chunk_by_chunk(
    label: Label, cluster: None, folder: Path, number: signal.Signals
) -> None:
    rules = CONFIG + OWN_CODE.replace("own.py", str(folder / "own.py"))
    (folder / "rules.toml").write_text(rules)
    (folder / "own.py").write_text(WAITER.format(folder=folder))
    (folder / "launcher.py").write_text(LAUNCHER)
    (folder / "seen").mkdir()
    command = [sys.executable, "launcher.py", "label", "in.csv", "--config", "rules.toml", "--run", "run"]
    address = ray.get_runtime_context().gcs_address
    process = subprocess.Popen(
        [*command, "--engine", "ray"], env={**os.environ, "RAY_ADDRESS": address}, text=True, stderr=subprocess.PIPE
    )
    deadline = time.monotonic() + 60
    while not Path("seen/r200").exists() or len(list(Path("run/votes/.shards").glob("*/*.parquet"))) < 4:
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            pytest.fail(f"chunk 4 was never reached: {process.communicate()[1]}")
        time.sleep(0.05)
    process.send_signal(number)
    stderr = process.communicate(timeout=60)[1]
    assert process.returncode == (130 if number == signal.SIGINT else -number)
    assert all(re.match(r"\w+: voted in", line) for line in stderr.splitlines() if line), stderr
    for trace in (folder / "seen").iterdir():
        trace.unlink()
    (folder / "go").touch()
    with RayExecutor() as executor:
        again = label(executor, "run", rules)
    assert {path.name for path in (folder / "seen").iterdir()} == {"r200", "r250", "r300", "r350"}
    assert again == label(LocalExecutor(), "undisturbed", rules)


def test_code_and_model_are_found_on_another_machine(tmp_path: Path, bert: Path) -> None:
    path = tmp_path / "own.py"
    path.write_text("def lf_own(row):\n    return 'positive'\n")
    labels = LabelSpace(("negative", "positive"))
    section = VoterSection(name="own", kind="python")
    own = NamedVoter("own", section, PythonVoter(labels=labels, path=path, function="lf_own"))
    model = resolve_model(str(bert))
    voter = EmbeddingVoter(
        labels=labels, prototypes={"negative": ("a",), "positive": ("b",)}, class_balance=(), encoder=model
    )
    near = NamedVoter("near", section, voter)
    serialized = SerializedVoters.of([own, near], 2)
    path.unlink()
    restored = serialized.restore()
    assert restored[0].voter.vote(Corpus(pl.Series(["a"]), pl.Series(["b"]))).labels.tolist() == [1]
    assert restored[1].voter == voter
    other = replace(serialized, voters=(replace(near, voter=replace(voter, encoder=replace(model, digest="x"))),))
    with pytest.raises(ModelError, match="is another one than that of the machine that asks"):
        other.restore()
    with pytest.raises(ConfigError, match=r"labeler 0\.0 cannot vote with"):
        replace(serialized, version="0.0").restore()


@pytest.mark.parametrize(
    ("nodes", "wanted", "expected"),
    [
        ([{"CPU": 2.0}], None, (1, {"num_gpus": 0, "num_cpus": 2})),
        ([{"CPU": 2.0}], 2, (2, {"num_gpus": 0, "num_cpus": 1})),
        ([{"CPU": 16.0}, {"CPU": 6.0}, {}], None, (6, {"num_gpus": 0, "num_cpus": 3})),
        ([{"CPU": 2.0}, {"CPU": 2.0}, {"CPU": 2.0}], 2, (2, {"num_gpus": 0, "num_cpus": 2})),
        ([{"CPU": 16.0}], 1, (1, {"num_gpus": 0, "num_cpus": 4})),
        ([{"CPU": 16.0, "GPU": 4.0}, {"CPU": 8.0}], None, (4, {"num_gpus": 1, "num_cpus": 1})),
        ([{"CPU": 16.0, "GPU": 4.0}], 2, (2, {"num_gpus": 1, "num_cpus": 1})),
    ],
)
def test_actors_fit_the_cluster(nodes: list[dict[str, float]], wanted: int | None, expected: Any) -> None:
    assert pool_size(nodes, wanted) == expected


def test_more_actors_than_fit_are_refused() -> None:
    with pytest.raises(ConfigError, match="room for 2 actors with a CPU each, not for 3"):
        pool_size([{"CPU": 2.0}], 3)
    with pytest.raises(ConfigError, match="room for 1 actors with a GPU each, not for 2"):
        pool_size([{"CPU": 8.0, "GPU": 1.0}], 2)


def test_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="--actors is for a Ray cluster"), open_executor("local", 2):
        pass
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="Ray is not installed") as caught, open_executor("ray"):
        pass
    assert caught.value.hint == 'pip install "labeler[ray]"'
