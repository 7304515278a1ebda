"""Votes count by their confidence, as far as the other voters bear it out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from labeler.config import parse_config
from labeler.data.reading.reviews import open_stream
from labeler.data.runs.directory import open_run
from labeler.data.runs.labels import LabelledRun
from labeler.data.types.votes import Votes
from labeler.labeling.grades import GRADES, Grading, grade_limits, grade_log_odds, grade_votes
from labeler.labeling.label import LabelJob, label_reviews
from labeler.labeling.label_models.dawid_skene import DawidSkene
from labeler.labeling.label_models.patterns import VotePatterns
from labeler.models.loading.resolve import ModelRef

K = 3
confidences = arrays(np.float32, st.integers(1, 200), elements=st.floats(0, 1, width=32))


@given(confidences)
def test_grades_follow_confidence_whatever_the_order(confidence: npt.NDArray[np.float32]) -> None:
    votes = np.arange(len(confidence)) % 2 - 1
    limits = grade_limits(votes, confidence, K)
    grades = grade_votes(votes, confidence, limits)
    assert grades.min() >= 0
    assert grades.max() < GRADES
    assert not grades[votes == -1].any()
    order = np.argsort(confidence[votes == 0], kind="stable")
    assert (np.diff(grades[votes == 0][order]) >= 0).all()
    assert np.array_equal(grade_limits(votes[::-1], confidence[::-1], K), limits)


def test_votes_of_one_confidence_have_one_grade() -> None:
    votes, confidence = np.array([0, 0, 1, 1]), np.array([1, 1, 0.3, 0.3], np.float32)
    assert not grade_votes(votes, confidence, grade_limits(votes, confidence, 2)).any()


def scored(
    n: int, *, informative: bool, seed: int = 0
) -> tuple[npt.NDArray[np.int16], list[Votes], npt.NDArray[np.int64]]:
    """Three rules of 80 % and a voter whose wrong votes are less confident, or no less: votes, Votes, truth."""
    rng = np.random.default_rng(seed)
    truth = rng.choice(K, n, p=[0.2, 0.3, 0.5])
    votes = np.where(rng.random((n, 4)) < 0.8, truth[:, np.newaxis], rng.integers(0, K, (n, 4))).astype(np.int16)
    confidence = rng.beta(4, 2, n) * np.where((votes[:, 3] == truth) | (not informative), 1, 0.5)
    each = [Votes.from_scores(votes[:, j], 1.0 if j < 3 else confidence) for j in range(4)]
    return votes, each, truth


def graded(
    votes: npt.NDArray[np.int16], each: list[Votes]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float32], Grading]:
    """Probabilities of each row without and with grades, shape (n, k), and the grading."""
    table = VotePatterns.from_votes(votes)
    model = DawidSkene(k=K, group_correlated=False).fit(table)
    probs = model.predict_proba(table)
    limits = np.stack([grade_limits(v.labels, v.confidence, K) for v in each])
    grades = Grading(limits, np.zeros((4, K, GRADES))).grades(each)
    grading = Grading(limits, grade_log_odds(table, probs, grades, model.weights_))
    split, found = grading.add(table, probs, grades)
    assert np.array_equal(split.expand(split.patterns), votes)
    assert split.counts.sum() == len(votes)
    assert len(split) < 25 * len(table)
    return table.expand(probs), split.expand(found.probs), grading


def test_confidence_that_others_bear_out_makes_labels_better() -> None:
    votes, each, truth = scored(3000, informative=True)
    plain, found, grading = graded(votes, each)
    assert (found.argmax(axis=1) == truth).mean() > (plain.argmax(axis=1) == truth).mean() + 0.005
    right = np.arange(len(truth)), truth
    assert np.log(found[right]).mean() > np.log(plain[right]).mean() + 0.01
    assert not grading.log_odds[:3].any()
    assert (np.diff(grading.log_odds[3], axis=1) > 0).all()


def test_confidence_that_means_nothing_changes_next_to_nothing() -> None:
    votes, each, truth = scored(3000, informative=False)
    plain, found, _ = graded(votes, each)
    assert (plain.argmax(axis=1) != found.argmax(axis=1)).mean() < 0.01
    right = np.arange(len(truth)), truth
    assert abs(np.log(found[right]).mean() - np.log(plain[right]).mean()) < 0.005


def test_no_row_gets_a_class_that_nobody_voted_for_and_the_order_of_rows_does_not_matter() -> None:
    votes, each, _ = scored(1000, informative=True)
    _, found, _ = graded(votes, each)
    assert (votes == found.argmax(axis=1)[:, np.newaxis]).any(axis=1).all()
    order = np.random.default_rng(1).permutation(len(votes))
    _, again, _ = graded(votes[order], [v.take(order) for v in each])
    assert np.array_equal(again, found[order])


def test_a_grading_comes_back_from_json() -> None:
    votes, each, _ = scored(300, informative=True)
    *_, grading = graded(votes, each)
    again = Grading.from_json(grading.to_json()).of_voters([3])
    assert np.array_equal(again.limits, grading.limits[3:])
    assert np.array_equal(again.log_odds, grading.log_odds[3:])


CONFIG = """
[[task.labels]]
name = "bad"
[[task.labels]]
name = "good"
[label_model]
method = "METHOD"
scores = "SCORES"
"""
CODE = """
def lf_score(x):
    return float(x.score)
lfs = {f"rule {i}": (lambda x, i=i: int(x[f"rule{i}"])) for i in range(3)}
"""


@pytest.mark.parametrize(
    ("method", "scores"), [("dawid_skene", "graded"), ("dawid_skene", "votes"), ("majority", "graded")]
)
def test_one_switch_takes_votes_alone_and_the_majority_vote_always_does(
    tmp_path: Path, method: str, scores: str
) -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, 400)
    rows = {f"rule{i}": np.where(rng.random(400) < 0.8, truth, 1 - truth) for i in range(3)}
    score = np.clip(0.5 + (truth - 0.5) * rng.random(400) + rng.normal(0, 0.15, 400), 0, 1)
    frame = pl.DataFrame({"id": range(400), "text": [f"зат {i}" for i in range(400)], **rows, "score": score})
    code = tmp_path / "own.py"
    code.write_text(CODE, encoding="utf-8")
    voters = [f'[[voters]]\nname = "{f}"\nkind = "python"\npath = "{code}"\nfunction = "{f}"\n' for f in FUNCTIONS]
    config = "".join([CONFIG.replace("METHOD", method).replace("SCORES", scores), *voters])
    settings = parse_config(config, source="test")
    with open_stream(frame.with_columns(pl.col("id").cast(pl.String))) as table, open_run(tmp_path / "run") as run:
        job = LabelJob(settings.task, settings.voters, settings.label_model, table, None, no_models)
        label_reviews(replace(job, config_toml=config), run)
    kept = LabelledRun(run)
    patterns = np.unique(kept.vote_matrix(), axis=0)
    claimed = {tuple(probs) for probs in kept.soft.probs.tolist()}
    assert (len(claimed) > len(patterns)) == ((method, scores) == ("dawid_skene", "graded"))


FUNCTIONS = ("lf_score", "rule 0", "rule 1", "rule 2")


def no_models(field: str, written: str | None) -> ModelRef:
    raise AssertionError("no function needs a model")
