"""Weights of hand labels give unbiased means, whatever a sample preferred; a sample that was not random is noticed."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from labeler.data.gold.weights import effective_rows, looks_random, sample_weights
from labeler.data.types.label_space import LabelSpace
from labeler.data.types.soft_labels import SoftLabels
from labeler.reports.sampling.draw import draw

NAN = float("nan")
AB = LabelSpace(("a", "b"))


def test_rows_weigh_the_inverse_of_their_probability_times_their_copies() -> None:
    weights = sample_weights(np.array([0.5, 0.1, 0.1]), np.array([1.0, NAN, 3.0]))
    assert weights == pytest.approx(np.array([2, 10, 30]) / 14)


def test_rows_of_unknown_probability_are_a_random_sample() -> None:
    weights = sample_weights(np.array([0.5, NAN, 0.1, NAN]), np.full(4, NAN))
    assert weights == pytest.approx(np.array([2, 6, 10, 6]) / 6)
    assert sample_weights(np.full(3, NAN), np.array([5.0, 1.0, NAN])).tolist() == [1, 1, 1]


def test_samples_drawn_one_after_the_other_estimate_without_bias() -> None:
    rng = np.random.default_rng(0)
    bad = rng.random(60) < 0.3  # few texts, so that the first sample takes many of the disputed ones
    doubt = np.where(bad, 0.5, 0.05).astype(np.float32)
    soft, votes = SoftLabels(np.column_stack([doubt, 1 - doubt]), np.ones(60, bool)), np.ones((60, 1), np.int16)
    names, found, pooled = pl.Series([f"t{i}" for i in range(60)]), [], []
    for seed in range(400):
        frames: list[pl.DataFrame] = []
        for size in (25, 15):
            earlier = [name for frame in frames for name in frame["id"]]
            drawn = draw(names, names, soft, votes, labels=AB, n=size, strategy="uncertain", seed=seed, exclude=earlier)
            frames.append(drawn.frame)
        rows = pl.concat(frames)
        truth = bad[rows["id"].str.slice(1).cast(pl.Int64).to_numpy()]
        sample, probability = np.repeat([1, 2], [25, 15]), rows["inclusion_probability"].to_numpy()
        found.append(np.average(truth, weights=sample_weights(probability, np.ones(40), sample)))
        pooled.append(np.average(truth, weights=1 / probability))
    assert np.mean(found) == pytest.approx(bad.mean(), abs=0.01)
    assert abs(np.mean(pooled) - bad.mean()) > 0.05


def test_effective_rows_are_those_of_equal_weight() -> None:
    assert effective_rows(np.array([2.0, 2.0, 2.0])) == pytest.approx(3)
    assert effective_rows(np.array([1.0, 1e-9])) == pytest.approx(1)


def test_a_sample_that_prefers_some_rows_does_not_look_random_until_it_is_weighted() -> None:
    rng = np.random.default_rng(0)
    population = (rng.random((5000, 1)) < 0.1).astype(float)
    probability = np.where(population[:, 0] > 0, 0.1, 0.02)
    drawn = rng.random(5000) < probability
    assert not looks_random(population, population[drawn], np.ones(drawn.sum()))
    assert looks_random(population, population[drawn], 1 / probability[drawn])
    assert looks_random(population, population[::50], np.ones(100))
