"""The classifier on n-grams: what it computes, and what it makes of odd texts."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from subprocess import run
from typing import Any

import numpy as np
import polars as pl
import pytest
from safetensors.numpy import load_file

from labeler.data.errors import ModelError
from labeler.data.text.normalize import normalize
from labeler.models.end_model.heads.ngram import NgramClassifier
from labeler.models.end_model.load import load_end_model
from labeler.models.end_model.record import RECORD
from labeler.models.scoring.logistic import fit_logistic

TRAINING = ["сапа мықты", "Сапа нашар", "сапа мықты екен", "бұл нашар"] * 3


def fitted(texts: list[str] = TRAINING, max_length: int = 128) -> NgramClassifier:
    """Fit a classifier; good and bad texts take turns."""
    targets = np.eye(2)[1 - np.arange(len(texts)) % 2]
    solve = partial(fit_logistic, targets=targets, weights=np.ones(len(texts)), penalty=0.5)
    return NgramClassifier.fit(("bad", "good"), texts, solve, max_length=max_length)[0]


def test_it_learns_what_a_word_means() -> None:
    assert fitted().logits(["ол мықты", "ол нашар"]).argmax(axis=1).tolist() == [1, 0]


def test_logits_are_linear_in_tf_idf() -> None:
    classifier = fitted()
    texts = ["сапа нашар", "бұл мықты", "  САПА\tмықты екен екен"]
    features = classifier.features.transform(normalize(pl.Series(texts)).to_list())
    expected = features @ classifier.parameters[:-1] + classifier.parameters[-1]
    np.testing.assert_allclose(classifier.logits(texts), expected, atol=1e-5)


@pytest.mark.parametrize("text", ["", " ", "xyz", "👍"])
def test_a_text_without_known_n_grams_gets_the_intercepts(text: str) -> None:
    classifier = fitted()
    np.testing.assert_allclose(classifier.logits([text])[0], classifier.parameters[-1])


def test_texts_without_a_common_n_gram_can_be_trained_on() -> None:
    classifier = fitted(["а", "б"])
    assert classifier.record.trained_parameters == 2
    assert classifier.logits(["а"]).shape == (1, 2)


def test_texts_are_classified_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    classifier = fitted()
    done: list[int] = []
    whole = classifier.logits(TRAINING)
    monkeypatch.setattr("labeler.models.end_model.heads.ngram._CHUNK", 5)
    np.testing.assert_array_equal(classifier.logits(TRAINING, progress=done.append), whole)
    assert done == [5, 5, 2]


def test_a_huge_text_is_cut_first() -> None:
    classifier = fitted([*TRAINING, "а" * 2_000_000, "сапа " * 400_000], max_length=8)
    longest = classifier.record.longest_text
    cut = classifier.logits(["а" * longest, "сапа " * longest])
    np.testing.assert_array_equal(classifier.logits(["а" * 2_000_000, "сапа " * 400_000]), cut)


def test_the_threshold_is_in_the_intercepts_and_recorded() -> None:
    classifier = fitted()
    before = classifier.logits(TRAINING)
    classifier.shift_bias(np.array([1.0, -2.0]))
    np.testing.assert_allclose(classifier.logits(TRAINING) - before, [[1, -2]] * 12, atol=1e-5)
    assert classifier.record.bias_offset == (1.0, -2.0)


def test_its_file_holds_a_linear_layer_as_in_earlier_versions(tmp_path: Path) -> None:
    classifier = fitted()
    classifier.save(tmp_path)
    tensors = load_file(tmp_path / "model.safetensors")
    d = len(tensors["characters"]) + len(tensors["words"])
    assert {name: tensor.shape for name, tensor in tensors.items() if name not in ("characters", "words")} == {
        "idf": (d + 1,), "linear.weight": (2, d + 1), "linear.bias": (2,)
    }  # fmt: skip


def test_a_file_of_another_model_is_refused(tmp_path: Path) -> None:
    fitted().save(tmp_path)
    record = (tmp_path / RECORD).read_text().replace('"good"', '"good","fair"').replace("[0.0,0.0]", "[0.0,0.0,0.0]")
    (tmp_path / RECORD).write_text(record)
    with pytest.raises(ModelError):
        load_end_model(tmp_path)


def test_it_needs_no_torch(tmp_path: Path) -> None:
    fitted().save(tmp_path)
    program = (
        "import sys; from labeler import EndModel; print(EndModel.load(sys.argv[1]).predict(['ол мықты'])[0]);"
        "print('torch' in sys.modules, 'transformers' in sys.modules)"
    )
    done: Any = run([sys.executable, "-c", program, tmp_path], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["good", "False", "False"]
