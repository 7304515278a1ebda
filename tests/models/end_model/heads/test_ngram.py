"""The classifier on n-grams: what it computes, and what it makes of odd texts."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labeler.data.text.normalize import normalize
from labeler.models.end_model.build import build_classifier
from labeler.models.end_model.inference import logits_of
from labeler.models.loading.device import Compute
from labeler.models.training.fit.batches import Examples
from labeler.models.training.fit.fitting import fit_classifier
from labeler.models.training.fit.losses import SoftLoss
from labeler.models.training.fit.schedule import Schedule

FP32 = Compute("cpu", "float32")
TRAINING = ["сапа мықты", "Сапа нашар", "сапа мықты екен", "бұл нашар"] * 3


def build(texts: list[str], **options: Any) -> Any:
    return build_classifier(("bad", "good"), backbone=None, head="ngram", texts=texts, compute=FP32, **options)


def test_logits_are_linear_in_tf_idf(trained: Any) -> None:
    classifier = trained(None, head="ngram", texts=TRAINING)
    texts = ["сапа нашар", "бұл мықты", "  САПА\tмықты екен"]  # no n-gram twice: how often one is there does not count
    features = classifier.features.transform(normalize(pl.Series(texts)).to_list())
    weights = classifier.linear.weight.detach().numpy()
    expected = features @ weights[:, 1:].T + classifier.linear.bias.detach().numpy()
    np.testing.assert_allclose(logits_of(classifier, texts, FP32), expected, atol=1e-5)


def test_how_often_an_n_gram_is_there_does_not_count(trained: Any) -> None:
    classifier = trained(None, head="ngram", texts=TRAINING)
    # Both have the pairs of words сапа сапа and сапа нашар, which are not known or known alike.
    first, second = logits_of(classifier, ["сапа сапа нашар", "сапа сапа сапа нашар"], FP32)
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("text", ["", " ", "xyz", "👍"])
def test_a_text_without_known_n_grams_gets_the_biases(text: str, trained: Any) -> None:
    classifier = trained(None, head="ngram", texts=TRAINING)
    np.testing.assert_allclose(logits_of(classifier, [text], FP32)[0], classifier.linear.bias.detach().numpy())


def test_untrained_it_has_no_opinion() -> None:
    assert not logits_of(build(TRAINING), TRAINING, FP32).any()


def test_texts_without_a_common_n_gram_can_be_trained_on() -> None:
    classifier = build(["а", "б"])
    assert classifier.record.trained_parameters == 2 * (1 + 1)
    assert logits_of(classifier, ["а"], FP32).shape == (1, 2)


def test_it_learns_what_a_word_means() -> None:
    classifier = build(TRAINING)
    targets = np.eye(2, dtype=np.float32)[[1, 0, 1, 0] * 3]
    examples = Examples(classifier.token_rows(TRAINING), targets, np.ones(len(targets), np.float32))
    schedule = Schedule(epochs=30, batch_size=4, head_learning_rate=0.1)
    fit_classifier(classifier, examples, schedule=schedule, loss=SoftLoss(), compute=FP32)
    assert logits_of(classifier, ["ол мықты", "ол нашар"], FP32).argmax(axis=1).tolist() == [1, 0]


@settings(max_examples=200, deadline=None)
@given(text=st.text(alphabet=st.sampled_from("абсß ﬃİ\t👍1.A"), max_size=80))
def test_no_text_has_more_n_grams_than_the_longest_input(text: str) -> None:
    classifier = build([text] * 3, max_length=8)
    (row,) = classifier.token_rows([text])
    assert len(row) <= classifier.max_length
    assert sorted(set(row)) == list(row)
    assert row[0] == 0


def test_a_huge_text_is_cut_first() -> None:
    classifier = build([*TRAINING, "а" * 2_000_000, "сапа " * 400_000])
    rows = classifier.token_rows(["а" * 2_000_000, "сапа " * 400_000])
    assert max(map(len, rows)) <= classifier.max_length
    longest = classifier.record.longest_text
    cut = classifier.token_rows(["а" * longest, "сапа " * longest])
    assert [list(row) for row in rows] == [list(row) for row in cut]
