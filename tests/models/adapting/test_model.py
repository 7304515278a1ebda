"""Masked language models of several families, and the head that `embedded` gets."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModelForMaskedLM

from labeler.data.errors import ModelError
from labeler.models.adapting.masking import MaskedTexts, measure
from labeler.models.adapting.model import MaskedModel, build_masked_model
from labeler.models.loading.resolve import ModelRef, resolve_model

from .conftest import FP32, reviews

FAMILIES = ("roberta", "bert", "xlm-roberta", "deberta-v2")


def build(folder: Path, mode: Any = "full") -> MaskedModel:
    return build_masked_model(resolve_model(str(folder)), mode=mode, seed=0, compute=FP32).eval()


def moved(model: MaskedModel) -> MaskedModel:
    """Change what is trained, as training would."""
    generator = torch.Generator().manual_seed(1)
    for tensor in model.trainable_state().values():
        tensor += 0.1 * torch.randn(tensor.shape, generator=generator)
    return model


def masked(model: MaskedModel, n: int = 12) -> MaskedTexts:
    return MaskedTexts(model.token_rows(reviews(n)), model.tokenizer, count=n, seed=0, replaced=1.0)


def logits_of(model: MaskedModel, texts: MaskedTexts) -> torch.Tensor:
    inputs, _, weights = texts.batch(np.arange(len(texts)), int(texts.lengths.max()), pad=model.pad_token_id)
    with torch.no_grad():
        found: torch.Tensor = model(**inputs)[weights > 0]
    return found


def plain_logits(folder: Path, model: MaskedModel, texts: MaskedTexts) -> torch.Tensor:
    """The same by transformers' own means, over all positions."""
    inputs, _, weights = texts.batch(np.arange(len(texts)), int(texts.lengths.max()), pad=model.pad_token_id)
    positions = inputs.pop("positions")[weights > 0]
    with torch.no_grad():
        found: torch.Tensor = AutoModelForMaskedLM.from_pretrained(folder)(**inputs).logits.flatten(0, 1)[positions]
    return found


@pytest.mark.parametrize("family", FAMILIES)
def test_predictions_at_positions_are_those_of_the_whole_model(families: dict[str, Path], family: str) -> None:
    model = build(families[family])
    texts = masked(model)
    torch.testing.assert_close(
        logits_of(model, texts), plain_logits(families[family], model, texts), rtol=1e-3, atol=1e-4
    )


@pytest.mark.parametrize("mode", ["full", "lora"])
@pytest.mark.parametrize("family", FAMILIES)
def test_what_is_written_predicts_as_what_was_trained(
    families: dict[str, Path], family: str, mode: str, tmp_path: Path
) -> None:
    model = moved(build(families[family], mode))
    texts = masked(model)
    model.write(tmp_path)
    found = plain_logits(tmp_path, model, texts)
    torch.testing.assert_close(found, logits_of(model, texts), rtol=1e-3, atol=1e-3)
    assert not torch.allclose(found, plain_logits(families[family], model, texts), atol=0.1)
    assert not list(tmp_path.glob("adapter*"))


def test_lora_trains_adapters_only(families: dict[str, Path]) -> None:
    model = build(families["roberta"], "lora")
    assert all(".lora_" in name for name in model.trainable_state())
    trained, total = (model.model.num_parameters(only_trainable=only) for only in (True, False))
    assert 0 < trained < 0.05 * total


def test_dominant_word_embeddings_are_not_trained(families: dict[str, Path]) -> None:
    wide, small = build(families["roberta"]), build(families["bert"])  # 52,000 and 400 tokens, 32 wide
    assert not wide.model.get_input_embeddings().weight.requires_grad
    assert small.model.get_input_embeddings().weight.requires_grad


def test_the_loss_is_the_mean_over_masked_tokens(families: dict[str, Path]) -> None:
    model = build(families["bert"])
    texts, plain = masked(model, 40), AutoModelForMaskedLM.from_pretrained(families["bert"])
    losses = []
    for part, width in texts.parts(np.arange(40), budget=2048):
        inputs, targets, weights = texts.batch(part, width, pad=model.pad_token_id)
        positions = inputs.pop("positions")[weights > 0]
        with torch.no_grad():
            logs = plain(**inputs).logits.flatten(0, 1)[positions].log_softmax(-1)
        losses += (-logs.gather(1, targets[weights > 0, None])).flatten().tolist()
    found, predicted = measure(model, texts, compute=FP32, when="before")
    assert predicted == len(losses)
    assert found["loss"] == pytest.approx(sum(losses) / len(losses), rel=1e-4)


def test_a_model_without_a_head_is_refused(bert: Path) -> None:
    with pytest.raises(ModelError, match="is not a masked language model") as error:
        build(bert)
    assert "'embedded'" in error.value.hint


@pytest.mark.parametrize("mode", ["full", "lora"])
def test_embedded_gets_a_head_tied_to_its_words(embedded_like: ModelRef, mode: Any, tmp_path: Path) -> None:
    model = build_masked_model(embedded_like, mode=mode, seed=0, compute=FP32).eval()
    assert model.new_head
    assert {name.split(".")[1] for name, _ in model.named_parameters() if model.is_head(name)} == {"cls"}
    assert model.head_parameters()
    texts = masked(model)
    model.start_from(texts.rows)
    share = logits_of(model, texts).softmax(-1).mean(0)
    seen = np.concatenate([row["input_ids"] for row in texts.rows])
    assert 1 - float(share[np.unique(seen)].sum()) < 0.1
    moved(model).write(tmp_path)
    torch.testing.assert_close(plain_logits(tmp_path, model, texts), logits_of(model, texts), rtol=1e-3, atol=1e-3)
    saved = AutoModelForMaskedLM.from_pretrained(tmp_path)
    assert saved.cls.predictions.decoder.weight is saved.bert.embeddings.word_embeddings.weight


def test_the_prefix_is_put_before_texts_and_not_predicted(embedded_like: ModelRef) -> None:
    known = replace(embedded_like, prefix="тауар: ")
    model = build_masked_model(known, mode="full", seed=0, compute=FP32)
    row, *others = model.token_rows(["тауар жақсы", "", "жақсы"])
    assert len(others) == 1  # of an empty text there is nothing to predict
    before = model.tokenizer(known.prefix.strip())["input_ids"][:-1]
    assert row["input_ids"][: len(before)] == before
    assert row["special_tokens_mask"] == [1] * len(before) + [0] * (len(row["input_ids"]) - len(before) - 1) + [1]
