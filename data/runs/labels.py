"""The weak labels of a finished run, and what they were made from: the one reader of ``labels.parquet`` and votes."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from ..command import command
from ..errors import LabelerError, RunError
from ..types.label_space import LabelSpace
from ..types.soft_labels import SoftLabels
from .directory import RunDirectory

_DAMAGE = (OSError, ValueError, KeyError, TypeError, AttributeError, pl.exceptions.PolarsError)


@dataclass(frozen=True, eq=False)
class LabelledRun:
    """A run that `labeler label` finished: n input rows, m voters, k classes.

    Nothing is read before it is asked for, and each column only once.

    Parameters
    ----------
    run : RunDirectory

    Raises
    ------
    RunError
        By every attribute, if a file that it needs is missing or damaged.
    """

    run: RunDirectory

    @cached_property
    def label_space(self) -> LabelSpace:
        """The k classes in the order of the task: what the run's configuration records."""
        with self._reading():
            task = tomllib.loads(self.run.config.read_text(encoding="utf-8"))["task"]
            return LabelSpace(tuple(label["name"] for label in task["labels"]))

    @cached_property
    def summary(self) -> Mapping[str, Any]:
        """The numbers that `labeler label` printed."""
        with self._reading():
            summary: Mapping[str, Any] = json.loads(self.run.summary.read_text(encoding="utf-8"))
            return summary

    @cached_property
    def class_balance(self) -> npt.NDArray[np.float64]:
        """The prior the label model worked with, shape (k,)."""
        with self._reading():
            return np.array([self.summary["class_balance"][name] for name in self.label_space.names], np.float64)

    @cached_property
    def voters(self) -> tuple[str, ...]:
        """Names of the m voters, in the order of the configuration."""
        with self._reading():
            return tuple(voter["voter"] for voter in self.summary["voters"])

    @cached_property
    def families(self) -> dict[str, str]:
        """Origin of each voter: its model, or itself."""
        stages = self.run.read_manifest().stages
        return {
            name: (stages[f"votes/{name}"].model if f"votes/{name}" in stages else "") or name for name in self.voters
        }

    @cached_property
    def ids(self) -> pl.Series:
        """Ids of the rows, shape (n,)."""
        return self.frame("id")["id"]

    @cached_property
    def texts(self) -> pl.Series:
        """The reviews, shape (n,)."""
        return self.frame("text")["text"]

    @cached_property
    def hard(self) -> npt.NDArray[np.int16]:
        """Class index of each row, -1 without a label; shape (n,)."""
        with self._reading():
            return self.label_space.encode(self.frame("label")["label"])

    @cached_property
    def confidence(self) -> npt.NDArray[np.float32]:
        """Probability of the most likely class, NaN where no voter voted; shape (n,)."""
        with self._reading():
            return self.frame("confidence")["confidence"].cast(pl.Float32).to_numpy()

    @cached_property
    def soft(self) -> SoftLabels:
        """Class probabilities, shape (n, k), and which rows have a vote."""
        with self._reading():
            rows = self.frame("covered", *self.columns)
            return SoftLabels(rows.select(self.columns).to_numpy(), rows["covered"].to_numpy())

    @cached_property
    def gold(self) -> pl.DataFrame | None:
        """The gold rows the run was made with: id, text, gold, weight, and the columns of ``labels.parquet``.

        They may be rows that the input does not have; None without a gold file.
        """
        with self._reading():
            return pl.read_parquet(self.run.gold, glob=False) if self.run.gold.exists() else None

    @property
    def columns(self) -> list[str]:
        """Columns of the class probabilities, in the order of `label_space`."""
        return [f"p_{name}" for name in self.label_space.names]

    @cached_property
    def unrefined_columns(self) -> list[str]:
        """Columns of the label model's own label and k probabilities; runs of earlier versions have no others."""
        own = ["label", *self.columns]
        with self._reading():
            refined = "weak_label" in pl.read_parquet_schema(self.run.labels)
            return [f"weak_{name}" for name in own] if refined else own

    def frame(self, *columns: str) -> pl.DataFrame:
        """Read columns of ``labels.parquet``: id, text, label, confidence, `columns`, covered, votes, weak_label."""
        with self._reading():
            wanted = list(dict.fromkeys(columns))
            return pl.read_parquet(self.run.labels, columns=wanted, glob=False, hive_partitioning=False)

    def input_columns(self) -> pl.DataFrame:
        """Read the columns of the input besides id and text, a row for each label."""
        with self._reading():
            others = pl.read_parquet(self.run.corpus, glob=False).drop("text")
            rows = pl.DataFrame([self.ids.alias("id")])
            return rows.join(others, on="id", how="left", maintain_order="left").drop("id")

    def label_model_of(self, texts: Sequence[str]) -> SoftLabels:
        """Read the label model's probabilities of reviews of the run, those of the first row with each text."""
        wanted = pl.DataFrame({"text": texts}, {"text": pl.String})
        with self._reading():
            columns = self.unrefined_columns[1:]
            rows = self.frame("text", "covered", *columns)
            rows = rows.filter(rows["text"].is_in(wanted["text"].implode())).unique("text", maintain_order=True)
            found = wanted.join(rows, on="text", maintain_order="left")
            return SoftLabels(found.select(columns).to_numpy(), found["covered"].to_numpy())

    def votes(self, voter: str) -> pl.DataFrame:
        """Read the votes of one voter: id, vote (class name or null); input rows first, then other gold rows."""
        with self._reading():
            return pl.read_parquet(self.run.votes(voter), columns=["id", "vote"], glob=False, hive_partitioning=False)

    def vote_matrix(self, voters: Sequence[str] | None = None, ids: pl.Series | None = None) -> npt.NDArray[np.int16]:
        """Read the votes of several voters as class indices, -1 where one abstained.

        Parameters
        ----------
        voters : sequence of str, optional
            All by default.
        ids : Series of String, optional
            The rows wanted; by default all that were voted on: input rows first, then other gold rows.

        Returns
        -------
        ndarray of int16, shape (n, m)
        """
        with self._reading():
            names = self.voters if voters is None else voters
            found = (self.votes(name) for name in names)
            if ids is not None:
                rows = pl.DataFrame([ids.alias("id")])
                found = (rows.join(votes, on="id", how="left", maintain_order="left") for votes in found)
            return np.column_stack([self.label_space.encode(votes["vote"]) for votes in found])

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Explain damage in one sentence and say how to repair it."""
        try:
            yield
        except LabelerError:
            raise
        except _DAMAGE as error:
            raise RunError(
                f"The weak labels in {self.run.path} cannot be read: {str(error).partition(chr(10))[0]}.",
                hint=f"Make them again with: {command('label', '--force', '--run', self.run.path)}",
            ) from error
