"""Reviews to adapt to, and tiny models that stand for those that are adapted."""

from __future__ import annotations

from pathlib import Path

import pytest

from labeler.models.adapting import adapt as pipeline
from labeler.models.loading.device import Compute
from labeler.models.loading.resolve import ModelRef, resolve_model

from ..end_model.conftest import families, kaz_roberta, sentence_bert

__all__ = ["families", "kaz_roberta", "sentence_bert"]

FP32 = Compute("cpu", "float32")
MARKER = "құпиясөз"
"""In every review: it must be in no file of an adapted model."""


def reviews(n: int = 64) -> list[str]:
    """Return n different texts of a few words in regular order: something to learn."""
    things, ends = ("бұл тауар", "товар", "жұмыс", "плохо работает"), ("өте жақсы, рахмет", "нашар, алмаңыз", "спасибо")
    return [f"{things[i % 4]} {ends[i % 3]} {MARKER} {i}" for i in range(n)]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A file of 64 reviews."""
    path = tmp_path / "reviews.csv"
    path.write_text("пікір\n" + "\n".join(f'"{text}"' for text in reviews()) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def embedded_like(sentence_bert: Path) -> ModelRef:
    """A sentence encoder without a masked-language-model head that passes for `embedded`."""
    return ModelRef("embedded", sentence_bert, "0" * 40, "embedded", "query: ")


@pytest.fixture
def as_embedded(embedded_like: ModelRef, monkeypatch: pytest.MonkeyPatch) -> ModelRef:
    """Let ``--backbone embedded`` find it."""
    found = {"embedded": embedded_like}
    monkeypatch.setattr(pipeline, "resolve_model", lambda name: found.get(name) or resolve_model(name))
    return embedded_like
