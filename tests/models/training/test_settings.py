"""The ``[train]`` section, and configurations of runs of an earlier version."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from labeler.config import load_config
from labeler.data.errors import ConfigError
from labeler.data.presets import preset_text
from labeler.models.training.settings import TrainSection

EARLIER = 'denoise = false\nself_training_rounds = 2\ncut_share = 0.8\ntrain_embeddings = "met"\nseed = 3\n'


def test_the_configuration_of_an_earlier_run_is_read(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(preset_text("kaspi-sentiment").replace("[train]\n", f"[train]\n{EARLIER}"), encoding="utf-8")
    (tmp_path / "manifest.json").write_text("{}")
    assert load_config(file).train == TrainSection(seed=3)


@pytest.mark.parametrize("key", ["denoise = true", "self_training_rounds = 1"])
def test_correcting_labels_is_a_matter_of_labelling(tmp_path: Path, key: str) -> None:
    file = tmp_path / "labeler.toml"
    file.write_text(preset_text("kaspi-sentiment").replace("[train]\n", f"[train]\n{key}\n"), encoding="utf-8")
    with pytest.raises(ConfigError, match=f"unknown key '{key.split()[0]}'") as error:
        load_config(file)
    assert "[refine]" in error.value.hint


@pytest.mark.parametrize("imbalance", ["oversample", "focal"])
def test_a_removed_answer_to_rare_classes_is_an_error_that_lists_the_others(imbalance: str) -> None:
    with pytest.raises(ValidationError, match="'none', 'weights' or 'adjust'"):
        TrainSection.model_validate({"imbalance": imbalance})
