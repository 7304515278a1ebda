"""End model and voters decide together, by constants that were measured once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest

from labeler.data.types.label_space import LabelSpace
from labeler.data.types.soft_labels import SoftLabels
from labeler.models.blended import Blended, fit_blended
from labeler.models.scoring.blending import Blend
from labeler.models.scoring.priors import softmax

PRIOR = np.array([0.2, 0.8])


class Model:
    """Its logits are the numbers in the texts."""

    labels = LabelSpace(("negative", "positive"))

    def logits(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        scores = np.array([float(text) for text in texts], np.float32)
        return np.stack([-scores, scores], axis=1)

    def calibrated(self, logits: npt.NDArray[np.float32]) -> Any:
        return softmax(logits)


class Voters:
    """Vote for a third class, or one of the model's, in another order; of empty column nothing."""

    labels = LabelSpace(("positive", "none", "negative"))
    digest = "v"

    def soft_labels(self, rows: pl.DataFrame) -> SoftLabels:
        probs = {"positive": [0.9, 0.05, 0.05], "negative": [0.05, 0.05, 0.9], "none": [0.1, 0.8, 0.1]}
        found = [probs.get(vote, [0.4, 0.3, 0.3]) for vote in rows["vote"]]
        return SoftLabels(np.array(found, np.float32), (rows["vote"] != "").to_numpy())


def predicted(scores: list[float], votes: list[str]) -> Any:
    blended = Blended(Voters(), Blend((0.5, 1.0), (0.0, 0.0), (1.0, 2.0)))
    rows = pl.DataFrame({"text": [str(score) for score in scores], "vote": votes})
    return blended.of(Model(), rows)  # type: ignore[arg-type]


def test_votes_move_the_model_and_rows_without_a_vote_for_its_classes_are_its_own() -> None:
    probs = predicted([0.3, 0.3, 0.3, 0.3], ["positive", "negative", "", "none"])
    alone = softmax(Model().logits(["0.3"]))[0]
    assert probs[0, 1] > alone[1]
    assert probs[1, 1] < 0.5
    np.testing.assert_allclose(probs[2:], [alone, alone], rtol=1e-6)
    np.testing.assert_allclose(probs.sum(axis=1), 1, rtol=1e-6)


def test_a_review_alone_gets_the_label_that_it_gets_among_others() -> None:
    together = predicted([0.1, -2, 3], ["negative", "positive", "negative"])
    np.testing.assert_allclose(predicted([-2], ["positive"])[0], together[1], rtol=1e-6)


def test_the_blend_follows_the_class_balance_and_is_as_confident_as_soft_labels() -> None:
    rng = np.random.default_rng(0)
    truth = rng.random(4000) < PRIOR[0]
    noisy = [np.where(truth, 1.0, -1.0) + rng.normal(size=4000) for _ in range(2)]
    logits, weak = (np.stack([scores, -scores], axis=1) for scores in noisy)
    targets = np.where(truth[:, np.newaxis] == [True, False], 0.9, 0.1)
    blend = fit_blended(logits, softmax(9 * weak), targets, PRIOR)
    probs = blend.probs([logits, np.log(np.maximum(softmax(9 * weak), 1e-4))])
    assert (probs.argmax(axis=1) == 0).mean() == pytest.approx(0.2, abs=0.01)
    for label in range(2):
        rows = probs.argmax(axis=1) == label
        assert probs[rows, label].mean() == pytest.approx(targets[rows, label].mean(), abs=0.01)


def test_the_digest_depends_on_voters_and_constants() -> None:
    one = Blended(Voters(), Blend((0.5, 1.0), (0.0, 0.0), (1.0, 2.0)))
    other = Blended(Voters(), Blend((0.5, 1.1), (0.0, 0.0), (1.0, 2.0)))
    assert one.digest != other.digest
