"""All that a label model is fitted from but the votes: enough to fit it again, on other voters or for other rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .build import VoteAggregator, build_label_model, fit_votes
from .patterns import VotePatterns


@dataclass(frozen=True)
class LabelModelSpec:
    """The parameters of `build_label_model`, as JSON can hold them.

    Parameters
    ----------
    method : str
    k : int
    class_balance : sequence of float, length k
    seed : int
    group_correlated : bool
    families : sequence of str, length m
    contradicted : sequence of int
    """

    method: str
    k: int
    class_balance: Sequence[float]
    seed: int
    group_correlated: bool
    families: Sequence[str]
    contradicted: Sequence[int]

    def fit(self, table: VotePatterns) -> VoteAggregator:
        """Fit the label model, the same for the same counts of patterns; raises as `fit_votes`."""
        return fit_votes(table, build_label_model(**vars(self)), k=self.k)
