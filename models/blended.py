"""An end model and the voters of its run that decide together."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt
import polars as pl

from ..data.runs.manifest import stage_key
from ..data.types.label_space import LabelSpace
from ..data.types.soft_labels import SoftLabels
from .scoring.blending import Blend, fit_blend, floored_logs
from .scoring.priors import Floats
from .scoring.temperatures import expected_temperatures

if TYPE_CHECKING:
    from .end_model.load import EndModel

SHARES = (1.0, 0.75)
"""What end model and label model count, in units of their spread."""


def fit_blended(logits: Floats, weak: Floats, targets: Floats, prior: Floats) -> Blend:
    """Measure how an end model and the label model decide together, once: so one review is labelled as among others.

    Parameters
    ----------
    logits : ndarray, shape (n, k)
        Of the end model, on reviews that it was not trained on.
    weak : ndarray, shape (n, k)
        Probabilities of the label model.
    targets : ndarray, shape (n, k)
        Soft labels: for each predicted class the probabilities are, on average, as high as theirs.
    prior : ndarray, shape (k,)
        Class balance of these reviews.
    """
    parts, weights = _parts(logits, weak), np.ones(len(logits))
    blend = fit_blend(parts, SHARES, prior, weights)
    temperatures = expected_temperatures(blend.logits(parts), targets, weights)
    return replace(blend, temperatures=tuple(temperatures.tolist()))


class Voting(Protocol):
    """Voters that can vote on reviews, and a label model that combines their votes."""

    @property
    def labels(self) -> LabelSpace:
        """The classes of the label model."""
        ...

    @property
    def digest(self) -> str:
        """Digest of all that their labels depend on."""
        ...

    def soft_labels(self, rows: pl.DataFrame) -> SoftLabels:
        """Label n rows: id, text, and the other columns of the input."""
        ...


@dataclass(frozen=True)
class Blended:
    """An end model that asks the voters too, where they vote.

    Parameters
    ----------
    voters : Voting
        Of the run that the model was trained in.
    blend : Blend
        See `fit_blended`.
    """

    voters: Voting
    blend: Blend

    @property
    def digest(self) -> str:
        """Digest of all but the end model that the probabilities depend on."""
        return stage_key(voters=self.voters.digest, blend=asdict(self.blend))

    def of(self, model: EndModel, rows: pl.DataFrame) -> npt.NDArray[np.float32]:
        """Return the class probabilities of n rows, shape (n, k) by the classes of the end model."""
        logits, found = model.logits(rows["text"].to_list()), self.voters.soft_labels(rows)
        classes = [self.voters.labels.index(name) for name in model.labels.names]
        weak = found.of_classes(classes)
        together = self.blend.probs(_parts(logits, weak.probs))
        return np.where(weak.covered[:, np.newaxis], together, model.calibrated(logits))


def _parts(logits: Floats, weak: Floats) -> tuple[Floats, Floats]:
    return logits, floored_logs(weak.astype(np.float64))
