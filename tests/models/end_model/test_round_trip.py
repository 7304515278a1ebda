"""Every kind of end model survives saving, in labeler and in the libraries that need not know labeler."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from labeler.models.end_model.card import model_card
from labeler.models.end_model.inference import logits_of
from labeler.models.end_model.load import EndModel, load_end_model
from labeler.models.end_model.record import EndModelRecord
from labeler.models.loading.device import Compute

FP32, BF16 = Compute("cpu", "float32"), Compute("cpu", "bfloat16")
TEXTS = ["бұл тауар өте жақсы, рахмет", "плохо работает!", "", "👍👍", "товар хороший, спасибо " * 40, "нашар", "нашар"]
KINDS: dict[str, tuple[str | None, dict[str, str]]] = {
    "linear-cls": ("kaz_roberta", {}),
    "linear-cls-lora": ("kaz_roberta", {"mode": "lora"}),
    "linear-mean": ("sentence_bert", {}),
    "linear-mean-lora": ("sentence_bert", {"mode": "lora"}),
    "linear-forced-cls": ("sentence_bert", {"pooling": "cls"}),
    "beebert": ("kaz_roberta", {"head": "beebert"}),
    "beebert-lora": ("kaz_roberta", {"head": "beebert", "mode": "lora"}),
    "mlp": ("sentence_bert", {"head": "mlp"}),
    "frozen": ("sentence_bert", {"mode": "frozen"}),
    "lstm": (None, {"head": "lstm"}),
    "bert_lstm": ("sentence_bert", {"head": "bert_lstm"}),
    "bert_lstm-lora": ("sentence_bert", {"head": "bert_lstm", "mode": "lora"}),
    "ngram": (None, {"head": "ngram"}),
}


@dataclass(frozen=True)
class Saved:
    """A trained classifier, its logits before it was saved, and its folder."""

    classifier: Any
    logits: Any
    folder: Path


@pytest.fixture(scope="module", params=list(KINDS.values()), ids=list(KINDS))
def saved(request: pytest.FixtureRequest, trained: Any, tmp_path_factory: pytest.TempPathFactory) -> Saved:
    fixture, options = request.param
    classifier = trained(request.getfixturevalue(fixture) if fixture else None, **options)
    logits = EndModel(classifier, "", FP32).logits(TEXTS)
    folder = tmp_path_factory.mktemp("saved")
    classifier.save(folder)
    return Saved(classifier, logits, folder)


def test_a_saved_model_gives_the_same_probabilities(saved: Saved) -> None:
    assert saved.logits.std(axis=0).min() > 0.01  # the texts are told apart
    model = load_end_model(saved.folder, compute=FP32)
    np.testing.assert_allclose(model.logits(TEXTS), saved.logits, atol=2e-5)
    probabilities = model.predict_proba(TEXTS)
    assert (probabilities.shape, probabilities.dtype.name) == ((len(TEXTS), 3), "float32")
    powers = np.exp(saved.logits)
    np.testing.assert_allclose(probabilities, powers / powers.sum(axis=1, keepdims=True), atol=2e-5)
    assert model.labels.names == saved.classifier.labels
    assert model.record == saved.classifier.record
    narrow = load_end_model(saved.folder, compute=BF16)
    np.testing.assert_allclose(narrow.predict_proba(TEXTS), probabilities, atol=0.05)
    assert narrow.digest == model.digest


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")  # peft's own call
def test_the_code_in_the_card_gives_the_same_labels(saved: Saved) -> None:
    record = saved.classifier.record
    assert labels_by_card(record, saved.folder) == [record.labels[i] for i in saved.logits.argmax(axis=1)]


def test_files_are_plain_and_the_tokenizer_does_not_cut_by_itself(saved: Saved) -> None:
    kinds = {path.suffix for path in saved.folder.rglob("*") if path.is_file()}
    assert kinds == {".json", ".safetensors"}
    assert len({path.stat().st_mode for path in saved.folder.rglob("*") if path.is_file()}) == 1  # who may read it
    if saved.classifier.record.head == "ngram":
        return
    tokenizer = json.loads((saved.folder / "tokenizer.json").read_text(encoding="utf-8"))
    assert tokenizer["truncation"] is None
    assert tokenizer["padding"] is None


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")
@pytest.mark.parametrize("family", ["bert", "xlm-roberta", "deberta-v2"])
@pytest.mark.parametrize("mode", ["full", "lora"])
def test_families_keep_their_own_heads(
    family: str, mode: str, families: dict[str, Path], trained: Any, tmp_path: Path
) -> None:
    classifier = trained(families[family], mode=mode)
    logits = logits_of(classifier, TEXTS, FP32)
    classifier.save(tmp_path)
    model = load_end_model(tmp_path, compute=FP32)
    np.testing.assert_allclose(model.logits(TEXTS), logits, atol=5e-5)
    narrow = load_end_model(tmp_path, compute=BF16).predict_proba(TEXTS)
    np.testing.assert_allclose(narrow, model.predict_proba(TEXTS), atol=0.1)
    assert labels_by_card(classifier.record, tmp_path) == [classifier.labels[i] for i in logits.argmax(axis=1)]


def test_sentence_transformers_gives_the_logits_themselves(sentence_bert: Path, trained: Any, tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer

    classifier = trained(sentence_bert)
    classifier.save(tmp_path)
    found = SentenceTransformer(str(tmp_path), device="cpu", local_files_only=True).encode(TEXTS)
    np.testing.assert_allclose(found, logits_of(classifier, TEXTS, FP32), atol=2e-5)


def test_a_saved_model_can_be_trained_on(kaz_roberta: Path, trained: Any, tmp_path: Path) -> None:
    from transformers import AutoConfig

    trained(kaz_roberta).save(tmp_path)
    config = AutoConfig.from_pretrained(tmp_path)
    assert config.hidden_dropout_prob == 0.1  # as the backbone had it, although it was trained without
    assert config.problem_type == "single_label_classification"


def labels_by_card(record: EndModelRecord, folder: Path) -> Any:
    """Run the code that the model's card shows."""
    card = model_card(record, title="t", data="d", settings={}, metrics={})
    code = re.search(r"```python\nfolder, texts = .*?\n(.+?)```", card, re.DOTALL)
    assert code
    assert ("labeler" in code[1]) == (record.head in ("bert_lstm", "ngram"))
    scope: dict[str, Any] = {"folder": str(folder), "texts": TEXTS}
    exec(code[1], scope)
    return scope["labels"]
