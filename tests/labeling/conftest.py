"""Tiny real models for tests of what voters do with them."""

from __future__ import annotations

from ..models.conftest import nli, roberta

__all__ = ["nli", "roberta"]
