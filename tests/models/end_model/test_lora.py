"""Where adapters go, and that merging them is what peft does."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from labeler.data.errors import ModelError
from labeler.models.end_model.inference import logits_of
from labeler.models.end_model.load import load_end_model
from labeler.models.end_model.lora import LoraOptions, target_modules
from labeler.models.loading.device import Compute

TEXTS = ["бұл тауар өте жақсы, рахмет", "плохо работает!", "👍👍"]
BERT = {"attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"}
DEBERTA = {
    "attention.self.query_proj",
    "attention.self.key_proj",
    "attention.self.value_proj",
    "attention.output.dense",
}
TARGETS = {
    "Roberta": BERT,
    "Bert": BERT,
    "XLMRoberta": BERT,
    "Electra": BERT,
    "DebertaV2": DEBERTA,
    "Deberta": {"attention.self.in_proj", "attention.output.dense"},
    "DistilBert": {"attention.q_lin", "attention.k_lin", "attention.v_lin", "attention.out_lin"},
    "MPNet": {"attention.attn.q", "attention.attn.k", "attention.attn.v", "attention.attn.o"},
}


def _model(family: str) -> Any:
    import transformers

    size: dict[str, Any] = {
        "hidden_size": 16,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 32,
    }
    if family == "DistilBert":
        size = {"dim": 16, "n_layers": 2, "n_heads": 2, "hidden_dim": 32}
    if family.startswith("Deberta"):
        size |= {"relative_attention": True, "pos_att_type": ["c2p", "p2c"], "share_att_key": False}
    config = getattr(transformers, f"{family}Config")(vocab_size=30, **size)
    return getattr(transformers, f"{family}ForSequenceClassification")(config)


@pytest.mark.parametrize("family", TARGETS)
def test_the_attention_projections_are_found(family: str) -> None:
    model = _model(family)
    assert set(target_modules(model)) == TARGETS[family]
    more = set(target_modules(model, feed_forward=True)) - TARGETS[family]
    assert more == ({"ffn.lin1", "ffn.lin2"} if family == "DistilBert" else {"intermediate.dense", "output.dense"})


def test_a_model_without_attention_is_named() -> None:
    import torch

    model = torch.nn.Sequential(torch.nn.Sequential(torch.nn.Linear(2, 2)))
    model.config = SimpleNamespace(model_type="fnet")  # type: ignore[assignment]
    with pytest.raises(ModelError, match="of type 'fnet'"):
        target_modules(model)


@pytest.mark.parametrize("options", [{"rank": 0}, {"alpha": 0}, {"dropout": 1.0}])
def test_impossible_options_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=next(iter(options))):
        LoraOptions(**options)


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")  # peft's own call
def test_merging_equals_peft(kaz_roberta: Path, trained: Any, tmp_path: Path) -> None:
    import torch
    from peft import AutoPeftModelForSequenceClassification
    from transformers import AutoTokenizer

    classifier = trained(kaz_roberta, mode="lora", lora=LoraOptions(rank=3, alpha=12, feed_forward=True))
    classifier.save(tmp_path)
    theirs = AutoPeftModelForSequenceClassification.from_pretrained(tmp_path, num_labels=3).eval()
    inputs = AutoTokenizer.from_pretrained(tmp_path)(TEXTS, return_tensors="pt", padding=True)
    with torch.inference_mode():
        expected = theirs(**inputs).logits.numpy()
    np.testing.assert_allclose(load_end_model(tmp_path).record.trained_share, classifier.record.trained_share)
    ours = load_end_model(tmp_path, compute=Compute("cpu", "float32")).logits(TEXTS)
    np.testing.assert_allclose(ours, expected, atol=2e-5)
    assert np.abs(expected).max() > 0.1


def test_the_adapter_names_its_base(kaz_roberta: Path, trained: Any, tmp_path: Path) -> None:
    trained(kaz_roberta, mode="lora").save(tmp_path)
    config = json.loads((tmp_path / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == str(kaz_roberta)
    assert (config["peft_type"], config["task_type"], config["inference_mode"]) == ("LORA", "SEQ_CLS", True)
    assert "classifier" in config["modules_to_save"]
    assert (tmp_path / "adapter_model.safetensors").stat().st_size < 200_000
    assert not (tmp_path / "model.safetensors").exists()


def test_only_adapters_and_the_head_are_trained(kaz_roberta: Path, trained: Any) -> None:
    import torch

    classifier = trained(kaz_roberta, mode="lora", compute=Compute("cpu", "bfloat16"))
    names = set(classifier.trainable_state())
    assert {name for name in names if ".lora_" not in name} == {
        f"model.classifier.{layer}.{kind}" for layer in ("dense", "out_proj") for kind in ("weight", "bias")
    }
    assert len(names) == 4 + 6 * 4 * 2
    assert {p.dtype for p in classifier.encoder_parameters() + classifier.head_parameters()} == {torch.float32}
    assert classifier.model.get_input_embeddings().weight.dtype == torch.bfloat16
    logits_of(classifier, TEXTS, Compute("cpu", "float32"))  # works without autocast too
    rows = classifier.token_rows(TEXTS[:1])
    loss = classifier(torch.tensor(rows), torch.ones(1, len(rows[0]), dtype=torch.long)).square().sum()
    loss.backward()
    assert all(p.grad is not None for p in classifier.encoder_parameters() + classifier.head_parameters())


@pytest.mark.parametrize(
    ("change", "message"),
    [({"peft_type": "IA3"}, "not describe a plain LoRA"), ({"use_dora": True}, "plain LoRA"), ({"r": None}, "cannot")],
)
def test_another_kind_of_adapter_is_refused(
    change: dict[str, Any], message: str, kaz_roberta: Path, trained: Any, tmp_path: Path
) -> None:
    trained(kaz_roberta, mode="lora").save(tmp_path)
    path = tmp_path / "adapter_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(ModelError, match=message):
        load_end_model(tmp_path)


def test_an_adapter_without_its_head_is_refused(kaz_roberta: Path, trained: Any, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    trained(kaz_roberta, mode="lora").save(tmp_path)
    path = tmp_path / "adapter_model.safetensors"
    save_file({name: tensor for name, tensor in load_file(path).items() if "lora_" in name}, path)
    with pytest.raises(ModelError, match=r"lacks classifier\.dense\.bias"):
        load_end_model(tmp_path)
