"""Models for tests of what voters do with them: tiny real ones, and one that only counts."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from ..models.conftest import nli, roberta

__all__ = ["nli", "roberta"]


class Lengths:
    """Embeds a text as its length and its number of words."""

    def encode(self, texts: list[str], *, progress: Callable[[int], None] = lambda n: None) -> npt.NDArray[np.float32]:
        """Return an array of shape (n, 2)."""
        return np.array([[len(text), len(text.split())] for text in texts], dtype=np.float32)
