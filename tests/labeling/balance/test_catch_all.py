from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl

from labeler.config import parse_config
from labeler.data.types.soft_labels import SoftLabels
from labeler.labeling.balance.catch_all import give_unclaimed, shown_classes, with_catch_all
from labeler.labeling.label_models.class_balance import complete_balance, known_shares
from labeler.labeling.label_models.patterns import VotePatterns
from labeler.labeling.voters.shared.scoring import fit_rule

from ...conftest import App

CONFIG = """
[[task.labels]]
name = "late"
keywords = { ru = ["опозда", "долго"] }
[[task.labels]]
name = "broken"
keywords = { ru = ["сломал", "брак"] }
[[task.labels]]
name = "other"
catch_all = true
[[voters]]
name = "keywords"
kind = "keyword"
[[voters]]
name = "on time"
kind = "regex"
label = "late"
pattern = "вовремя"
[label_model]
method = "majority"
"""
INPUT = "id,text\n1,опоздали\n2,сломался\n3,спасибо\n4,-\n5,всё вовремя но брак\n6,красиво\n"


def test_it_takes_what_no_other_class_claims(app: App, workdir: Path) -> None:
    (workdir / "task.toml").write_text(CONFIG, encoding="utf-8")
    (workdir / "input.csv").write_text(INPUT, encoding="utf-8")
    result = app("label", "input.csv", "--config", "task.toml", "--run", "run")
    assert result.exit_code == 0, result.output
    labels = pl.read_parquet(workdir / "run" / "labels.parquet")
    assert labels["label"].to_list() == ["late", "broken", "other", None, "other", "other"]  # 5 is a tie
    assert labels["covered"].to_list() == [True, True, True, False, True, True]
    assert labels["confidence"][2] < 0.7
    summary = json.loads((workdir / "run" / "summary.json").read_text(encoding="utf-8"))
    assert summary["class_balance"]["other"] > 0.3  # its share of the labels: no rule can show it
    assert "No rule votes for other, so nothing shows how frequent it is" in result.output


def test_rows_without_content_are_kept_apart_from_unclaimed_ones() -> None:
    table = VotePatterns.from_votes(np.array([[-1], [0], [-1], [-1]], np.int16))
    soft = SoftLabels(np.array([[0.5, 0.3, 0.2], [0.7, 0.2, 0.1]], np.float32), np.array([False, True]))
    found, claimed = give_unclaimed(table, soft, 2, np.array([True, True, False, True]))
    assert np.array_equal(found.expand(claimed.hard()), [2, 0, -1, 2])
    assert np.array_equal(found.counts, [2, 1, 1])
    silent, none = give_unclaimed(table, soft, 2, np.array([False, True, False, False]))
    assert np.array_equal(silent.expand(none.hard()), [-1, 0, -1, -1])
    assert silent.n == found.n == 4


def test_a_tie_goes_to_it_with_little_confidence() -> None:
    tied = SoftLabels(np.array([[0.5, 0.5, 0.0]], np.float32), np.array([True]))
    assert with_catch_all(tied, 2).hard()[0] == 2
    assert with_catch_all(tied, 2).confidence[0] < 0.34


def test_classes_that_a_rule_could_vote_for_are_shown_even_if_it_never_does() -> None:
    config = parse_config(CONFIG, source="x")
    assert shown_classes(config.task, config.voters, None).tolist() == [True, True, False]
    assert shown_classes(config.task, config.voters[1:], None).tolist() == [True, False, False]
    votes = VotePatterns.from_votes(np.array([[2, -1]], np.int16))
    assert shown_classes(config.task, (), votes).tolist() == [False, False, True]


def test_unknown_shares_are_filled_and_known_ones_keep_their_proportions() -> None:
    shares = known_shares((0.3, 0.1, np.nan), 3)
    assert np.allclose(shares[:2], [0.75, 0.25])
    assert np.allclose(complete_balance(shares, np.array([0.2, 0.2, 0.6])), [0.3, 0.1, 0.6])
    assert np.allclose(complete_balance(np.full(2, np.nan), np.array([0.2, 0.8])), [0.2, 0.8])


def test_only_known_shares_are_matched_and_unclear_rows_are_left_to_the_catch_all() -> None:
    scores = np.random.default_rng(0).normal(0, 1, (4000, 3)) + np.array([2.0, 0.0, 0.0])
    prior = np.array([0.5, 0.5, np.nan])
    labels = fit_rule(scores, prior, np.ones(4000)).apply(scores).labels
    first, second, third = np.bincount(labels, minlength=3) / 4000
    assert abs(first - second) < 0.05
    assert third > 0.1  # matched to a share of nearly nothing it would get no row
    claimed = fit_rule(scores, prior, np.ones(4000), catch_all=2).apply(scores, catch_all=2).labels
    assert np.all((claimed == labels) | (claimed == -1))
    assert not np.any(claimed == 2)
    assert 0.2 < (claimed == -1).mean() < 0.8
