"""Several classifiers' scores as one: added up in units of their spread, and matched to the class balance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .priors import Floats, Numbers, prior_offset, softmax, standardised

_FLOOR = 1e-4


def floored_logs(probs: Floats) -> Floats:
    """Return logarithms of a label model's probabilities, as if none were below 1e-4: it overstates its certainty."""
    return np.log(np.maximum(probs, _FLOOR))


@dataclass(frozen=True)
class Blend:
    """A weighted sum of p parts' log-probabilities (or logits), as numbers that JSON can hold.

    Parameters
    ----------
    coefficients : tuple of float, length p
        What each part's centred scores are multiplied by.
    offset : tuple of float, length k
        Added to the sum; with it the most likely classes have the shares of the class balance.
    temperatures : tuple of float, length k
        By which logits are divided, each row by that of its most likely class, which stays the most likely one.
    """

    coefficients: tuple[float, ...]
    offset: tuple[float, ...]
    temperatures: tuple[float, ...]

    def logits(self, parts: Sequence[Floats]) -> npt.NDArray[np.float64]:
        """Add up parts of shape (n, k); the result has unit spread on the rows that the blend was fitted to."""
        centred = (part - part.mean(axis=1, keepdims=True, dtype=np.float64) for part in parts)
        weighted = (c * part for c, part in zip(self.coefficients, centred, strict=True))
        return sum(weighted, np.asarray(self.offset))

    def probs(self, parts: Sequence[Floats]) -> npt.NDArray[np.float32]:
        """Return class probabilities, shape (n, k); rows sum to 1."""
        return tempered(self.logits(parts), self.temperatures).astype(np.float32)


def fit_blend(
    parts: Sequence[Floats], shares: Sequence[float], prior: Floats | None = None, weights: Numbers | None = None
) -> Blend:
    """Measure the spread of each part, and find the offset that matches the class balance.

    Parameters
    ----------
    parts : sequence of ndarray, shape (n, k)
        Log-probabilities or logits of any scale, of rows that the parts were not trained on.
    shares : sequence of float
        How much each part counts, in units of its spread.
    prior : ndarray, shape (k,), optional
        Class balance; without it there is no offset.
    weights : ndarray, shape (n,), optional
        How many rows each row stands for.

    Returns
    -------
    Blend
        With temperatures of 1.
    """
    k = parts[0].shape[1]
    spreads = [standardised(part, weights)[1] for part in parts]
    raw = Blend(tuple(s / spread for s, spread in zip(shares, spreads, strict=True)), (0.0,) * k, (1.0,) * k)
    logits, spread = standardised(raw.logits(parts), weights)
    offset = np.zeros(k) if prior is None else prior_offset(logits, prior, weights)
    return Blend(tuple(c / spread for c in raw.coefficients), tuple(offset.tolist()), raw.temperatures)


def tempered(logits: Floats, temperatures: Sequence[float] | Floats) -> npt.NDArray[np.float64]:
    """Divide each row by the temperature of its most likely class; return probabilities, shape (n, k)."""
    chosen = np.asarray(temperatures, np.float64)[logits.argmax(axis=1)]
    return softmax(logits / chosen[:, np.newaxis]).astype(np.float64)
