"""The ``[report]`` section of ``labeler.toml``."""

from __future__ import annotations

from pydantic import Field

from ..data.settings import Section


class ReportSection(Section):
    """What the report looks at."""

    date_column: str | None = Field(default=None, description="Column with the date of a review; guessed when not set.")
    resamples: int = Field(default=2000, ge=100, le=100_000, description="Bootstrap resamples of each interval.")
    examples: int = Field(default=20, ge=0, le=200, description="Mistakes and label issues that are shown.")
