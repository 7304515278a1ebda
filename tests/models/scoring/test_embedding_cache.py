"""The embedding cache: same vectors cold and warm, whatever happens to its files."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeler.models.loading.resolve import resolve_model
from labeler.models.scoring import embedding_cache
from labeler.models.scoring.embedding_cache import CachedEncoder, EmbeddingStore, load_encoder, not_storing, text_keys
from labeler.models.scoring.encoder import SentenceEncoder

TEXTS = ["жақсы", "нашар", "жақсы", "товар хороший", ""]


@pytest.fixture
def encoder(bert: Path) -> CachedEncoder:
    encoder = load_encoder(resolve_model(str(bert)))
    assert isinstance(encoder, CachedEncoder)
    return encoder


@given(st.lists(st.text(max_size=5), unique=True, max_size=40), st.data())
def test_what_is_stored_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], data: st.DataObject
) -> None:
    store = EmbeddingStore(tmp_path_factory.mktemp("store"))
    keys = text_keys(texts)
    stored = np.array(data.draw(st.lists(st.booleans(), min_size=len(texts), max_size=len(texts))), dtype=bool)
    vectors = np.random.default_rng(0).normal(size=(len(texts), 4)).astype(np.float16)
    for part in (np.flatnonzero(stored)[::2], np.flatnonzero(stored)[1::2]):
        store.append(keys[part], vectors[part])
    read, found = store.read(keys, 4)
    np.testing.assert_array_equal(found, stored)
    np.testing.assert_array_equal(read[found], vectors[stored])


def test_a_shard_without_a_wanted_text_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else each chunk of a large corpus would read the vectors of all others."""
    store = EmbeddingStore(tmp_path)
    for text in ("жақсы", "нашар", "орташа"):
        store.append(text_keys([text]), np.full((1, 4), len(text), np.float16))
    read: list[Path] = []

    def reading(path: Path, width: int) -> list[Any]:
        read.append(path)
        return []

    monkeypatch.setattr(embedding_cache, "_read_shard", reading)
    store.read(text_keys(["нашар", "жаңа"]), 4)
    assert read == sorted(tmp_path.glob("*.safetensors"))[1:2]


def test_cold_and_warm_agree_and_warm_computes_nothing(encoder: CachedEncoder, monkeypatch: pytest.MonkeyPatch) -> None:
    cold = encoder.encode(TEXTS)
    monkeypatch.setattr(SentenceEncoder, "batches", None)
    done: list[int] = []
    warm = encoder.encode(TEXTS[::-1], progress=done.append)
    np.testing.assert_array_equal(warm, cold[::-1])
    assert sum(done) == len(TEXTS)


def test_vectors_are_those_of_the_plain_encoder(encoder: CachedEncoder, bert: Path) -> None:
    plain = SentenceEncoder(resolve_model(str(bert))).encode(TEXTS)
    np.testing.assert_array_equal(encoder.encode(TEXTS), plain.astype(np.float16).astype(np.float32))


def test_only_new_texts_are_computed(encoder: CachedEncoder, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder.encode(TEXTS)
    asked: list[str] = []
    batches = SentenceEncoder.batches

    def listening(self: SentenceEncoder, texts: Sequence[str]) -> Any:
        asked.extend(texts)
        return batches(self, texts)

    monkeypatch.setattr(SentenceEncoder, "batches", listening)
    encoder.encode([*TEXTS, "жаңа"])
    assert asked == ["жаңа"]


def test_what_is_not_to_be_stored_is_computed_and_read_alone(encoder: CachedEncoder) -> None:
    cold = encoder.encode(TEXTS)
    with not_storing():
        np.testing.assert_array_equal(encoder.encode(TEXTS), cold)
        encoder.encode(["жаңа"])
    assert len(list(encoder.store.folder.glob("*.safetensors"))) == 1
    encoder.encode(["жаңа"])
    assert len(list(encoder.store.folder.glob("*.safetensors"))) == 2


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "junk"])
def test_a_damaged_shard_is_ignored_and_recomputed(encoder: CachedEncoder, damage: str) -> None:
    cold = encoder.encode(TEXTS)
    (shard,) = encoder.store.folder.glob("*.safetensors")
    content = bytearray(shard.read_bytes())
    content[-1] ^= 0xFF
    shard.write_bytes({"cut": bytes(content[:-9]), "flip": bytes(content), "empty": b"", "junk": b"x" * 99}[damage])
    np.testing.assert_array_equal(encoder.encode(TEXTS), cold)


def test_a_cache_that_cannot_be_written_costs_only_time(
    encoder: CachedEncoder, own_cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    own_cache.parent.mkdir(exist_ok=True)
    own_cache.write_text("a file where the folder should be")
    assert encoder.encode(TEXTS).shape == (5, 32)
    assert "not cached" in caplog.text


def test_interrupting_keeps_what_is_done(encoder: CachedEncoder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoder.encoder, "budget", 8)

    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        encoder.encode(TEXTS, progress=interrupt)
    _, found = encoder.store.read(text_keys(TEXTS), 32)
    assert 1 <= found.sum() < len(TEXTS)


def test_a_killed_run_loses_little(bert: Path, own_cache: Path) -> None:
    code = (
        "import sys, time, labeler.models.loading.resolve as m, labeler.models.scoring.embedding_cache as c\n"
        "c._FLUSH_SECONDS = 0.0\n"
        "e = c.load_encoder(m.resolve_model(sys.argv[1])); e.encoder.budget = 8\n"
        "e.encode([f'сөз {i}' for i in range(400)], progress=lambda n: time.sleep(0.02))"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(bert)], env=os.environ)
    deadline = time.monotonic() + 60
    while len(list(own_cache.rglob("*.safetensors"))) < 3 and time.monotonic() < deadline:
        time.sleep(0.05)
    process.kill()
    process.wait()
    encoder = load_encoder(resolve_model(str(bert)))
    assert isinstance(encoder, CachedEncoder)
    _, found = encoder.store.read(text_keys([f"сөз {i}" for i in range(400)]), 32)
    assert found.sum() >= 3
