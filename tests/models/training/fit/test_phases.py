"""What is kept of a finished phase."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from labeler.models.end_model.build import build_classifier
from labeler.models.end_model.classifier import TextClassifier
from labeler.models.loading.device import Compute
from labeler.models.loading.resolve import resolve_model
from labeler.models.training.fit.phases import finished_phase, keep_phase
from labeler.models.training.fit.schedule import Fit

FIT = Fit(0.5, 10, 1.0, 2.0, 5.0, 0.4, 8, False, 2048, ({"loss": 0.5, "step": 1},))


@pytest.fixture
def classifier(bert: Path) -> TextClassifier:
    ref = resolve_model(str(bert))
    return build_classifier(("a", "b"), backbone=ref, mode="lora", compute=Compute("cpu", "float32"))


def test_a_finished_phase_gives_back_its_weights_and_numbers(classifier: TextClassifier, tmp_path: Path) -> None:
    file = tmp_path / "run" / "weak.safetensors"
    kept = {name: tensor.clone() for name, tensor in classifier.trainable_state().items()}
    keep_phase(file, classifier, FIT, key="k")
    for tensor in classifier.trainable_state().values():
        tensor.data.zero_()
    assert finished_phase(file, classifier, key="k") == FIT
    assert all(torch.equal(tensor, kept[name]) for name, tensor in classifier.trainable_state().items())


def test_other_missing_and_damaged_phases_run_again(classifier: TextClassifier, tmp_path: Path) -> None:
    file = tmp_path / "weak.safetensors"
    assert finished_phase(file, classifier, key="k") is None
    keep_phase(file, classifier, FIT, key="k")
    assert finished_phase(file, classifier, key="other") is None
    file.write_bytes(file.read_bytes()[:100])
    assert finished_phase(file, classifier, key="k") is None
