"""What a fresh classifier looks like."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from labeler.data.errors import ConfigError, ModelError
from labeler.models.end_model.build import build_classifier
from labeler.models.end_model.inference import logits_of
from labeler.models.loading.device import Compute
from labeler.models.loading.resolve import resolve_model

FP32 = Compute("cpu", "float32")
LABELS = ("negative", "positive")
TEXTS = ["бұл тауар өте жақсы, рахмет", "плохо работает!", "👍👍"]


def build(folder: Path | None, **options: Any) -> Any:
    ref = resolve_model(str(folder)) if folder else None
    return build_classifier(LABELS, backbone=ref, **{"compute": FP32, "texts": TEXTS if ref is None else (), **options})


@pytest.mark.parametrize("family", ["roberta", "bert", "xlm-roberta", "deberta-v2"])
def test_masked_language_models_lack_nothing_but_the_head(family: str, families: dict[str, Path]) -> None:
    from safetensors.torch import load_file

    classifier = build(families[family])
    stored = load_file(families[family] / "model.safetensors")
    own = dict(classifier.model.named_parameters())
    fresh = {name for name in own if name not in stored}
    assert fresh
    assert {classifier.is_head(f"model.{name}") for name in fresh} == {True}
    for name in set(own) - fresh:
        np.testing.assert_array_equal(own[name].detach(), stored[name], err_msg=name)
    assert {name.split(".")[0] for name in set(stored) - set(own)} <= {"lm_head", "cls", "lm_predictions"}


def test_an_incomplete_backbone_is_an_error(kaz_roberta: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = tmp_path / "incomplete"
    shutil.copytree(kaz_roberta, folder)
    weights = load_file(folder / "model.safetensors")
    weights.pop("roberta.encoder.layer.3.output.dense.weight")
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    for options in ({}, {"head": "beebert"}):
        with pytest.raises(ModelError, match=r"1 are missing .*encoder\.layer\.3\.output\.dense\.weight"):
            build(folder, **options)


def test_the_head_of_another_task_is_not_kept(nli: Path) -> None:
    classifier = build(nli)  # an entailment model with 3 classes
    assert classifier.model.config.id2label == dict(enumerate(LABELS))
    assert classifier.final_layer().weight.shape == (2, 32)
    assert build_classifier(("a", "b", "c"), backbone=resolve_model(str(nli))).final_layer().weight.abs().max() < 0.2


@pytest.mark.parametrize(
    "options", [{}, {"mode": "lora"}, {"head": "beebert"}, {"head": "mlp"}, {"head": "bert_lstm"}, {"head": "lstm"}]
)
def test_the_seed_alone_decides(options: dict[str, Any], sentence_bert: Path) -> None:
    import torch

    folder = None if options.get("head") == "lstm" else sentence_bert
    before = torch.get_rng_state()
    states = [build(folder, seed=seed, **options).trainable_state() for seed in (1, 1, 2)]
    assert torch.equal(before, torch.get_rng_state())
    assert list(states[0]) == list(states[1])
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    assert not all(torch.equal(states[0][name], states[2][name]) for name in states[0])


@pytest.mark.parametrize("options", [{}, {"pooling": "mean"}, {"head": "beebert"}, {"mode": "lora"}])
def test_the_head_starts_small(options: dict[str, Any], kaz_roberta: Path) -> None:
    classifier = build(kaz_roberta, **options)
    layer = classifier.final_layer()
    assert 0 < layer.weight.std() < 0.05
    assert not layer.bias.any()
    assert np.abs(logits_of(classifier, TEXTS, FP32)).max() < 0.5


@pytest.mark.parametrize(
    ("fixture", "options", "pooling", "prefix"),
    [
        ("kaz_roberta", {}, "cls", ""),
        ("sentence_bert", {}, "mean", "query: "),
        ("sentence_bert", {"pooling": "cls"}, "cls", ""),  # a plain pipeline puts no prefix
        ("kaz_roberta", {"pooling": "mean"}, "mean", ""),
        ("sentence_bert", {"head": "beebert"}, "cls", "query: "),
        ("kaz_roberta", {"head": "mlp"}, "mean", ""),
        ("sentence_bert", {"head": "bert_lstm"}, "max", "query: "),
    ],
)
def test_pooling_fits_the_encoder(
    fixture: str, options: dict[str, Any], pooling: str, prefix: str, request: pytest.FixtureRequest
) -> None:
    classifier = build(request.getfixturevalue(fixture), **options)
    assert (classifier.record.pooling, classifier.record.prefix) == (pooling, prefix)


def test_dominant_embeddings_are_frozen_unless_asked_for(kaz_roberta: Path, bert: Path) -> None:
    def trains_words(folder: Path, **options: Any) -> bool:
        classifier = build(folder, **options)
        return bool(classifier.backbone.get_input_embeddings().weight.requires_grad)

    assert not trains_words(kaz_roberta)
    assert not trains_words(kaz_roberta, head="bert_lstm")
    assert trains_words(kaz_roberta, train_embeddings="all")
    assert trains_words(bert)  # 200 of them


@pytest.mark.parametrize("options", [{"pooling": "mean"}, {"head": "beebert"}, {"pooling": "mean", "mode": "lora"}])
def test_an_unused_pooler_is_not_trained(options: dict[str, Any], kaz_roberta: Path) -> None:
    import torch

    classifier = build(kaz_roberta, **options)
    assert not [name for name in classifier.trainable_state() if "pooler" in name]
    ids = torch.tensor(classifier.token_rows(TEXTS[:1]))
    classifier.train()(ids, torch.ones_like(ids)).square().sum().backward()
    assert all(p.grad is not None for p in classifier.encoder_parameters() + classifier.head_parameters())


@pytest.mark.parametrize(
    ("options", "encoder", "head"),
    [
        ({}, True, 4),
        ({"mode": "lora"}, True, 4),
        ({"pooling": "mean"}, True, 2),
        ({"head": "beebert"}, True, 4),
        ({"head": "mlp"}, False, 4),
        ({"head": "bert_lstm"}, True, 10),
        ({"head": "lstm"}, False, 11),
    ],
)
def test_trained_parameters_are_of_the_encoder_or_the_head(
    options: dict[str, Any], encoder: bool, head: int, kaz_roberta: Path
) -> None:
    classifier = build(None if options.get("head") == "lstm" else kaz_roberta, **options)
    first, second = classifier.encoder_parameters(), classifier.head_parameters()
    assert (bool(first), len(second)) == (encoder, head)
    assert sum(p.numel() for p in first + second) == classifier.record.trained_parameters
    assert len(first + second) == len(classifier.trainable_state())
    assert classifier.record.total_parameters == sum(p.numel() for p in classifier.parameters())
    assert classifier.encoder_frozen == (options.get("head") == "mlp")


def test_dropout_is_in_the_head_alone(kaz_roberta: Path) -> None:
    from torch.nn import Dropout

    def rates(part: Any) -> set[float]:
        return {module.p for module in part.modules() if isinstance(module, Dropout)}

    first = build(kaz_roberta, dropout=0.4)
    assert (rates(first.backbone), rates(first.model.classifier)) == ({0.0}, {0.4})
    second = build(kaz_roberta, head="beebert")
    assert (rates(second.backbone), rates(second.head)) == ({0.0}, {0.3})
    assert rates(build(None, head="lstm").head) == {0.1}


def test_lora_trains_less_than_two_percent_of_the_mission_model(kaz_roberta: Path) -> None:
    import torch
    from transformers import AutoModelForSequenceClassification, RobertaConfig

    from labeler.models.end_model.heads.first_token import is_head_weight
    from labeler.models.end_model.lora import LoraOptions, add_adapters

    config = RobertaConfig(vocab_size=52_000, num_hidden_layers=6, max_position_embeddings=514, type_vocab_size=1)
    with torch.device("meta"):  # its real size, without memory
        model = AutoModelForSequenceClassification.from_config(config)
        add_adapters(model, LoraOptions())
    sizes = {name: p.numel() for name, p in model.named_parameters()}
    trained = sum(size for name, size in sizes.items() if "lora_" in name or is_head_weight(model, name))
    assert 0.005 < trained / sum(sizes.values()) < 0.02


def test_inputs_are_no_longer_than_the_backbone_can_take(bert: Path, kaz_roberta: Path) -> None:
    assert build(bert, max_length=500).max_length == 64
    assert build(kaz_roberta, max_length=20).max_length == 20
    assert max(map(len, build(bert).token_rows(["тауар " * 500]))) == 64


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"head": "mlp", "mode": "lora"}, "head 'mlp' trains none"),
        ({"head": "crf"}, "no head 'crf'"),
        ({"mode": "half"}, "mode 'half'"),
        ({"head": "lstm", "texts": TEXTS}, "'lstm' has no backbone"),
        ({"head": "ngram", "mode": "lora"}, "head 'ngram' trains none"),
    ],
)
def test_contradictions_are_refused(options: dict[str, Any], message: str, bert: Path) -> None:
    with pytest.raises(ConfigError, match=message):
        build(bert, **options)


def test_more_contradictions_are_refused(bert: Path) -> None:
    with pytest.raises(ConfigError, match="'linear' needs a backbone"):
        build(None)
    with pytest.raises(ConfigError, match="there are none"):
        build(None, head="lstm", texts=())
    with pytest.raises(ConfigError, match="at least 2 classes"):
        build_classifier(["one"], backbone=resolve_model(str(bert)))


def test_an_unsupported_pooling_must_be_chosen(sentence_bert: Path, tmp_path: Path) -> None:
    folder = tmp_path / "max"
    shutil.copytree(sentence_bert, folder)
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode": "max"}))
    with pytest.raises(ModelError, match="pools tokens by max"):
        build(folder)
    assert build(folder, pooling="mean").record.pooling == "mean"


@pytest.mark.parametrize("options", [{}, {"mode": "lora"}, {"head": "bert_lstm"}])
def test_training_may_start_from_the_same_logits_for_all_texts(sentence_bert: Path, options: dict[str, Any]) -> None:
    classifier = build(sentence_bert, **options)
    classifier.start_from(np.log([0.05, 0.95]))
    np.testing.assert_allclose(logits_of(classifier, TEXTS, FP32), np.log([[0.05, 0.95]] * 3), rtol=1e-5)
    assert classifier.final_layer().weight.requires_grad
