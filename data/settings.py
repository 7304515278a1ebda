"""What all sections of ``labeler.toml`` share."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A section of ``labeler.toml``: immutable, and unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)
