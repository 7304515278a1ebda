"""A sentence encoder that needs no model: letters counted, one dimension each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from labeler.models.resolve import ModelRef


class LetterEncoder:
    """Embeds a text as the counts of the letters a, b, c and of everything else, plus a constant."""

    def encode(
        self, texts: Sequence[str], *, progress: Callable[[int], None] = lambda steps: None
    ) -> npt.NDArray[np.float32]:
        """Return an array of shape (n, 5)."""
        progress(len(texts))
        rows = [[*(text.count(letter) for letter in "abc"), sum(c not in "abc" for c in text), 1.0] for text in texts]
        return np.array(rows, dtype=np.float32).reshape(-1, 5)


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> ModelRef:
    """Return a model whose encoder is a `LetterEncoder`; nothing is loaded."""
    monkeypatch.setattr("labeler.labeling.similarity.load_encoder", lambda ref: LetterEncoder())
    monkeypatch.setattr("labeler.labeling.voters.zero_shot.zero_shot_engine", lambda ref: "similarity")
    return ModelRef("letters", Path("none"), "0" * 64, "folder")
