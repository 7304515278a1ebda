"""What a report works on: the gold rows of a run, and what everybody said of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from ...data.command import command
from ...data.errors import InputError, LabelerError
from ...data.gold.gold_rows import GoldTable, match_gold
from ...data.gold.weights import NOT_RANDOM, looks_random
from ...data.runs.directory import RunDirectory, unreadable_labels
from ...data.types.label_space import LabelSpace


@dataclass(frozen=True, eq=False)
class Opinion:
    """What a voter, the label model or an end model says of the gold rows.

    Parameters
    ----------
    name : str
        Who says it.
    found : ndarray of int16, shape (g,)
        Class indices, -1 for no label.
    probs : ndarray of float32, shape (g, k), optional
        None where there are only labels.
    unseen : ndarray of bool, shape (g,)
        Rows that were not used to make or tune it; only these may score.
    """

    name: str
    found: npt.NDArray[np.int16]
    probs: npt.NDArray[np.float32] | None
    unseen: npt.NDArray[np.bool_]

    def at(self, rows: npt.NDArray[np.int64]) -> Opinion:
        """Return what it says of some rows."""
        probs = None if self.probs is None else self.probs[rows]
        return Opinion(self.name, self.found[rows], probs, self.unseen[rows])


@dataclass(frozen=True, eq=False)
class Evidence:
    """A labelled run with its gold rows.

    Parameters
    ----------
    run : RunDirectory
    labels : LabelSpace
        The k classes.
    summary : Mapping
        ``summary.json``: the numbers of `labeler label`.
    gold : DataFrame
        The g gold rows: id, text, gold, weight, and the columns of ``labels.parquet``.
    rows : DataFrame
        All n input rows as ``labels.parquet`` holds them.
    votes : Mapping of str to DataFrame
        By voter: id, vote (class name or null); over the input and the run's own gold rows.
    unmatched : int
        Gold rows of a given file that the run does not have.
    notes : tuple of str
        What a user should be told of the given gold rows.
    """

    run: RunDirectory
    labels: LabelSpace
    summary: Mapping[str, Any]
    gold: pl.DataFrame
    rows: pl.DataFrame
    votes: Mapping[str, pl.DataFrame]
    unmatched: int = 0
    notes: tuple[str, ...] = ()

    @cached_property
    def truth(self) -> npt.NDArray[np.int16]:
        """Gold class of each gold row, shape (g,)."""
        return self.labels.encode(self.gold["gold"])

    @cached_property
    def weights(self) -> npt.NDArray[np.float64] | None:
        """How much each gold row counts; None where all count the same."""
        weights = self.gold["weight"].to_numpy()
        return None if np.all(weights == weights[0]) else weights

    @cached_property
    def weak(self) -> Opinion:
        """The weak labels of the gold rows."""
        probs = self.gold.select(f"p_{name}" for name in self.labels.names).to_numpy()
        found = self.labels.encode(self.gold["label"])
        return Opinion("weak labels", found, probs.astype(np.float32), np.ones(len(found), np.bool_))

    @cached_property
    def families(self) -> list[str]:
        """Origin of each voter: its model, or itself."""
        stages = self.run.read_manifest().stages
        return [(stages[f"votes/{name}"].model if f"votes/{name}" in stages else None) or name for name in self.votes]

    @cached_property
    def voters(self) -> list[Opinion]:
        """The votes on the gold rows, in the order of the run."""
        ids = self.gold.select("id")
        opinions = []
        for name, votes in self.votes.items():
            vote = ids.join(votes, on="id", how="left", maintain_order="left")["vote"]
            opinions.append(Opinion(name, self.labels.encode(vote), None, np.ones(len(vote), np.bool_)))
        return opinions


def read_evidence(run: RunDirectory, given: GoldTable | None = None) -> Evidence:
    """Read a labelled run.

    Parameters
    ----------
    run : RunDirectory
    given : GoldTable, optional
        Gold rows to score on instead of those the run was made with.

    Raises
    ------
    RunError
        If a file is missing or damaged.
    InputError
        If there are no gold rows, or none of those given is in the run.
    """
    try:
        summary = json.loads(run.summary.read_text(encoding="utf-8"))
        labels = LabelSpace(tuple(summary["class_balance"]))
        rows = pl.read_parquet(run.labels)
        known = pl.read_parquet(run.gold) if run.gold.exists() else None
        votes = {name: _votes(run, name) for name in (voter["voter"] for voter in summary["voters"])}
        gold, unmatched = (known, 0) if given is None else _matched(rows, known, given, labels)
        if gold is not None:
            gold = gold.select("id", "text", "gold", "weight", "label", *(f"p_{name}" for name in labels.names))
    except LabelerError:
        raise
    except (OSError, ValueError, KeyError, TypeError, pl.exceptions.PolarsError) as error:
        raise unreadable_labels(run, error) from error
    if gold is None:
        raise InputError(
            f"The run {run.path} was made without hand-labelled rows, so nothing says how good its labels are.",
            hint=f"Draw some and label them: {command('sample', '--run', run.path)}, then "
            f"{command('annotate', '--run', run.path)}.",
        )
    notes = () if given is None else (*given.notes, *_doubts(gold, rows, labels))
    return Evidence(run, labels, summary, gold, rows, votes, unmatched, notes)


def _doubts(gold: pl.DataFrame, rows: pl.DataFrame, labels: LabelSpace) -> tuple[str, ...]:
    """Say where weak labels show that gold rows are no random sample of the run."""
    columns = [f"p_{name}" for name in labels.names]
    wanted = [*columns, pl.max_horizontal(columns).alias("confidence")]
    population, sample = (frame.select(wanted).cast(pl.Float64).to_numpy() for frame in (rows, gold))
    return () if looks_random(population, sample, gold["weight"].to_numpy()) else (NOT_RANDOM,)


def _votes(run: RunDirectory, voter: str) -> pl.DataFrame:
    return pl.read_parquet(run.votes(voter), columns=["id", "vote"], glob=False)


def _matched(
    rows: pl.DataFrame, known: pl.DataFrame | None, given: GoldTable, labels: LabelSpace
) -> tuple[pl.DataFrame, int]:
    """Find given gold rows among all rows of the run, its own gold rows included."""
    everything = rows
    if known is not None:
        everything = pl.concat([rows, known.select(rows.columns)]).unique("id", keep="first", maintain_order=True)
    match = match_gold(given, everything["id"], everything["text"])
    if not len(match.positions):
        raise InputError(
            f"None of the {len(given):,} labelled rows of {given.source} is in the run.",
            hint="Give rows with the ids or texts of the run, or label them with it: labeler label ... --gold FILE.",
        )
    truth = labels.decode(match.labels[match.positions])
    found = everything[match.positions.tolist()].with_columns(
        pl.Series("gold", truth, dtype=pl.String), pl.Series("weight", match.weights(given))
    )
    return found, len(match.missing)
