"""The bundled reviews: written for this project, see the data card beside this file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError

_FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Sample:
    """Bundled files of one task: unlabelled reviews, and other rows labelled by hand."""

    reviews: Path
    gold: Path


SAMPLES = {
    "kaspi-sentiment": Sample(_FOLDER / "kaspi_reviews.csv", _FOLDER / "kaspi_gold.csv"),
    "marketplace-category": Sample(_FOLDER / "marketplace_reviews.csv", _FOLDER / "marketplace_gold.csv"),
}
"""By the name of the task."""


def sample_of(task: str) -> Sample:
    """Return the bundled sample of a task.

    Raises
    ------
    InputError
        If there is none.
    """
    if task not in SAMPLES:
        raise InputError(
            f"No INPUT was given, and there is no bundled sample for the task '{task}'.",
            hint=f"Name a file of reviews. Bundled samples: {', '.join(sorted(SAMPLES))}.",
        )
    return SAMPLES[task]
