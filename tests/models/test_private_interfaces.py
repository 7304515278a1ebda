"""What the models use of other libraries beyond their documented interfaces: each is here, and as it is relied on.

When one of these tests fails, a library has changed beneath the code that the message names.
"""

from __future__ import annotations

import inspect
import tomllib
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", ["accelerate", "peft", "torch", "transformers"])
def test_a_library_whose_private_interfaces_are_used_has_an_upper_bound(name: str) -> None:
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    (found,) = (each for each in map(Requirement, listed) if each.name == name)
    assert any(bound.operator == "<" for bound in found.specifier), f"{name} needs an upper bound in pyproject.toml"
    assert found.specifier.contains(version(name), prereleases=True)


# models/training: the Trainer of transformers


@pytest.mark.parametrize(
    ("method", "parameters"),
    [
        ("_get_train_sampler", ["self", "train_dataset"]),
        ("_save_checkpoint", ["self", "model", "trial"]),
        ("_save", ["self", "output_dir", "state_dict"]),
        ("_load_from_checkpoint", ["self", "resume_from_checkpoint", "model"]),
        ("create_optimizer", ["self", "model"]),
        ("training_step", ["self", "model", "inputs", "num_items_in_batch"]),
    ],
)
def test_the_trainer_calls_the_methods_that_training_overrides(method: str, parameters: list[str]) -> None:
    from transformers import Trainer

    from labeler.models.training.fit.loop import SoftLabelTrainer

    assert hasattr(Trainer, method), f"Trainer has no {method}: see SoftLabelTrainer.{method}"
    assert list(inspect.signature(getattr(Trainer, method)).parameters) == parameters
    assert method in vars(SoftLabelTrainer)
    calls = inspect.getsource(Trainer).count(f"self.{method}")
    assert calls, f"Trainer does not call {method} any more: see SoftLabelTrainer.{method}"


def test_the_trainer_lists_its_callbacks_and_the_tensorboard_one_has_a_folder() -> None:
    from transformers import Trainer
    from transformers.integrations import TensorBoardCallback

    assert "self.callback_handler = CallbackHandler(" in inspect.getsource(Trainer.__init__)
    assert "self.logging_dir" in inspect.getsource(TensorBoardCallback), "see fit.setup.name_tensorboard"


# models/end_model: peft's LoRA layers, and oneDNN in torch


def adapted() -> Any:
    """A linear layer in a block, with peft's adapter, as `add_adapters` puts it there."""
    import torch
    from peft import LoraConfig, inject_adapter_in_model

    from labeler.models.end_model.fused_adapter import FusedAdapter

    config = LoraConfig(r=2, lora_alpha=4, target_modules=["0"])
    register = getattr(config, "_register_custom_module", None)
    assert register is not None, "peft's LoraConfig has no _register_custom_module: see lora.add_adapters"
    register({torch.nn.Linear: FusedAdapter})
    return inject_adapter_in_model(config, torch.nn.Sequential(torch.nn.Linear(3, 5)))


def test_peft_makes_the_registered_layer_and_keeps_its_configuration() -> None:
    from labeler.models.end_model.fused_adapter import FusedAdapter

    model = adapted()
    assert isinstance(model[0], FusedAdapter), "peft ignores _register_custom_module: see lora.add_adapters"
    assert model.peft_config["default"].lora_alpha == 4, "see lora.write_adapter"
    names = {name for name, _ in model.named_parameters()}
    assert {"0.lora_A.default.weight", "0.lora_B.default.weight"} <= names, "see lora.write_adapter and merge_adapter"


def test_a_lora_layer_of_peft_has_what_the_fused_one_reads() -> None:
    import torch

    layer = adapted()[0]
    assert list(layer.active_adapters) == ["default"], "see fused_adapter"
    assert (layer.disable_adapters, layer.merged) == (False, False)
    assert isinstance(layer.lora_dropout["default"], torch.nn.Identity)
    assert layer.scaling["default"] == 2.0
    assert isinstance(layer.base_layer, torch.nn.Linear)
    assert (layer.lora_A["default"].weight.shape, layer.lora_B["default"].weight.shape) == ((2, 3), (5, 2))


def test_onednn_can_be_turned_off_and_on() -> None:
    import torch

    from labeler.models.end_model.heads.modules import without_onednn

    before = torch.backends.mkldnn.enabled
    with without_onednn():
        enabled: object = torch.backends.mkldnn.enabled
        assert enabled is False, "torch.backends.mkldnn.enabled cannot be set: see TokenLSTM"
    assert torch.backends.mkldnn.enabled == before


def test_a_report_of_loading_names_missing_and_mismatched_weights(bert: Path) -> None:
    from transformers import AutoModelForSequenceClassification

    _, report = AutoModelForSequenceClassification.from_pretrained(bert, output_loading_info=True)
    assert {"missing_keys", "mismatched_keys"} <= set(report), "see backbone.load_backbone"
    assert any(name.startswith("classifier") for name in report["missing_keys"])
