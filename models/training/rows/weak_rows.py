"""What a labelled run offers to training: the weak labels, the class balance and the gold rows."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from ....data.errors import RunError
from ....data.gold.gold_rows import GoldTable, match_gold, read_gold
from ....data.gold.inclusion import with_record
from ....data.runs.directory import RunDirectory, unreadable_labels
from ....data.types.label_space import LabelSpace
from ....data.types.soft_labels import SoftLabels


@dataclass(frozen=True, eq=False)
class GoldRows:
    """Hand-labelled reviews, and what the weak labels say of them.

    Parameters
    ----------
    ids, texts : Series of String, length g
        Texts are never null.
    labels : ndarray of int16, shape (g,)
        The true class.
    weak : ndarray of int16, shape (g,)
        The weak label, -1 without one.
    weights : ndarray of float64, shape (g,)
        How much each row counts in scores.
    """

    ids: pl.Series
    texts: pl.Series
    labels: npt.NDArray[np.int16]
    weak: npt.NDArray[np.int16]
    weights: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, rows: npt.NDArray[np.int64]) -> GoldRows:
        """Return some of the rows."""
        ids, texts = self.ids.gather(rows), self.texts.gather(rows)
        return GoldRows(ids, texts, self.labels[rows], self.weak[rows], self.weights[rows])


@dataclass(frozen=True, eq=False)
class WeakRows:
    """The weakly labelled reviews of a run.

    Parameters
    ----------
    labels : LabelSpace
        The k classes.
    texts : Series of String, length n
    soft : SoftLabels
        Shape (n, k).
    class_balance : ndarray of float64, shape (k,)
        The prior the label model worked with.
    gold : GoldRows, optional
        None when the run has no gold rows.
    notes : tuple of str
        What a user should be told of gold rows that were given.
    """

    labels: LabelSpace
    texts: pl.Series
    soft: SoftLabels
    class_balance: npt.NDArray[np.float64]
    gold: GoldRows | None
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.texts)


def read_weak_rows(run: RunDirectory, gold: str | None = None) -> WeakRows:
    """Read the weak labels of a run.

    Parameters
    ----------
    run : RunDirectory
        With the files that `labeler label` writes.
    gold : str, optional
        File of hand-labelled rows to use instead of those the run was made with.

    Raises
    ------
    RunError
        If a file is missing or damaged, or no gold row has a text.
    InputError
        If the gold file cannot be read, or gives labels that are not classes or two labels to one review.
    """
    try:
        summary = json.loads(run.summary.read_text(encoding="utf-8"))
        balance = {str(name): float(share) for name, share in summary["class_balance"].items()}
        space = LabelSpace(tuple(balance))
        frame = pl.read_parquet(run.labels)
        known = pl.read_parquet(run.gold) if run.gold.exists() else None
        probs = frame.select(f"p_{name}" for name in space.names).to_numpy()
        soft = SoftLabels(probs, frame["covered"].to_numpy())
        given = None if gold is None else with_record(read_gold(gold, space), run)
        rows = _gold_rows(frame, known, given, space)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, pl.exceptions.PolarsError) as error:
        raise unreadable_labels(run, error) from error
    notes = () if given is None else given.notes
    return WeakRows(space, frame["text"], soft, np.array(list(balance.values())), rows, notes)


def _gold_rows(
    frame: pl.DataFrame, known: pl.DataFrame | None, given: GoldTable | None, space: LabelSpace
) -> GoldRows | None:
    columns = ["id", "text", "gold", "label", "weight"]
    if given is None:
        return None if known is None else _as_gold(known.select(columns), space)
    labelled = frame.select("id", "text", "label")
    if known is not None:  # the gold rows of the run that are not in its input have weak labels too
        labelled = labelled.vstack(known.select("id", "text", "label")).unique("id", keep="first", maintain_order=True)
    match = match_gold(given, labelled["id"], labelled["text"])
    found = labelled[match.positions.tolist()].with_columns(
        _names(match.labels[match.positions], space), pl.Series("weight", match.weights(given))
    )
    elsewhere = given.frame[match.missing.tolist()].filter(pl.col("text").is_not_null())
    new = elsewhere.select(
        pl.col("id").fill_null(""),
        "text",
        pl.lit(None, pl.String).alias("label"),
        _names(elsewhere["label"].to_numpy(), space),
        "weight",
    )
    rows = pl.concat([found.select(columns), new.select(columns)])
    if not len(rows):
        raise RunError(
            f"No row of {given.source} is in the run or has a text.", hint="Give the gold file a text column."
        )
    return _as_gold(rows, space)


def _as_gold(rows: pl.DataFrame, space: LabelSpace) -> GoldRows:
    labels, weak = space.encode(rows["gold"]), space.encode(rows["label"])
    return GoldRows(rows["id"], rows["text"], labels, weak, rows["weight"].to_numpy())


def _names(labels: npt.NDArray[np.integer], space: LabelSpace) -> pl.Series:
    return pl.Series("gold", space.decode(labels.tolist()), dtype=pl.String)
