"""The gold rows of a labelled run, beside the weak labels of the same rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from ..runs.labels import LabelledRun
from .gold_rows import GoldTable
from .match import match_gold


@dataclass(frozen=True, eq=False)
class GoldRows:
    """Hand-labelled reviews, and the weak labels of a run for them.

    Parameters
    ----------
    ids, texts : Series of String, length g
    labels : ndarray of int16, shape (g,)
        The true class.
    weak : ndarray of int16, shape (g,)
        The weak label, -1 without one.
    probs : ndarray of float32, shape (g, k)
        The soft label; NaN on rows that are not in the run.
    weights : ndarray of float64, shape (g,)
        How much each row counts in scores.
    unrefined : ndarray of int16, shape (g,)
        The label model's own label, -1 without one.
    """

    ids: pl.Series
    texts: pl.Series
    labels: npt.NDArray[np.int16]
    weak: npt.NDArray[np.int16]
    probs: npt.NDArray[np.float32]
    weights: npt.NDArray[np.float64]
    unrefined: npt.NDArray[np.int16]

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, rows: npt.NDArray[np.int64]) -> GoldRows:
        """Return some of the rows."""
        ids, texts = self.ids.gather(rows), self.texts.gather(rows)
        weak, unrefined = self.weak[rows], self.unrefined[rows]
        return GoldRows(ids, texts, self.labels[rows], weak, self.probs[rows], self.weights[rows], unrefined)


def own_gold(labelled: LabelledRun) -> GoldRows | None:
    """Return the gold rows that a run was made with; None if it was made without.

    Raises
    ------
    RunError
        If a file of the run is damaged.
    """
    return None if labelled.gold is None else _gold_rows(labelled.gold, labelled)


def find_gold(labelled: LabelledRun, given: GoldTable) -> tuple[GoldRows, int]:
    """Find gold rows of a file in a labelled run, among its input and its own gold rows.

    Parameters
    ----------
    labelled : LabelledRun
    given : GoldTable

    Returns
    -------
    GoldRows
        Those found, then those not in the run: without weak labels, and where ids alone were given, with null texts.
    int
        How many were found.

    Raises
    ------
    RunError
        If a file of the run is damaged.
    InputError
        If two gold rows give two labels to one review.
    """
    frame = labelled.frame("id", "text", "label", labelled.unrefined_columns[0], *labelled.columns)
    if labelled.gold is not None:  # some are not in the input, and have weak labels as well
        known = labelled.gold.select(frame.columns)
        frame = pl.concat([frame, known]).unique("id", keep="first", maintain_order=True)
    match, names = match_gold(given, frame["id"], frame["text"]), labelled.label_space.series
    found = frame[match.positions.tolist()].with_columns(
        names(match.labels[match.positions]).alias("gold"), pl.Series("weight", match.weights(given))
    )
    missing = given.frame[match.missing.tolist()]
    truth = names(missing["label"].to_numpy()).alias("gold")
    missing = missing.select(pl.col("id").fill_null(""), "text", truth, "weight")
    return _gold_rows(pl.concat([found, missing], how="diagonal"), labelled), len(found)


def _gold_rows(frame: pl.DataFrame, labelled: LabelledRun) -> GoldRows:
    names = ("gold", "label", labelled.unrefined_columns[0])
    truth, weak, unrefined = (labelled.label_space.encode(frame[name]) for name in names)
    probs = frame.select(labelled.columns).cast(pl.Float32).to_numpy()
    return GoldRows(frame["id"], frame["text"], truth, weak, probs, frame["weight"].to_numpy(), unrefined)
