"""Backbones of several families with random weights, and end models that look trained."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from labeler.models.end_model.build import build_classifier
from labeler.models.end_model.heads.ngram import NgramClassifier
from labeler.models.end_model.lora import LoraOptions
from labeler.models.loading.device import Compute
from labeler.models.loading.resolve import resolve_model

FP32 = Compute("cpu", "float32")
LABELS = ("negative", "positive", "бейтарап")
TEXTS = ["бұл тауар өте жақсы, рахмет", "плохо работает!", "", "👍👍", "товар хороший, спасибо " * 40, "нашар", "нашар"]

Build = Callable[..., Any]


@pytest.fixture(scope="session")
def kaz_roberta(roberta: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The mission model's class and shape but for its width: a masked language model with 52,000 tokens, 6 layers."""
    from transformers import RobertaConfig, RobertaForMaskedLM

    config = RobertaConfig(
        vocab_size=52_000, num_hidden_layers=6, hidden_size=32, num_attention_heads=2, intermediate_size=64,
        max_position_embeddings=514, type_vocab_size=1, pad_token_id=1, initializer_range=0.3,
    )  # fmt: skip
    return backbone(tmp_path_factory.mktemp("models") / "kaz-roberta", RobertaForMaskedLM, config, roberta)


@pytest.fixture(scope="session")
def sentence_bert(bert: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sentence encoder: mean pooling and a prefix, as `embedded` has."""
    folder = tmp_path_factory.mktemp("models") / "sentence-bert"
    shutil.copytree(bert, folder)
    (folder / "1_Pooling").mkdir()
    modules = [
        {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for i, (path, kind) in enumerate((("", "Transformer"), ("1_Pooling", "Pooling")))
    ]
    prompts = {"prompts": {"query": "query: "}, "default_prompt_name": "query"}
    pooling = {"word_embedding_dimension": 32, "pooling_mode_mean_tokens": True}
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(pooling))
    (folder / "config_sentence_transformers.json").write_text(json.dumps(prompts))
    return folder


@pytest.fixture(scope="session")
def families(bert: Path, kaz_roberta: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Masked language models of four families."""
    from transformers import (
        BertConfig,
        BertForMaskedLM,
        DebertaV2Config,
        DebertaV2ForMaskedLM,
        XLMRobertaConfig,
        XLMRobertaForMaskedLM,
    )

    root = tmp_path_factory.mktemp("families")
    size = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64,
            "vocab_size": 400, "pad_token_id": 1, "initializer_range": 0.3, "max_position_embeddings": 130}  # fmt: skip
    relative = {"relative_attention": True, "pos_att_type": ["p2c", "c2p"], "position_biased_input": False}
    return {
        "roberta": kaz_roberta,
        "bert": backbone(root / "bert", BertForMaskedLM, BertConfig(**size), bert),
        "xlm-roberta": backbone(root / "xlmr", XLMRobertaForMaskedLM, XLMRobertaConfig(**size), bert),
        "deberta-v2": backbone(root / "deberta", DebertaV2ForMaskedLM, DebertaV2Config(**size, **relative), bert),
    }


@pytest.fixture(scope="session")
def trained() -> Build:
    """Build an end model and move its weights as training would."""

    def build(folder: Path | None, **options: Any) -> Any:
        import torch

        if options.get("head") == "ngram":
            return ngram_classifier()
        ref = resolve_model(str(folder)) if folder else None
        lora = LoraOptions(rank=8, alpha=16, dropout=0.05)
        options = {"compute": FP32, "lora": lora, "texts": TEXTS * 3 if ref is None else (), **options}
        classifier = build_classifier(LABELS, backbone=ref, **options)
        generator = torch.Generator().manual_seed(1)
        for tensor in classifier.trainable_state().values():
            tensor += 0.2 * torch.randn(tensor.shape, generator=generator)
        classifier.shift_bias(np.array([0.5, 0, -0.25]))
        return classifier

    return build


def ngram_classifier() -> NgramClassifier:
    """Build a classifier on n-grams with random weights."""

    def random(rows: Any) -> Any:
        return 0.2 * np.random.default_rng(1).normal(size=(rows.shape[1] + 1, len(LABELS))).astype(np.float32)

    classifier, _ = NgramClassifier.fit(LABELS, TEXTS * 3, random, max_length=128)
    classifier.shift_bias(np.array([0.5, 0, -0.25]))
    return classifier


def backbone(folder: Path, kind: Any, config: Any, tokenizer: Path) -> Path:
    """Save a random model of a class beside another folder's tokenizer."""
    import torch

    with torch.random.fork_rng():
        torch.manual_seed(0)
        kind(config).eval().save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(tokenizer / name, folder / name)
    return folder
