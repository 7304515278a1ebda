"""Saving a trained classifier, and making sure that what was saved is what was trained."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ...data.errors import ModelError
from ..end_model.load import load_end_model
from ..loading.device import Compute
from .fit.rank_agreement import centred_logits, spread_of
from .rows.training_rows import TrainingRows
from .threshold import LogitsOf

if TYPE_CHECKING:
    from ..end_model.classifier import TextClassifier
    from ..end_model.heads.ngram import NgramClassifier

_MAX_ROWS = 500
_MAX_NOISE = 0.2
"""Of the spread of the logits. In bfloat16, merged adapters round otherwise than separate ones: 0.004 of it."""


def save_checked(
    classifier: TextClassifier | NgramClassifier,
    logits_of: LogitsOf,
    rows: TrainingRows,
    compute: Compute,
    folder: Path,
) -> None:
    """Save a classifier, open it again and compare its logits of the reviews that it was evaluated on.

    Parameters
    ----------
    classifier : TextClassifier or NgramClassifier
        Of no use for training afterwards.
    logits_of : callable
        Takes n texts and returns its logits of them, shape (n, k).
    rows : TrainingRows
    compute : Compute
        Device and number format to open it in.
    folder : Path
        Existing and empty.

    Raises
    ------
    ModelError
        If it cannot be written, or scores the reviews differently after that.
    """
    texts = rows.evaluated()[0][:_MAX_ROWS].to_list()
    before = logits_of(texts)
    classifier.save(folder)
    after = load_end_model(folder, compute=compute).logits(texts)
    if (noise := relative_noise(before, after)) > _MAX_NOISE:
        raise ModelError(
            f"The saved model scores {len(texts)} reviews differently than the trained one: the differences are "
            f"{noise:.0%} of the spread of its scores.",
            hint="It was not saved. Train with another --seed or a lower --lr.",
        )


def relative_noise(before: npt.NDArray[np.float32], after: npt.NDArray[np.float32]) -> float:
    """Return the root mean square of the differences between two (n, k) logits, in units of the first one's spread."""
    noise = float(np.sqrt(((centred_logits(after) - centred_logits(before)) ** 2).mean()))
    return noise / max(spread_of(before), 1e-12)
