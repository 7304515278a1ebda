"""A run's folder and what is read from it."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import polars as pl
import polars.selectors as cs

from ..config import Task, load_config, run_config
from ..data.command import command
from ..data.errors import ConfigError, LabelerError, ModelError, RunError
from ..data.progress import status
from ..data.runs.directory import RunDirectory, existing_run
from ..data.runs.labels import LabelledRun
from ..data.runs.names import set_latest
from ..data.runs.summaries import TrainSummary, read_train_summary
from ..labeling.outputs import LabelSummary

if TYPE_CHECKING:
    from ..models.blended import Blended
    from ..reports.shares.share import Shares

ANY_TEXT = pl.DataFrame({"id": ["1"], "text": ["жақсы"]})
"""A review without other columns."""


class RunFolder:
    """Opens a run, or makes one in a temporary folder; shows its tables."""

    def __init__(self, path: str | Path | None = None) -> None:
        model = "model/labeler.json"  # enough to predict
        alone = path is not None and (Path(path) / model).exists()
        self._directory = existing_run(path, needs=model) if alone else existing_run(path)
        self._remove: Callable[[], object] | None = None

    @classmethod
    def new(cls, path: str | Path | None) -> Self:
        """Name a run that is about to be made; without a path in a temporary folder."""
        run = cls.__new__(cls)
        run._directory = RunDirectory(Path(tempfile.mkdtemp(prefix="labeler-")) if path is None else Path(path))
        run._remove = weakref.finalize(run, shutil.rmtree, run.path, ignore_errors=True) if path is None else None
        return run

    @property
    def path(self) -> Path:
        """The folder of the run."""
        return self._directory.path

    @property
    def task(self) -> Task:
        """The task it was made with."""
        return load_config(self._directory.config)

    @property
    def labels(self) -> pl.DataFrame:
        """A row for each review: id, text, label (null without one), confidence, p_<class>, covered, votes."""
        labelled = self._labelled
        return labelled.frame("id", "text", "label", "confidence", *labelled.columns, "covered", "votes")

    @property
    def votes(self) -> pl.DataFrame:
        """A row for each review: its id, and a column for each voter with the class it votes, null if it abstains."""
        labelled = self._labelled
        columns = zip(labelled.voters, labelled.vote_matrix(ids=labelled.ids).T, strict=True)
        named = (labelled.label_space.series(votes).alias(voter) for voter, votes in columns)
        return pl.DataFrame([labelled.ids.alias("id"), *named])

    @property
    def voters(self) -> pl.DataFrame:
        """A row for each voter: coverage, overlaps, conflicts, accuracy on gold labels; see `lf_summary`."""
        voters = pl.DataFrame(self.numbers.voters, infer_schema_length=None)
        return voters.with_columns(cs.by_dtype(pl.Null).cast(pl.Float64))

    @property
    def summary(self) -> pl.DataFrame:
        """The numbers of labelling: columns measure, label (null where it is not about one class) and value."""
        numbers = self.numbers
        rows: list[tuple[str, str | None, float]] = [
            *((name, None, getattr(numbers, name)) for name in ("rows", "rejected", "covered", "labelled")),
            *(("labelled", name, count) for name, count in numbers.distribution.items()),
            *(("class_balance", name, share) for name, share in numbers.class_balance.items()),
            *((f"gold_{name}", None, value) for name, value in (numbers.gold or {}).items()),
        ]
        return pl.DataFrame(rows, {"measure": pl.String, "label": pl.String, "value": pl.Float64}, orient="row")

    @property
    def numbers(self) -> LabelSummary:
        """The numbers of labelling in full, with notes, as `labeler label` prints them."""
        try:
            return LabelSummary(**self._labelled.summary)
        except TypeError as error:
            again = command("label", "--force", "--run", self.path)
            raise RunError(f"{self.path} is of another version of labeler.", hint=f"Label again: {again}") from error

    def share(self, by: str | Sequence[str] = ()) -> Shares:
        """Estimate what share of the reviews is of each class, of all and by group, with 95 % intervals.

        The intervals are from the hand labels of the run; without any the shares are those of the labels.

        Parameters
        ----------
        by : str or sequence of str
            ``month``, or columns of the data.

        Returns
        -------
        Shares
            Its `frame` has a row for each group, class and method.

        Raises
        ------
        LabelerError
            If the labels or hand labels cannot be read, or there is no such column or no date.
        """
        from ..data.gold.hand_labels import labels_to_score_on
        from ..reports.shares.share import run_shares

        directory, settings = self._labelled.run, run_config(None, self.path).report
        own = labels_to_score_on(directory, self.task.task.label_space, None)
        return run_shares(directory, [by] if isinstance(by, str) else by, settings, own)

    def to_pandas(self) -> Any:
        """Return `labels` as a data frame of pandas."""
        import pandas as pd

        return pd.DataFrame(self.labels.to_dict(as_series=False))

    def to_dataset(self) -> Any:
        """Return `labels` as a dataset of Hugging Face.

        Raises
        ------
        ConfigError
            If the package ``datasets`` is not installed.
        """
        try:
            from datasets import Dataset
        except ImportError as error:
            raise ConfigError("The package datasets is not installed.", hint="pip install datasets") from error
        return Dataset.from_polars(self.labels)

    def set_latest(self) -> None:
        """Let commands that name no run use this one."""
        set_latest(self.path)

    def close(self) -> None:
        """Remove the run if it has no folder of its own."""
        if self._remove is not None:
            self._remove()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __repr__(self) -> str:
        """Write the call that opens it."""
        return f"Run({str(self.path)!r})"

    def _repr_html_(self) -> str:
        """Show the numbers of labelling in a notebook."""
        numbers, place = self.numbers, escape(str(self.path))
        head = f"<p>{numbers.labelled:,} of {numbers.rows:,} reviews labelled: {place}</p>"
        rows = (
            f"<tr><td>{escape(name)}</td><td>{count:,}</td><td>{numbers.class_balance[name]:.1%}</td></tr>"
            for name, count in numbers.distribution.items()
        )
        names = "<tr><th>label</th><th>reviews</th><th>class balance</th></tr>"
        return f"{head}<table>{names}{''.join(rows)}</table>"

    @property
    def _labelled(self) -> LabelledRun:
        return LabelledRun(existing_run(self.path, needs="labels.parquet"))


def trained_run(path: str | Path | None) -> RunDirectory:
    """Open a run that has a model.

    Raises
    ------
    RunError
        If it is no run, or was not trained.
    """
    return existing_run(path, needs="model/labeler.json", made_by="labeler train")


def open_voters(run: RunDirectory, wanted: bool | None, sample: pl.DataFrame = ANY_TEXT) -> Blended | None:
    """Open the voters of a trained run to decide with its model; say which decide, or why none does.

    Parameters
    ----------
    run : RunDirectory
    wanted : bool, optional
        By default voters decide if they can; with True it is an error if they cannot, with False they do not.
    sample : DataFrame
        The first of the reviews, see `open_run_voters`; by default texts without other columns.

    Raises
    ------
    LabelerError
        If voters are wanted and cannot decide with the model.
    """
    if wanted is False:
        return None
    from ..labeling.run_voters import open_run_voters
    from ..models.blended import Blended
    from ..models.scoring.blending import Blend

    try:
        summary = _blending_model(run, insist=wanted is True)
        voters = open_run_voters(run, load_config(run.config).task, sample)
    except LabelerError as error:
        if wanted:
            raise
        status(f"predicting without the run's voters: {error} {error.hint}".rstrip())
        return None
    return Blended(voters, Blend(**(summary.blend or {})))


def _blending_model(run: RunDirectory, *, insist: bool) -> TrainSummary:
    """Return the numbers of a model that can decide with voters.

    Raises
    ------
    ModelError
        If it cannot.
    """
    summary = read_train_summary(run.model)
    if not run.config.exists():
        raise ModelError(f"Only the model of a run is in {run.path}.", hint="Name the whole run with --run.")
    if summary is None or summary.blend is None:
        again = summary.training_command(run.path) if summary else command("train", "--run", run.path)
        what = f"The model in {run.model} is of an earlier version, or learned from few reviews."
        raise ModelError(what, hint=f"Train it again: {again}")
    if summary.is_outdated(run) and not insist:
        raise ModelError(f"The model in {run.model} learned from earlier labels.")
    return summary
