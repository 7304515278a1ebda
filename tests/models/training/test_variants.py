import pytest

from labeler.data.errors import ConfigError
from labeler.models.training.settings import TrainSection
from labeler.models.training.variants import VARIANTS, schedule_for, variant_name, variants


@pytest.mark.parametrize("name", VARIANTS)
def test_names_and_settings_fit_each_other(name: str) -> None:
    assert list(variants(TrainSection(), name)) == [name]
    assert variant_name(variants(TrainSection(), name)[name]) == name


def test_a_comparison_keeps_the_other_settings_and_names_each_model_once() -> None:
    found = variants(TrainSection(seed=3), "lora, full,lora")
    assert {name: (s.mode, s.seed) for name, s in found.items()} == {"lora": ("lora", 3), "full": ("full", 3)}


@pytest.mark.parametrize("wrong", ["lstmm", "", ","])
def test_unknown_names_are_explained(wrong: str) -> None:
    with pytest.raises(ConfigError, match="--compare knows no model"):
        variants(TrainSection(), wrong)


def test_small_inputs_are_repeated_and_very_large_ones_read_once() -> None:
    few, some, many = (schedule_for(TrainSection(), rows=rows, width=384) for rows in (400, 30_000, 1_000_000))
    assert (few.epochs, some.epochs, many.epochs) == (5, 2, 1)


def test_wider_encoders_get_a_lower_rate_unless_one_is_given() -> None:
    narrow, wide = (schedule_for(TrainSection(), rows=1000, width=width) for width in (384, 768))
    assert wide.learning_rate < narrow.learning_rate
    given = schedule_for(TrainSection(learning_rate=2e-5, epochs=2.5), rows=1000, width=768)
    assert (given.learning_rate, given.epochs) == (2e-5, 2.5)
