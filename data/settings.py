"""The ``[data]`` section, and what all sections share."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Section(BaseModel):
    """A section of ``labeler.toml``: immutable, and unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class DataSection(Section):
    """Which columns of the input to read."""

    text_column: str | None = Field(default=None, description="Column with the reviews; guessed when not set.")
    id_column: str | None = Field(default=None, description="Column with unique ids; guessed, or made from the text.")
