"""`labeler serve` as a process of its own: the same labels as `labeler predict`, and how it ends."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from labeler.data.errors import ConfigError
from labeler.data.runs.directory import RunDirectory
from labeler.data.sample import SAMPLES
from labeler.models.serving.server import serve_run

from ...conftest import App

Ask = Callable[..., Any]
REQUESTS, TEXTS = 60, 8


@pytest.fixture
def run(app: App, workdir: Path) -> Path:
    """Two hundred reviews labelled by rules, and an n-gram model trained on them."""
    good, bad = "керемет жақсы отличный рахмет".split(), "нашар жаман плохо ужас".split()
    rows = [f"r{i},{(good, bad)[i % 2][i // 2 % 3]} тауар {i}" for i in range(200)]
    (workdir / "many.csv").write_text("id,text\n" + "\n".join(rows) + "\n", encoding="utf-8")
    assert app("label", "many.csv", "--config", "rules.toml", "--run", "run").exit_code == 0
    trained = app("train", "--head", "ngram", "--run", "run")
    assert trained.exit_code == 0, trained.stderr
    return workdir / "run"


@contextmanager
def serving(run: Path, *options: str, ends_by: signal.Signals = signal.SIGINT, **environment: str) -> Iterator[Ask]:
    """Run the command; yield what asks it; end it by a signal and look at how it went."""
    command = [sys.executable, "-c", "from labeler.cli import main; main()", "serve", "--run", str(run), "--port", "0"]
    process = subprocess.Popen(
        [*command, *options], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ | environment
    )
    try:
        assert process.stderr is not None
        lines = (re.search(r"http://127\.0\.0\.1:\d+", line) for line in process.stderr)
        found = next(filter(None, lines))

        def ask(path: str, body: Any = None, **headers: str) -> Any:
            data = None if body is None else json.dumps(body).encode()
            with urllib.request.urlopen(urllib.request.Request(found[0] + path, data, headers), timeout=60) as answer:
                assert "server" not in answer.headers
                return json.load(answer)

        yield ask
        process.send_signal(ends_by)
        output, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert (output, errors, process.returncode) == ("", "", 0)


def test_many_small_requests_get_the_labels_of_predict(app: App, run: Path, workdir: Path) -> None:
    sample = pl.read_csv(SAMPLES["kaspi-sentiment"].reviews)["text"]
    texts = ["-", *islice(cycle(sample), REQUESTS * TEXTS - 1)]
    pl.DataFrame({"id": range(len(texts)), "text": texts}).write_parquet(workdir / "texts.parquet")
    assert app("predict", "texts.parquet", "--run", run, "--output", "out.parquet").exit_code == 0
    expected = pl.read_parquet(workdir / "out.parquet")
    parts = [texts[start : start + TEXTS] for start in range(0, len(texts), TEXTS)]
    with serving(run) as ask, ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda part: ask("/predict", {"texts": part}), parts))
        health = ask("/health")
    rows = [row for answer in answers for row in answer["predictions"]]
    assert [row["label"] for row in rows] == expected["label"].to_list()
    assert {row["reason"] for row in rows if row["label"] is None} == {"no content"}
    for name in ("confidence", "p_negative", "p_positive"):
        assert [row[name] or 0 for row in rows] == pytest.approx(expected[name].fill_null(0).to_list(), abs=1e-4)
    assert (health["model"], health["classes"]) == ("ngram", ["negative", "positive"])
    assert health["labels_digest"] == RunDirectory(run).labels_digest()


def test_the_token_comes_from_the_environment_and_sigterm_ends_it(run: Path) -> None:
    with serving(run, ends_by=signal.SIGTERM, LABELER_TOKEN="secret") as ask:
        with pytest.raises(urllib.error.HTTPError, match="401"):
            ask("/health")
        assert ask("/predict", {"text": "керемет"}, Authorization="Bearer secret")["label"] == "positive"


def test_other_computers_need_a_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LABELER_TOKEN", raising=False)
    with pytest.raises(ConfigError, match="Other computers may reach 0") as refused:
        serve_run(RunDirectory(tmp_path), host="0.0.0.0")
    assert "LABELER_TOKEN" in refused.value.hint


def test_a_run_without_a_model_is_explained(app: App, workdir: Path) -> None:
    (workdir / "empty").mkdir()
    result = app("serve", "--run", "empty")
    assert result.exit_code == 1
    assert "labeler train" in result.stderr


def test_single_texts_are_labelled_on_the_command_line(app: App, run: Path) -> None:
    shown = app("predict", "--run", run, "--text", "керемет", "--text", "...")
    assert shown.exit_code == 0, shown.stderr
    assert shown.stdout.splitlines()[0].split() == ["text", "label", "confidence", "p_negative", "p_positive"]
    assert shown.stdout.splitlines()[2].split() == ["...", "(no", "content)", "-", "-", "-"]
    (row,) = json.loads(app("predict", "--run", run, "--text", "керемет", "--json").stdout)
    assert (row["text"], row["label"], row["reason"]) == ("керемет", "positive", None)
    assert row["p_negative"] + row["p_positive"] == pytest.approx(1)
    for options in ((), ("many.csv", "--text", "керемет")):
        refused = app("predict", "--run", run, *options)
        assert (refused.exit_code, "Give either INPUT or --text" in refused.stderr) == (1, True)
    assert "are printed" in app("predict", "--run", run, "--text", "a", "--output", "o.csv").stderr
