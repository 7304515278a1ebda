"""Logits must depend on the text alone, and training must find its model as it left it."""

from __future__ import annotations

import copy
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labeler.data.errors import InputError, ModelError
from labeler.models.end_model.inference import classify_vectors, logits_of, vectors_of
from labeler.models.end_model.load import EndModel, load_end_model
from labeler.models.loading.device import Compute

FP32 = Compute("cpu", "float32")
TEXTS = ["бұл тауар өте жақсы, рахмет", "плохо работает!", "", "👍👍", "товар хороший, спасибо " * 40, "нашар"]


@pytest.fixture(scope="module", params=["linear", "bert_lstm", "lstm", "ngram"])
def model(
    request: pytest.FixtureRequest, sentence_bert: Path, trained: Any, tmp_path_factory: pytest.TempPathFactory
) -> EndModel:
    folder = tmp_path_factory.mktemp("model")
    trained(None if request.param in ("lstm", "ngram") else sentence_bert, head=request.param).save(folder)
    return load_end_model(folder, compute=FP32)


@settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(range(len(TEXTS))))
def test_permuting_texts_permutes_logits(model: EndModel, order: list[int]) -> None:
    np.testing.assert_allclose(model.logits([TEXTS[i] for i in order]), model.logits(TEXTS)[order], atol=1e-5)


def test_a_text_does_not_depend_on_its_company(model: EndModel) -> None:
    together = model.logits(TEXTS)
    for text, row in zip(TEXTS, together, strict=True):
        np.testing.assert_allclose(model.logits([text])[0], row, atol=1e-5)


def test_equal_texts_are_computed_once(
    sentence_bert: Path, trained: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained(sentence_bert).save(tmp_path)
    model: Any = load_end_model(tmp_path, compute=FP32)
    seen: list[str] = []
    rows = model.classifier.token_rows

    def watched(texts: list[str]) -> Any:
        seen.extend(texts)
        return rows(texts)

    monkeypatch.setattr(model.classifier, "token_rows", watched)
    done: list[int] = []
    logits = model.logits(["нашар", "👍", "нашар"], progress=done.append)
    assert sorted(seen) == ["нашар", "👍"]
    assert sum(done) == 3
    np.testing.assert_array_equal(logits[0], logits[2])


def test_no_texts_give_no_rows(model: EndModel) -> None:
    assert model.predict_proba([]).shape == (0, 3)


def test_labels_are_the_most_probable_classes(model: EndModel) -> None:
    texts = ["нашар", "жақсы"]
    assert model.predict(texts).tolist() == model.classes_[model.predict_proba(texts).argmax(axis=1)].tolist()
    assert model.classes_.tolist() == list(model.labels.names)
    assert repr(model).startswith("EndModel(head=")


@pytest.mark.parametrize("texts", ["нашар", ["нашар", None], [1]])
def test_texts_are_a_list_of_strings(model: EndModel, texts: Any) -> None:
    with pytest.raises(InputError, match="must be a list of str"):
        model.predict(texts)


@pytest.mark.parametrize("text", ["", " \n\t", "а" * 1_000_000, "тауар " * 170_000, "👍" * 250_000, "\x00\ufeff"])
def test_any_text_has_probabilities_soon(model: EndModel, text: str) -> None:
    start = time.process_time()
    probabilities = model.predict_proba([text, "нашар"])
    assert time.process_time() - start < 1
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)


def test_training_goes_on_where_it_was(sentence_bert: Path, trained: Any) -> None:
    classifier = trained(sentence_bert).train()
    logits_of(classifier, TEXTS, FP32)
    assert classifier.training
    assert classifier.backbone.training
    logits_of(classifier.eval(), TEXTS, FP32)
    assert not classifier.training


def test_mixed_precision_agrees_with_float32(sentence_bert: Path, trained: Any) -> None:
    for options in ({}, {"mode": "lora"}):
        classifier = trained(sentence_bert, **options)
        expected = logits_of(classifier, TEXTS, FP32)
        mixed = logits_of(classifier, TEXTS, Compute("cpu", "bfloat16"))
        np.testing.assert_allclose(mixed, expected, atol=0.15)
        assert (mixed != expected).any()


def test_a_frozen_encoder_is_classified_by_its_vectors(sentence_bert: Path, trained: Any) -> None:
    import torch

    classifier = trained(sentence_bert, head="mlp").train()
    assert not classifier.backbone.training
    vectors = vectors_of(classifier, TEXTS, FP32)
    assert (vectors.shape, vectors.dtype.name) == ((len(TEXTS), 32), "float32")
    logits = classify_vectors(classifier, vectors, FP32)
    assert classifier.training
    np.testing.assert_allclose(logits, logits_of(classifier, TEXTS, FP32), atol=1e-5)
    ids = torch.tensor(classifier.token_rows(TEXTS[:1]))
    assert not classifier.embed(ids, torch.ones_like(ids)).requires_grad


def test_others_have_no_vectors(sentence_bert: Path, kaz_roberta: Path, trained: Any) -> None:
    with pytest.raises(NotImplementedError, match="frozen encoder"):
        vectors_of(trained(kaz_roberta), TEXTS, FP32)


def test_a_checkpoint_restores_what_was_trained(kaz_roberta: Path, trained: Any) -> None:
    for options in ({}, {"mode": "lora"}, {"head": "mlp"}):
        classifier = trained(kaz_roberta, **options)
        expected = logits_of(classifier, TEXTS, FP32)
        state = {name: tensor.clone() for name, tensor in classifier.trainable_state().items()}
        for tensor in classifier.trainable_state().values():
            tensor.zero_()
        assert np.abs(logits_of(classifier, TEXTS, FP32) - expected).max() > 0.1
        classifier.load_trainable_state(state)
        np.testing.assert_array_equal(logits_of(classifier, TEXTS, FP32), expected)


def test_a_copy_is_independent(kaz_roberta: Path, trained: Any) -> None:
    classifier = trained(kaz_roberta, mode="lora")
    twin = copy.deepcopy(classifier)
    expected = logits_of(twin, TEXTS, FP32)
    classifier.shift_bias(np.array([1.0, 0.0, 0.0]))
    np.testing.assert_array_equal(logits_of(twin, TEXTS, FP32), expected)


def test_another_checkpoint_is_refused(kaz_roberta: Path, trained: Any) -> None:
    classifier = trained(kaz_roberta, mode="lora")
    state = classifier.trainable_state()
    name = next(iter(state))
    for wrong in ({}, {**state, "more": state[name]}, {**state, name: state[name][:1]}):
        with pytest.raises(ModelError, match="does not fit the model"):
            classifier.load_trainable_state(wrong)


@pytest.mark.parametrize("options", [{}, {"mode": "lora"}, {"head": "beebert"}])
def test_the_bias_moves_the_logits_and_is_recorded(options: dict[str, Any], kaz_roberta: Path, trained: Any) -> None:
    classifier = trained(kaz_roberta, **options)
    before = logits_of(classifier, TEXTS, FP32)
    classifier.shift_bias(np.array([1.0, 0.0, -2.0]))
    np.testing.assert_allclose(logits_of(classifier, TEXTS, FP32) - before, np.tile([1, 0, -2], (6, 1)), atol=1e-5)
    assert classifier.record.bias_offset == (1.5, 0.0, -2.25)
