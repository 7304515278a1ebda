"""Nearness of reviews to sentences, with encoders made by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from labeler.data.errors import ConfigError
from labeler.data.types.label_space import LabelSpace
from labeler.labeling.text.similarity import class_similarity, sentences_of
from labeler.models.loading.resolve import ModelRef

LABELS = LabelSpace(("east", "north"))
MODEL = ModelRef("compass", Path("none"), "0", "folder")
POINTS = {"e": (3, 1), "ee": (4, 1), "n": (1, 3), "far east": (9, 1), "": (0, 0), "mean": (2, 2)}


class Compass:
    """Embeds words as points of the plane; `shift` moves all of them, as narrow cones do."""

    def __init__(self, shift: float) -> None:
        self.shift = shift

    def encode(
        self, texts: Sequence[str], *, progress: Callable[[int], None] = lambda steps: None
    ) -> npt.NDArray[np.float32]:
        """Return an array of shape (n, 2)."""
        return np.array([POINTS[text] for text in texts], dtype=np.float32).reshape(-1, 2) + self.shift


def similarity(
    monkeypatch: pytest.MonkeyPatch, texts: list[str], *, nearest: int = 0, shift: float = 0.0
) -> npt.NDArray[np.float64]:
    monkeypatch.setattr("labeler.labeling.text.similarity.load_encoder", lambda ref: Compass(shift))
    sentences = {"north": ("n",), "east": ("e", "far east")}
    return class_similarity(texts, MODEL, LABELS, sentences, nearest=nearest, what="prototypes")


def test_columns_follow_the_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    found = similarity(monkeypatch, ["far east", "n"])
    assert found.shape == (2, 2)
    assert found.argmax(axis=1).tolist() == [0, 1]


def test_scores_are_cosines(monkeypatch: pytest.MonkeyPatch) -> None:
    found = similarity(monkeypatch, ["n", ""])
    assert found[0, 1] == pytest.approx(1)
    assert np.abs(found).max() <= 1 + 1e-6


def test_what_all_vectors_share_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = similarity(monkeypatch, ["e", "n", ""])
    assert similarity(monkeypatch, ["e", "n", ""], shift=100.0) == pytest.approx(plain, abs=1e-4)


def test_a_row_does_not_depend_on_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    assert similarity(monkeypatch, ["ee", "n", "e"])[0] == pytest.approx(similarity(monkeypatch, ["ee"])[0])


def test_only_the_nearest_sentences_count(monkeypatch: pytest.MonkeyPatch) -> None:
    one = similarity(monkeypatch, ["far east"], nearest=1)[0, 0]
    assert one == pytest.approx(1)
    assert one > similarity(monkeypatch, ["far east"], nearest=0)[0, 0]


def test_more_nearest_than_sentences_means_all(monkeypatch: pytest.MonkeyPatch) -> None:
    assert similarity(monkeypatch, ["e"], nearest=9) == pytest.approx(similarity(monkeypatch, ["e"]))


def test_sentences_come_in_class_order() -> None:
    assert sentences_of(LABELS, {"north": ("n",), "east": ("e", "ee")}, "prototypes") == [("e", "ee"), ("n",)]


@pytest.mark.parametrize("sentences", [{"east": ("e",)}, {"east": ("e",), "north": ()}])
def test_a_class_without_sentences_is_an_error(sentences: dict[str, tuple[str, ...]]) -> None:
    with pytest.raises(ConfigError, match="Class 'north' has no hypotheses"):
        sentences_of(LABELS, sentences, "hypotheses")
