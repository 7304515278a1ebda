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


@pytest.mark.parametrize("name", ["accelerate", "huggingface-hub", "openai", "peft", "ray", "torch", "transformers"])
def test_a_library_whose_private_interfaces_are_used_has_an_upper_bound(name: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    listed = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
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

    from labeler.models.training.fit.trainer import SoftLabelTrainer

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


# models/loading: torch's packed linear layers, and the hub's progress bar


def test_torch_packs_linear_layers_and_multiplies_by_them() -> None:
    import torch

    where = "torch.ops.mkldnn has changed: see loading.packing"
    onednn: Any = torch.ops.mkldnn
    assert hasattr(onednn, "_reorder_linear_weight"), where
    assert hasattr(onednn, "_linear_pointwise"), where
    backend: Any = torch.backends.mkldnn
    if not backend.is_available() or not onednn._is_mkldnn_bf16_supported():
        pytest.skip("this CPU has no units for bfloat16")
    layer = torch.nn.Linear(64, 32).to(torch.bfloat16)
    inputs = torch.randn(16, 64).to(torch.bfloat16)
    packed = onednn._reorder_linear_weight(layer.weight.detach(), 4096)
    for activation, algorithm, function in (("none", "", torch.nn.Identity()), ("gelu", "none", torch.nn.GELU())):
        found = onednn._linear_pointwise(inputs, packed, layer.bias.detach(), activation, [], algorithm)
        torch.testing.assert_close(found, function(layer(inputs)), rtol=0.02, atol=0.02, msg=where)


def test_a_snapshot_counts_its_bytes_on_the_bar_it_is_given(hub: Any) -> None:
    from huggingface_hub import snapshot_download
    from huggingface_hub.utils import tqdm  # type: ignore[attr-defined]  # public, but not re-exported formally

    counted: dict[tuple[int, float], float] = {}  # by bar and its total

    class Bar(tqdm):
        def update(self, n: float | None = 1) -> Any:
            bar = id(self), self.total
            counted[bar] = counted.get(bar, 0) + (n or 0)
            return super().update(n)

    folder = Path(snapshot_download("team/tiny", allow_patterns=["model.safetensors"], tqdm_class=Bar))
    size = (folder / "model.safetensors").stat().st_size
    assert size in {n for (_, total), n in counted.items() if total == size}, "see hub._download_watch"


def test_the_hubs_client_names_what_it_cannot_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import HfApi

    from labeler.models.loading import hub

    with pytest.raises(Exception) as error:  # noqa: PT011  # the class is of the HTTP library, which differs by version
        HfApi(endpoint="http://127.0.0.1:9").model_info("team/tiny", timeout=1)
    assert type(error.value).__name__ in hub._AWAY, "see hub._AWAY"


# models/adapting: transformers' collator, heads and hidden states


def test_the_collator_draws_masks_from_its_generator(roberta: Path) -> None:
    import torch
    from transformers import AutoTokenizer, DataCollatorForLanguageModeling

    collator = DataCollatorForLanguageModeling(AutoTokenizer.from_pretrained(roberta), pad_to_multiple_of=8)
    row = {"input_ids": list(range(5, 45)), "special_tokens_mask": [1] * 20 + [0] * 20}
    batches = []
    for seed in (0, 0, 1):
        collator.generator = torch.Generator().manual_seed(seed)
        batches.append(collator([row, row])["labels"])
    assert torch.equal(batches[0], batches[1]), "the masks are not drawn from `generator`: see masking.MaskedTexts"
    assert not torch.equal(batches[0], batches[2])
    assert (batches[0][:, :20] == -100).all(), "special_tokens_mask is ignored: see masking.MaskedTexts"


def test_a_new_head_of_bert_has_the_parts_that_adapting_sets(bert: Path) -> None:
    from transformers import AutoModelForMaskedLM

    model = AutoModelForMaskedLM.from_pretrained(bert)
    head = model.cls.predictions
    assert head.decoder.bias is head.bias, "see adapting.model.MaskedModel.start_from"
    assert head.decoder.weight is model.get_input_embeddings().weight
    assert head.transform.dense.weight.shape == (32, 32), "see adapting.model.MaskedModel.start_from"
    assert head.transform.LayerNorm.weight.shape == (32,)


# models/scoring: a head by itself


def test_a_masked_language_model_is_an_encoder_and_a_head(roberta: Path) -> None:
    import torch
    from transformers import AutoModelForMaskedLM

    model = AutoModelForMaskedLM.from_pretrained(roberta).eval()
    ids = torch.arange(5, 15)[None]
    with torch.inference_mode():
        logits = model.lm_head(model.base_model(input_ids=ids).last_hidden_state)
        torch.testing.assert_close(logits, model(input_ids=ids).logits, msg="see masked_lm.MaskedLMScorer")


# models/chat: the errors of openai's client


def test_openais_client_tries_again_and_names_what_it_cannot_reach() -> None:
    openai = pytest.importorskip("openai")
    from labeler.models.chat.api_errors import classify_error

    client = openai.OpenAI(api_key="none", base_url="http://127.0.0.1:9/v1", max_retries=0)
    with pytest.raises(openai.APIConnectionError) as error:
        client.models.list()
    assert classify_error(error.value).reason == "unreachable", "see api_errors.classify_error"
    assert hasattr(openai, "DefaultAsyncHttpxClient"), "see client.ChatClient"


# labeling/voting: what Ray prints


def test_ray_prints_reports_of_workers_by_one_function() -> None:
    pytest.importorskip("ray")
    from ray._private import worker

    assert callable(worker.print_to_stdstream), "Ray has no print_to_stdstream: see ray_executor._keep_stdout_clean"
    uses = inspect.getsource(worker).count("print_to_stdstream")
    assert uses > 1, "Ray does not use print_to_stdstream any more: see ray_executor._keep_stdout_clean"
