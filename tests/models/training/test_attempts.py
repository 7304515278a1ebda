"""Another attempt for what has learned nothing, and no model in the end."""

from __future__ import annotations

import pytest

from labeler.models.training.attempts import NothingLearnedError, until_learned
from labeler.models.training.fit.rank_agreement import RankAgreement
from labeler.models.training.fit.schedule import TrainingDivergedError

GOOD = RankAgreement(auc=0.9, z=9.0, spread=1.0, rows=100, is_telling=True)
BAD = RankAgreement(auc=0.54, z=0.4, spread=1.0, rows=100, is_telling=True)


def test_the_first_attempt_that_learned_is_taken() -> None:
    said: list[str] = []
    calls: list[tuple[int, int]] = []

    def train(attempt: int, slower: int) -> tuple[str, RankAgreement]:
        calls.append((attempt, slower))
        if attempt == 0:
            raise TrainingDivergedError("the loss is nan")
        return f"model {attempt}", GOOD if attempt == 2 else BAD

    assert until_learned(train, "all", said.append) == ("model 2", GOOD)
    assert calls == [(0, 1), (1, 3), (2, 10)]
    assert "the loss is nan" in said[0]
    assert "3 times lower" in said[0]
    assert "AUC 0.54" in said[1]


def test_in_the_end_it_is_refused_with_the_reason() -> None:
    with pytest.raises(NothingLearnedError, match=r"in 3 attempts \(all\): .*AUC 0.54.*not saved") as error:
        until_learned(lambda attempt, slower: (None, BAD), "all", lambda message: None)
    assert "--head ngram" in error.value.hint
