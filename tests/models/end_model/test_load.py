"""Folders that are not, or no longer, what they were."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from labeler.data.errors import ModelError
from labeler.data.writing.atomic import atomic_path
from labeler.models.end_model.inference import logits_of
from labeler.models.end_model.load import load_end_model
from labeler.models.end_model.record import Backbone, read_record, write_record
from labeler.models.loading.device import Compute

FP32 = Compute("cpu", "float32")
TEXTS = ["бұл тауар өте жақсы, рахмет", "плохо работает!", "👍👍"]


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.fixture
def base(sentence_bert: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sentence_bert, tmp_path / "base"))


def test_an_adapter_on_another_base_is_refused(base: Path, kaz_roberta: Path, trained: Any, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    classifier = trained(base, mode="lora")
    classifier.save(folder)
    shutil.rmtree(base)
    shutil.copytree(kaz_roberta, base)
    with pytest.raises(ModelError, match="was trained on another") as caught:
        load_end_model(folder)
    assert classifier.record.backbone.digest[:12] in str(caught.value)
    assert "train again" in caught.value.hint


def test_a_missing_base_is_named(base: Path, trained: Any, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    trained(base, mode="lora").save(folder)
    shutil.rmtree(base)
    with pytest.raises(ModelError, match="neither a model folder nor a hub id"):
        load_end_model(folder)


def test_a_base_given_by_a_relative_path_is_found_from_elsewhere(
    base: Path, trained: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    monkeypatch.chdir(tmp_path)
    trained(Path("base"), mode="lora").save(folder)
    monkeypatch.chdir(folder)
    assert load_end_model(folder, compute=FP32).logits(TEXTS).shape == (3, 3)


def test_a_base_on_the_hub_is_found_by_its_commit(
    sentence_bert: Path, trained: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from labeler.models.end_model import load
    from labeler.models.loading.resolve import ModelRef

    trained(sentence_bert, mode="lora").save(tmp_path)
    write_record(tmp_path, replace(read_record(tmp_path), backbone=Backbone("team/tiny", "hub", "old")))
    asked: list[str | None] = []

    def resolve(name: str, *, revision: str | None = None) -> ModelRef:
        asked.append(revision)
        return ModelRef(name, sentence_bert, revision or "new", "hub")

    monkeypatch.setattr(load, "resolve_model", resolve)
    load_end_model(tmp_path, compute=FP32)
    assert asked == [None, "old"]


def test_a_full_model_needs_no_backbone(base: Path, trained: Any, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    trained(base).save(folder)
    shutil.rmtree(base)
    assert load_end_model(folder).logits(TEXTS).shape == (3, 3)


@pytest.mark.parametrize(
    ("options", "file"),
    [
        ({"pooling": "cls"}, "model.safetensors"),
        ({}, "model.safetensors"),
        ({}, "2_Dense/model.safetensors"),
        ({"mode": "lora"}, "adapter_model.safetensors"),
        ({"head": "bert_lstm"}, "2_LSTM/model.safetensors"),
        ({"head": "lstm"}, "model.safetensors"),
        ({"head": "ngram"}, "model.safetensors"),
        ({}, "modules.json"),
        ({}, "config.json"),
        ({}, "tokenizer.json"),
        ({"mode": "lora"}, "adapter_config.json"),
    ],
)
@pytest.mark.parametrize("damage", [_cut, Path.unlink])
def test_a_damaged_file_is_an_error(
    options: dict[str, Any], file: str, damage: Any, sentence_bert: Path, trained: Any, tmp_path: Path
) -> None:
    trained(None if options.get("head") in ("lstm", "ngram") else sentence_bert, **options).save(tmp_path)
    damage(tmp_path / file)
    with pytest.raises(ModelError):
        load_end_model(tmp_path)


def test_pickled_weights_are_not_loaded(sentence_bert: Path, trained: Any, tmp_path: Path) -> None:
    trained(sentence_bert).save(tmp_path)
    (tmp_path / "model.safetensors").rename(tmp_path / "pytorch_model.bin")
    with pytest.raises(ModelError, match="only as pickles"):
        load_end_model(tmp_path)


def test_labels_must_fit_the_logits(sentence_bert: Path, trained: Any, tmp_path: Path) -> None:
    for options in ({}, {"pooling": "cls"}):
        trained(sentence_bert, **options).save(tmp_path)
        record = read_record(tmp_path)
        write_record(tmp_path, replace(record, labels=("a", "b"), bias_offset=(0.0, 0.0)))
        with pytest.raises(ModelError, match=r"3 logits for 2 labels|do not fit"):
            load_end_model(tmp_path)
        shutil.rmtree(tmp_path)
        tmp_path.mkdir()


def test_an_unknown_layer_is_named(sentence_bert: Path, trained: Any, tmp_path: Path) -> None:
    trained(sentence_bert).save(tmp_path)
    modules = json.loads((tmp_path / "modules.json").read_text())
    modules[2]["type"] = "sentence_transformers.models.CNN"
    (tmp_path / "modules.json").write_text(json.dumps(modules))
    with pytest.raises(ModelError, match="no layer of kind 'CNN'"):
        load_end_model(tmp_path)


def test_the_digest_follows_the_weights(sentence_bert: Path, trained: Any, tmp_path: Path) -> None:
    digests = []
    for number in range(2):
        classifier = trained(sentence_bert)
        classifier.shift_bias(np.array([float(number), 0, 0]))
        folder = tmp_path / str(number)
        folder.mkdir()
        classifier.save(folder)
        digests.append(load_end_model(folder, compute=FP32).digest)
    assert digests[0] != digests[1]


def test_loading_leaves_the_random_numbers_alone(kaz_roberta: Path, trained: Any, tmp_path: Path) -> None:
    import torch

    trained(kaz_roberta, head="beebert").save(tmp_path)
    before = torch.get_rng_state()
    load_end_model(tmp_path)
    assert torch.equal(before, torch.get_rng_state())


def test_a_model_that_is_replaced_while_it_is_read_is_read_again(
    trained: Any, sentence_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new, folder = trained(sentence_bert), trained(sentence_bert), tmp_path / "model"
    new.shift_bias(np.array([1.0, 0, 0]))
    expected = logits_of(new, TEXTS, FP32)
    left = [new, old]

    def replace_once(*args: object) -> str:
        if left:
            with atomic_path(folder) as path:
                path.mkdir()
                left.pop().save(path)
        return "digest"

    replace_once()
    monkeypatch.setattr("labeler.models.end_model.load.folder_digest", replace_once)
    model = load_end_model(folder, compute=FP32)
    np.testing.assert_allclose(model.logits(TEXTS), expected, atol=2e-5)
    assert model.record == new.record
    assert not left
