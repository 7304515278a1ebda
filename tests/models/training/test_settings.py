"""The ``[train]`` section, and configurations of runs of an earlier version."""

import pytest
from pydantic import ValidationError

from labeler.models.training.settings import TrainSection


def test_the_configuration_of_an_earlier_run_is_read() -> None:
    earlier = {"cut_share": 1.0, "self_training_weights": "none", "train_embeddings": "met"}
    assert TrainSection.model_validate(earlier) == TrainSection()


@pytest.mark.parametrize("key", [{"cut_share": 0.8}, {"self_training_weights": "confidence"}])
def test_a_removed_key_that_asks_for_something_is_unknown(key: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match=next(iter(key))):
        TrainSection.model_validate(key)


@pytest.mark.parametrize("imbalance", ["oversample", "focal"])
def test_a_removed_answer_to_rare_classes_is_an_error_that_lists_the_others(imbalance: str) -> None:
    with pytest.raises(ValidationError, match="'none', 'weights' or 'adjust'"):
        TrainSection.model_validate({"imbalance": imbalance})
