"""Word embeddings of which only the rows of seen tokens are trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from labeler.models.end_model.build import build_classifier
from labeler.models.end_model.load import load_end_model
from labeler.models.end_model.seen_tokens import SeenTokenEmbedding
from labeler.models.loading.resolve import resolve_model

from .conftest import FP32, LABELS, TEXTS


def test_changes_reach_seen_tokens_only_and_merging_keeps_the_outputs() -> None:
    words = torch.nn.Embedding(6, 4)
    before = words.weight.detach().clone()
    embedding = SeenTokenEmbedding(words, torch.tensor([1, 4]))
    ids = torch.arange(6)
    embedding(ids).sum().backward()
    assert embedding.change.grad is not None
    assert embedding.change.grad[0].abs().sum() == 0
    with torch.no_grad():
        embedding.change[1:] += 1
        expected = embedding(ids)
    changed = (expected != before).any(dim=1)
    assert changed.tolist() == [False, True, False, False, True, False]
    assert torch.equal(embedding.merged()(ids), expected)


def test_a_trained_classifier_keeps_its_words_in_a_plain_folder(kaz_roberta: Path, tmp_path: Path) -> None:
    ref = resolve_model(str(kaz_roberta))
    classifier = build_classifier(LABELS, backbone=ref, train_embeddings="seen", texts=TEXTS * 3, compute=FP32)
    names = [name for name in classifier.trainable_state() if name.endswith("word_embeddings.change")]
    assert len(names) == 1
    assert classifier.trainable_state()[names[0]].shape[0] < 100
    for tensor in classifier.trainable_state().values():
        tensor += 0.1
    with torch.inference_mode():
        ids = torch.tensor(classifier.token_rows(TEXTS[:1]))
        expected = classifier.eval()(ids, torch.ones_like(ids)).numpy()
    classifier.save(tmp_path)
    assert np.allclose(load_end_model(tmp_path, compute=FP32).logits(TEXTS[:1]), expected, atol=1e-4)


def test_adapters_and_frozen_encoders_train_no_words(kaz_roberta: Path) -> None:
    ref = resolve_model(str(kaz_roberta))
    choices: tuple[dict[str, Any], ...] = ({"mode": "lora"}, {"head": "mlp"})
    for options in choices:
        classifier = build_classifier(
            LABELS, backbone=ref, train_embeddings="seen", texts=TEXTS * 3, compute=FP32, **options
        )
        assert not any("change" in name for name in classifier.trainable_state())
