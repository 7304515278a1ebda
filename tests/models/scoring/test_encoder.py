"""Sentence vectors: what they must equal, and what they must not depend on."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labeler.data.errors import ModelError
from labeler.models.loading.device import Compute, choose_compute
from labeler.models.loading.resolve import resolve_model
from labeler.models.scoring.embedding_cache import load_encoder
from labeler.models.scoring.encoder import SentenceEncoder, unique_texts

FP32 = Compute("cpu", "float32")
TEXTS = ["бұл тауар өте жақсы", "нашар", "", "товар хороший, спасибо " * 40, "нашар", "жаман!"]


@pytest.fixture(scope="module")
def encoder(bert: Path) -> SentenceEncoder:
    return SentenceEncoder(resolve_model(str(bert)), compute=FP32)


def test_vectors_equal_a_plain_forward_pass(bert: Path, encoder: SentenceEncoder) -> None:
    import torch
    from transformers import AutoModel, AutoTokenizer

    model, tokenizer = AutoModel.from_pretrained(bert), AutoTokenizer.from_pretrained(bert)
    vectors = encoder.encode(TEXTS)
    for text, vector in zip(TEXTS, vectors, strict=True):
        inputs = tokenizer(text, return_tensors="pt", truncation=True, max_length=64)
        with torch.inference_mode():
            mean = model(**inputs).last_hidden_state.mean(dim=1)[0].numpy()
        np.testing.assert_allclose(vector, mean / np.linalg.norm(mean), atol=2e-5)


def test_vectors_are_normalised_float32(encoder: SentenceEncoder) -> None:
    vectors = encoder.encode(TEXTS)
    assert (vectors.shape, vectors.dtype.name) == ((len(TEXTS), 32), "float32")
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(range(len(TEXTS))))
def test_permuting_texts_permutes_vectors(encoder: SentenceEncoder, order: list[int]) -> None:
    np.testing.assert_allclose(encoder.encode([TEXTS[i] for i in order]), encoder.encode(TEXTS)[order], atol=1e-5)


def test_a_text_does_not_depend_on_its_company(encoder: SentenceEncoder) -> None:
    together = encoder.encode(TEXTS)
    for text, vector in zip(TEXTS, together, strict=True):
        np.testing.assert_allclose(encoder.encode([text])[0], vector, atol=2e-6)


def test_bfloat16_agrees_with_float32(bert: Path, encoder: SentenceEncoder) -> None:
    narrow = SentenceEncoder(resolve_model(str(bert)), compute=Compute("cpu", "bfloat16")).encode(TEXTS)
    assert np.sum(narrow * encoder.encode(TEXTS), axis=1).min() > 0.999


def test_progress_counts_every_text(encoder: SentenceEncoder) -> None:
    done: list[int] = []
    encoder.encode(TEXTS, progress=done.append)
    assert sum(done) == len(TEXTS)


def test_no_texts_give_no_rows(encoder: SentenceEncoder) -> None:
    assert encoder.encode([]).shape == (0, 32)


def test_the_folder_decides_pooling_and_prefix(bert: Path, tmp_path: Path) -> None:
    folder = _with_modules(bert, tmp_path / "cls", {"pooling_mode": "cls"})
    ref = resolve_model(str(folder))
    assert ref.prefix == "query: "
    from sentence_transformers import SentenceTransformer

    expected = SentenceTransformer(str(folder), device="cpu").encode(TEXTS)
    np.testing.assert_allclose(SentenceEncoder(ref, compute=FP32).encode(TEXTS), expected, atol=2e-5)


@pytest.mark.parametrize(
    ("name", "prompts", "expected"),
    [
        ("some", {}, ("", "")),
        ("some", {"query": "q: "}, ("q: ", "q: ")),
        ("some", {"query": "q: ", "document": "d: "}, ("q: ", "d: ")),
        ("multilingual-e5-base", {}, ("query: ", "passage: ")),
        ("multilingual-e5-large-instruct", {}, ("", "")),
    ],
)
def test_what_texts_are_compared_with_has_a_prefix_of_its_own(
    bert: Path, tmp_path: Path, name: str, prompts: dict[str, str], expected: tuple[str, str]
) -> None:
    shutil.copytree(bert, tmp_path / name)
    settings = {"prompts": prompts, "default_prompt_name": "query"}
    (tmp_path / name / "config_sentence_transformers.json").write_text(json.dumps(settings))
    ref = resolve_model(str(tmp_path / name))
    assert (ref.prefix, ref.passage_prefix) == expected
    assert ref.for_passages.prefix == expected[1]


def test_an_unsupported_pooling_is_named(bert: Path, tmp_path: Path) -> None:
    folder = _with_modules(bert, tmp_path / "max", {"pooling_mode_max_tokens": True})
    with pytest.raises(ModelError, match="pools tokens by max"):
        load_encoder(resolve_model(str(folder))).encode(["а"])


def test_a_damaged_folder_is_an_error(bert: Path, tmp_path: Path) -> None:
    folder = tmp_path / "damaged"
    shutil.copytree(bert, folder)
    (folder / "model.safetensors").write_bytes((bert / "model.safetensors").read_bytes()[:5000])
    with pytest.raises(ModelError, match="cannot be loaded"):
        load_encoder(resolve_model(str(folder))).encode(["а"])


def test_bf16_is_chosen_only_where_the_cpu_reports_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labeler.models.loading.device.may_have_gpu", lambda: False)
    for flags, dtype in (({"avx2"}, "float32"), ({"avx2", "amx_bf16"}, "bfloat16"), (set(), "float32")):
        monkeypatch.setattr("labeler.models.loading.device._cpu_flags", lambda flags=flags: flags)
        chosen: Compute = choose_compute.__wrapped__()
        assert (chosen.device, chosen.dtype) == ("cpu", dtype)


@given(st.lists(st.text(max_size=3), max_size=30))
def test_unique_texts_scatter_back(texts: list[str]) -> None:
    unique, inverse = unique_texts(texts)
    assert [unique[i] for i in inverse] == texts
    assert len(set(unique)) == len(unique)


def test_importing_models_loads_no_heavy_library() -> None:
    code = "import sys, labeler.models; assert not {'torch', 'transformers', 'huggingface_hub'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def _with_modules(bert: Path, folder: Path, pooling: dict[str, Any]) -> Path:
    shutil.copytree(bert, folder)
    (folder / "1_Pooling").mkdir()
    kinds = (("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize"))
    modules = [
        {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for i, (path, kind) in enumerate(kinds)
    ]
    prompts = {"prompts": {"query": "query: "}, "default_prompt_name": "query"}
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({"word_embedding_dimension": 32, **pooling}))
    (folder / "config_sentence_transformers.json").write_text(json.dumps(prompts))
    return folder
