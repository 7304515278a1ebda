"""The voters of a run label other reviews as they labelled its own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from labeler.config import parse_config
from labeler.data.errors import RunError, VoterError
from labeler.data.reading.reviews import open_stream
from labeler.data.runs.directory import RunDirectory, open_run
from labeler.data.runs.labels import LabelledRun
from labeler.data.types.votes import Votes
from labeler.labeling.label import LabelJob, label_reviews
from labeler.labeling.run_voters import RunVoters, open_run_voters
from labeler.models.loading.resolve import ModelRef

from .conftest import Lengths

CONFIG = """
[task]
name = "test"
[[task.labels]]
name = "negative"
keywords = { kk = ["нашар^2", "жаман"] }
emoji = ["👎"]
prototypes = ["нашар"]
[[task.labels]]
name = "positive"
keywords = { kk = ["керемет^2", "жақсы"] }
emoji = ["👍"]
prototypes = ["өте жақсы зат екен"]
[label_model]
method = "METHOD"
[[voters]]
name = "keywords"
kind = "keyword"
[[voters]]
name = "emoji"
kind = "emoji"
[[voters]]
name = "near"
kind = "embedding"
coverage = 0.7
[[voters]]
name = "stars"
kind = "rating"
column = "stars"
ranges = { negative = [1, 2], positive = [4, 5] }
"""
MODEL = ModelRef("lengths", Path("none"), "d1", "folder")
WORDS = ("керемет", "нашар", "жаман", "жақсы", "зат", "өте", "👍", "👎")


@pytest.fixture(autouse=True)
def _cheap_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labeler.data.writing.atomic._flush", lambda path: None)
    monkeypatch.setattr("labeler.labeling.text.similarity.load_encoder", lambda ref: Lengths())
    monkeypatch.setattr("labeler.labeling.run_voters.resolve_model", lambda name, revision: MODEL)


def reviews(n: int) -> pl.DataFrame:
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(WORDS, rng.integers(1, 6))) + f" {i}" for i in range(n)]
    texts[3] = "-"
    return pl.DataFrame({"id": [f"r{i}" for i in range(n)], "text": texts, "stars": rng.integers(1, 6, n).astype(str)})


def labelled(folder: Path, rows: pl.DataFrame, config: str) -> RunDirectory:
    settings = parse_config(config, source="test")
    with open_stream(rows) as table, open_run(folder / "run") as run:
        job = LabelJob(
            task=settings.task,
            voters=settings.voters,
            label_model=settings.label_model,
            table=table,
            gold=None,
            models=lambda field, written: MODEL,
            config_toml=config,
        )
        label_reviews(job, run)
    return run


@pytest.fixture(params=["majority", "dawid_skene"])
def run(tmp_path: Path, request: pytest.FixtureRequest) -> RunDirectory:
    return labelled(tmp_path, reviews(150), CONFIG.replace("METHOD", request.param))


def opened(run: RunDirectory, sample: pl.DataFrame) -> RunVoters:
    task = parse_config(run.config.read_text(encoding="utf-8"), source="test").task
    return open_run_voters(run, task, sample)


def matrix(votes: list[Votes]) -> list[list[int]]:
    rows: list[list[int]] = np.stack([each.labels for each in votes], axis=1).tolist()
    return rows


def test_a_run_s_own_reviews_get_its_votes_and_probabilities_also_one_by_one(run: RunDirectory) -> None:
    rows, kept = reviews(150), LabelledRun(run)
    voters = opened(run, rows)
    expected = kept.vote_matrix()
    assert matrix(voters.votes(rows)) == expected.tolist()
    assert 0 < (expected[:, 3] >= 0).mean() < 1
    alone = [matrix(voters.votes(rows[i]))[0] for i in range(0, 150, 10)]
    assert alone == expected[::10].tolist()
    soft = voters.soft_labels(rows)
    assert soft.covered.tolist() == kept.soft.covered.tolist()
    np.testing.assert_allclose(soft.probs, kept.soft.probs, atol=1e-5)


def test_reviews_that_a_voter_cannot_read_are_labelled_by_the_others(run: RunDirectory, said: list[str]) -> None:
    rows = reviews(150).head(20).drop("stars")
    voters = opened(run, rows)
    assert said[-2:] == [
        "stars is left out: The input has no column 'stars'.",
        "predicting with the run's voters: keywords, emoji, near",
    ]
    assert matrix(voters.votes(rows)) == LabelledRun(run).vote_matrix()[:20, [0, 1, 3]].tolist()
    assert np.isfinite(voters.soft_labels(rows).probs).all()


def test_a_voter_that_is_no_longer_the_same_does_not_vote(
    run: RunDirectory, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("labeler.labeling.run_voters.resolve_model", lambda name, revision: replace(MODEL, digest="d2"))
    assert [named.name for named in opened(run, reviews(20)).voters] == ["keywords", "emoji", "stars"]
    assert "near is left out: It has changed since the run was labelled." in said


def test_a_run_without_a_label_model_has_no_voters_for_others(run: RunDirectory) -> None:
    run.label_model.write_bytes(b"damaged")
    with pytest.raises(RunError, match="cannot be read"):
        opened(run, reviews(20))
    run.label_model.unlink()
    with pytest.raises(RunError, match=r"no label_model\.parquet") as caught:
        opened(run, reviews(20))
    assert "labeler label" in caught.value.hint


CODE = """
def lf_stars(x):
    return "positive" if x.stars > 3 else None
"""
PYTHON = """
[[task.labels]]
name = "negative"
[[task.labels]]
name = "positive"
[label_model]
method = "majority"
[[voters]]
name = "own"
kind = "python"
path = "PATH"
function = "lf_stars"
"""


def test_the_user_s_own_functions_vote_as_long_as_they_can(tmp_path: Path, said: list[str]) -> None:
    code = tmp_path / "own.py"
    code.write_text(CODE, encoding="utf-8")
    rows = reviews(30)
    run = labelled(tmp_path, rows, PYTHON.replace("PATH", str(code)))
    voters = opened(run, rows)
    assert matrix(voters.votes(rows)) == LabelledRun(run).vote_matrix().tolist()
    with pytest.raises(VoterError, match="No voter of the run can vote"):
        opened(run, rows.drop("stars"))
    assert "has no attribute 'stars'" in said[-1]
    code.write_text(code.read_text(encoding="utf-8") + "\n# changed\n", encoding="utf-8")
    with pytest.raises(VoterError):
        opened(run, rows)
    assert "own is left out: It has changed" in said[-1]
    code.unlink()
    with pytest.raises(VoterError):
        opened(run, rows)
    assert "Cannot read the labeling functions" in said[-1]


def test_a_class_that_takes_the_rest_takes_it_of_other_reviews_too(tmp_path: Path) -> None:
    config = CONFIG.replace("METHOD", "majority").replace(
        'name = "negative"\nkey', 'name = "negative"\ncatch_all = true\nkey'
    )
    rows = reviews(150)
    run = labelled(tmp_path, rows, config)
    voters = opened(run, rows)
    kept = LabelledRun(run).soft
    some = np.flatnonzero(kept.covered)
    np.testing.assert_allclose(voters.soft_labels(rows).probs[some], kept.probs[some], atol=1e-5)
