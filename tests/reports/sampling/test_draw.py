from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labeler.data.errors import ConfigError, InputError
from labeler.data.types.label_space import LabelSpace
from labeler.data.types.soft_labels import SoftLabels
from labeler.reports.sampling.draw import STRATEGIES, Drawn, disagreement, draw, entropy

SPACE = LabelSpace(("negative", "positive"))


class Population:
    """Reviews with copies, votes that conflict more where the labels are wrong, and the truth."""

    def __init__(self, rows: int = 300, texts: int = 240, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        text = np.concatenate([np.arange(texts), rng.integers(0, texts // 20, rows - texts)])  # few texts, many copies
        truth = (rng.random(texts) > 0.15).astype(np.int16)
        sureness = rng.random((texts, 1))
        right = rng.random((texts, 4)) < 0.6 + 0.4 * sureness
        votes = np.where(right, truth[:, np.newaxis], 1 - truth[:, np.newaxis])
        votes = np.where(rng.random((texts, 4)) < 0.4, -1, votes).astype(np.int16)
        margin = (votes == 1).sum(axis=1) - (votes == 0).sum(axis=1)
        positive = 1 / (1 + np.exp(-0.5 - 1.5 * margin))
        self.ids = pl.Series("id", [f"r{i}" for i in range(rows)])
        self.texts = pl.Series("text", [f"review {t}" for t in text])
        self.votes = votes[text]
        covered: npt.NDArray[np.bool_] = np.any(votes >= 0, axis=1)
        self.soft = SoftLabels(np.stack([1 - positive, positive], axis=1)[text], covered[text])
        self.right: npt.NDArray[np.bool_] = np.equal(self.soft.hard(), truth[text])

    def draw(self, n: int, strategy: str, seed: int = 0, **options: Any) -> Drawn:
        return draw(
            self.ids, self.texts, self.soft, self.votes, labels=SPACE, n=n, strategy=strategy, seed=seed, **options
        )

    def right_of(self, drawn: Drawn) -> npt.NDArray[np.bool_]:
        rows: npt.NDArray[np.int64] = drawn.frame["id"].str.strip_prefix("r").cast(pl.Int64).to_numpy()
        right: npt.NDArray[np.bool_] = self.right[rows]
        return right


POPULATION = Population()


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_weighted_by_the_inverse_probability_a_sample_is_unbiased(strategy: str) -> None:
    """Horvitz-Thompson totals over many seeds: the number of rows, and of rows whose label is right."""
    totals = []
    for seed in range(60):
        drawn = POPULATION.draw(80, strategy, seed)
        weight = (drawn.frame["rows"] / drawn.frame["inclusion_probability"]).to_numpy()
        totals.append((weight.sum(), weight @ POPULATION.right_of(drawn)))
    mean, error = np.mean(totals, axis=0), np.std(totals, axis=0) / np.sqrt(len(totals))
    assert np.all(np.abs(mean - [300, POPULATION.right.sum()]) <= 4 * error + 1e-6)
    assert np.all(error < 8)  # else the test could not see a bias


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_texts_are_drawn_as_often_as_their_probability_says(strategy: str) -> None:
    population, draws = Population(rows=40, texts=30), 150
    drawn = pl.concat([population.draw(8, strategy, seed).frame for seed in range(draws)])
    counts = drawn.group_by("text").agg(pl.len(), pl.col("inclusion_probability").mean())
    probability = counts["inclusion_probability"].to_numpy()
    deviation = (counts["len"].to_numpy() - draws * probability) / np.sqrt(draws * probability * (1 - probability) + 1)
    assert np.abs(deviation).max() < 4.5
    assert len(counts) == 30  # every text has its chance
    assert probability.sum() == pytest.approx(8)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(STRATEGIES), st.integers(1, 400), st.integers(0, 1000))
def test_a_sample_has_n_different_texts_with_probabilities(strategy: str, n: int, seed: int) -> None:
    drawn = POPULATION.draw(n, strategy, seed)
    frame = drawn.frame
    assert frame.columns == ["id", "text", "inclusion_probability", "stratum", "rows"]
    assert len(frame) == frame["text"].n_unique() == min(n, 240)
    assert frame["inclusion_probability"].is_between(0, 1 + 1e-12).all()
    assert frame["inclusion_probability"].min() > 0  # type: ignore[operator]
    assert (len(drawn.notes) == 1) == (n > 240)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_seed_gives_the_same_sample(strategy: str) -> None:
    one, again, other = (POPULATION.draw(20, strategy, seed).frame for seed in (1, 1, 2))
    assert one.equals(again)
    assert not one.equals(other)


def test_rows_say_how_many_rows_have_the_text() -> None:
    frame = POPULATION.draw(240, "random").frame
    assert frame["rows"].sum() == 300
    assert frame["rows"].max() > 1  # type: ignore[operator]
    assert (frame["inclusion_probability"] == 1).all()


def test_earlier_samples_are_not_drawn_again_by_id_or_text() -> None:
    first = POPULATION.draw(120, "mixed").frame
    second = POPULATION.draw(60, "mixed", exclude=first["id"], exclude_texts=["review 3 ", "unknown"]).frame
    assert not set(first["text"]) & set(second["text"])
    assert "review 3" not in set(second["text"])


def test_a_copy_of_an_earlier_text_counts_as_drawn() -> None:
    copies = POPULATION.texts.filter(POPULATION.texts == POPULATION.texts[-1])
    assert len(copies) > 1
    left = POPULATION.draw(1000, "random", exclude={POPULATION.ids[-1]})
    assert POPULATION.texts[-1] not in set(left.frame["text"])
    assert left.left == 239


def test_too_large_a_sample_takes_all_that_is_left_and_says_so() -> None:
    drawn = POPULATION.draw(1000, "stratified")
    assert len(drawn.frame) == 240
    assert "Only 240 different texts" in drawn.notes[0]


def test_nothing_left_is_an_error() -> None:
    with pytest.raises(InputError, match="none is left"):
        POPULATION.draw(5, "random", exclude=POPULATION.ids)


@pytest.mark.parametrize("n", [0, -3])
def test_an_empty_sample_is_an_error(n: int) -> None:
    with pytest.raises(InputError, match="is empty"):
        POPULATION.draw(n, "random")


def test_an_unknown_strategy_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match="no sampling strategy") as caught:
        POPULATION.draw(5, "uncertian")
    assert "Did you mean 'uncertain'" in caught.value.hint


@pytest.mark.parametrize("strategy", ["uncertain", "disagreement", "mixed"])
def test_telling_texts_are_drawn_more_often_and_no_weight_explodes(strategy: str) -> None:
    population = Population(rows=4000, texts=4000)
    interest = disagreement(population.votes, 2) if strategy == "disagreement" else entropy(population.soft.probs)
    by_id = dict(zip(population.ids, interest.tolist(), strict=True))
    drawn = population.draw(300, strategy).frame
    assert np.mean([by_id[i] for i in drawn["id"]]) > 1.1 * interest.mean()
    floor = 0.5 if strategy == "mixed" else 0.2
    assert drawn["inclusion_probability"].min() >= floor * 300 / 4000 - 1e-9  # type: ignore[operator]
    assert set(drawn["stratum"]) <= {"random", "uncertain", "disagreement"}


def test_strata_get_two_texts_each_and_rare_labels_more_than_their_share() -> None:
    population = Population(rows=4000, texts=4000)
    frame = population.draw(100, "stratified").frame
    counts = dict(frame["stratum"].value_counts().iter_rows())
    assert set(counts) <= {"no label", *(f"{name}, {band}" for name in SPACE.names for band in ("sure", "unsure"))}
    assert len(counts) >= 4
    assert min(counts.values()) >= 2
    share = np.mean(population.soft.hard() == 0)
    assert frame["stratum"].str.starts_with("negative").mean() > 1.2 * share


def test_more_strata_than_draws_still_gives_every_text_its_chance() -> None:
    seen = {s for seed in range(60) for s in POPULATION.draw(2, "stratified", seed).frame["stratum"]}
    assert len(seen) >= 4


def test_where_nobody_disagrees_disagreement_is_random() -> None:
    n = 50
    soft = SoftLabels(np.tile([0.1, 0.9], (n, 1)), np.ones(n, np.bool_))
    ids = pl.Series("id", [str(i) for i in range(n)])
    drawn = draw(
        ids, ids.alias("text"), soft, np.ones((n, 3), np.int16), labels=SPACE, n=10, strategy="disagreement"
    ).frame
    assert drawn["inclusion_probability"].to_list() == pytest.approx([0.2] * 10)
    assert set(drawn["stratum"]) == {"random"}


def test_two_samples_in_one_file_are_unbiased_after_a_random_first() -> None:
    shares = []
    for seed in range(60):
        first = POPULATION.draw(30, "random", seed)
        second = POPULATION.draw(30, "mixed", 1000 + seed, exclude=first.frame["id"])
        both = pl.concat([first.frame, second.frame])
        weight = (both["rows"] / both["inclusion_probability"]).to_numpy()
        right = np.concatenate([POPULATION.right_of(first), POPULATION.right_of(second)])
        shares.append(weight @ right / weight.sum())
    error = np.std(shares) / np.sqrt(len(shares))
    assert abs(np.mean(shares) - POPULATION.right.mean()) < 3 * error + 0.01  # a ratio of totals has a small bias
    assert error < 0.01


def test_entropy_and_disagreement_of_known_rows() -> None:
    assert entropy(np.array([[0.5, 0.5], [1, 0]], np.float32)) == pytest.approx([1, 0])
    votes = np.array([[0, 0, 1, -1], [1, 1, 1, 1], [-1, -1, -1, -1], [0, -1, -1, -1]], np.int16)
    assert disagreement(votes, 2) == pytest.approx([1 / 3, 0, 0, 0])
