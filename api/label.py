"""From reviews to a labelled run, or to the votes alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Literal

import numpy as np
import polars as pl

from ..config import Task, TaskSource, config_path, load_config, task_places, with_flags
from ..data.errors import ConfigError, InputError, LabelerError
from ..data.gold.gold_rows import read_gold
from ..data.progress import status
from ..data.reading.frames import TableSource
from ..data.reading.reviews import open_stream
from ..data.runs.directory import RunDirectory, open_run
from ..data.runs.label_options import LabelOptions, named_source, with_earlier
from ..data.sample import sample_of
from ..data.settings_errors import raise_together
from ..data.types.label_space import ABSTAIN
from ..data.types.votes import LabelMatrix
from ..data.writing.chunked_files import CHUNK_ROWS
from ..data.writing.overwriting import refuse_run_files
from ..data.writing.partitioned import open_dataset
from .run import Run

if TYPE_CHECKING:
    from ..labeling.label import LabelJob


def label(
    data: TableSource = None,
    task: TaskSource = None,
    *,
    gold: TableSource = None,
    run_dir: str | Path | None = None,
    models: str | None = None,
    code: str | Path | None = None,
    llm_budget: int | None = None,
    refine: bool | None = None,
    text_column: str | Sequence[str] | None = None,
    id_column: str | None = None,
    rating_column: str | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    limit: int | None = None,
    engine: Literal["local", "ray"] = "local",
    actors: int | None = None,
    dataset: str | None = None,
    force: bool = False,
) -> Run:
    """Label reviews: apply the voters, combine their votes.

    Parameters
    ----------
    data : path, URL, data frame of pandas or Polars, datasets.Dataset, or list of str, optional
        The reviews. By default those that `run_dir` was made from, with the same options; for a new run, the bundled
        sample of the task.
    task : str, Path or Task, optional
        A task, the name of a preset, or a ``labeler.toml``. By default ``labeler.toml`` of the working directory, or
        else ``kaspi-sentiment``.
    gold : as data, optional
        Hand-labelled rows: id or text, and label.
    run_dir : str or Path, optional
        Where the run is kept; by default in a temporary folder, for as long as the result lives.
    models : str, optional
        Which models vote: ``auto`` (default), ``embedded``, a folder or a hub name.
    code : str or Path, optional
        A Python file with labeling functions of your own.
    llm_budget : int, optional
        Maximum number of reviews sent to a language model.
    refine : bool, optional
        Whether models that have read the texts correct the labels; by default as the task says.
    text_column, id_column, rating_column : str, optional
        Columns of the data; found by their usual names. Several texts are joined.
    encoding, delimiter : str, optional
        Of text files; detected by default.
    limit : int, optional
        Use only the first rows.
    engine, actors
        ``ray`` runs the voters on a cluster, with so many workers per model.
    dataset : str, optional
        Folder or URL: write the labels there too, as a partitioned Parquet dataset.
    force : bool
        Recompute everything; replace other reviews in `run_dir`.

    Raises
    ------
    LabelerError
        If the task, the data or the gold labels cannot be used, or no label model can be fitted.

    Examples
    --------
    >>> run = label(["Керемет, рахмет!", "Өте нашар"], task)
    >>> run.labels["label"].to_list()
    ['positive', 'negative']
    """
    from ..labeling.label import label_run

    config, preset = task_places(task)
    if limit is not None and limit < 1:
        raise InputError(f"A limit of {limit} leaves no rows.", hint="Give a limit of at least 1.")
    given = LabelOptions(
        input=named_source(data),
        config=config,
        preset=preset,
        gold=named_source(gold),
        models=models,
        code=None if code is None else Path(code),
        llm_budget=llm_budget,
        refine=refine,
        text_column=(text_column,) if isinstance(text_column, str) else text_column or None,
        id_column=id_column,
        rating_column=rating_column,
        limit=limit,
        encoding=encoding,
        delimiter=delimiter,
    )
    told = given if run_dir is None else with_earlier(given, RunDirectory(Path(run_dir)))
    settings = _settings(told, task)
    run = Run.new(run_dir)
    if isinstance(task, Task):
        told = replace(told, config=run.path / "config.toml", preset=None)
    else:
        told = replace(told, config=config_path(told.config, told.preset))
    data, gold = told.input if data is None else data, told.gold if gold is None else gold
    refuse_run_files(run.path, {"INPUT": data, "--gold": gold, "--code": told.code})
    parts = open_dataset(dataset) if dataset else None
    if data is None:
        sample = sample_of(settings.task.name)
        data, gold = str(sample.reviews), str(sample.gold) if gold is None else gold
        status(f"No INPUT given: labelling the bundled sample of {settings.task.name}.")
    with _job(data, gold, settings, told, engine, actors, force=force) as job, open_run(run.path) as directory:
        label_run(job, replace(told, gold=named_source(gold)), directory)
        if parts:
            status(f"dataset: {dataset}, parts: {parts.write(directory.labels)}")
    return run


def apply_voters(
    data: TableSource,
    task: TaskSource = None,
    *,
    gold: TableSource = None,
    models: str | None = None,
    code: str | Path | None = None,
    text_column: str | Sequence[str] | None = None,
    rating_column: str | None = None,
) -> LabelMatrix:
    """Apply the voters of a task; see `label` for the parameters.

    Returns
    -------
    LabelMatrix
        A row for each row of a table in memory, where rows without a text abstain; of a file, for each usable row.
        Voters that are asked only after all others, such as language models, are left out.

    Raises
    ------
    LabelerError
        If the task, the data or the gold labels cannot be used.

    Examples
    --------
    >>> L = apply_voters(["Керемет, рахмет!", "", "Өте нашар 👎"], task)
    >>> L.voters
    ('keywords', 'emoji', 'thanks')
    >>> L.votes.tolist()
    [[1, -1, 1], [-1, -1, -1], [0, 0, -1]]
    """
    from ..labeling.label import vote_matrix

    config, preset = task_places(task)
    told = LabelOptions(config=config, preset=preset, models=models, code=None if code is None else Path(code))
    settings = _settings(told, task).with_data(text_column=text_column, rating_column=rating_column)
    with TemporaryDirectory(prefix="labeler-") as folder, _job(data, gold, settings, told) as job:
        with open_run(folder) as directory:
            matrix = vote_matrix(job, directory)
        if isinstance(data, str | Path):
            return matrix
        rejected = directory.rejected
        lines = pl.read_ndjson(rejected)["line"].to_numpy() if rejected.exists() else np.zeros(0, np.int64)
    votes = np.full((len(data), len(matrix.voters)), ABSTAIN, np.int16)
    votes[np.delete(np.arange(len(data)), lines - 1)] = matrix.votes
    return replace(matrix, votes=votes)


def _settings(told: LabelOptions, task: TaskSource) -> Task:
    """Read the task and the code of the user's, and return what they and the options come to; all mistakes at once."""
    from ..labeling.user_code.loading import forget_code, load_code, with_code
    from ..labeling.voting.voter_errors import voter_mistakes

    forget_code()
    mistakes: list[LabelerError] = []
    try:
        settings = load_config(task if isinstance(task, Task) else told.config or told.preset, check=voter_mistakes)
    except ConfigError as error:
        mistakes.append(error)
    try:
        if told.code:
            load_code(told.code)
    except ConfigError as error:
        mistakes.append(error)
    raise_together(mistakes, "The configuration")
    settings = settings.with_data(**told.data)
    refine = with_flags(settings.refine, {"enabled": told.refine})
    settings = settings.model_copy(update={"voters": with_code(settings.voters, told.code), "refine": refine})
    return settings.with_llm_budget(told.llm_budget)


@contextmanager
def _job(
    data: TableSource,
    gold: TableSource,
    settings: Task,
    told: LabelOptions,
    engine: Literal["local", "ray"] = "local",
    actors: int | None = None,
    *,
    force: bool = False,
) -> Iterator[LabelJob]:
    """Open the data, and put together what `label_reviews` needs."""
    from ..labeling.label import LabelJob
    from ..labeling.voting.open_executor import open_executor
    from ..models.loading.choice import ModelChoice

    columns, labels = settings.data, settings.task.label_space
    known = None if gold is None else read_gold(gold, labels, likely=columns.text_column)
    with (
        open_executor(engine, actors) as voting,
        open_stream(
            data,
            text_column=columns.text_column,
            id_column=columns.id_column,
            chunk_rows=CHUNK_ROWS,
            options=columns.read_options,
        ) as table,
    ):
        yield LabelJob(
            task=settings.task,
            voters=settings.voters,
            label_model=settings.label_model,
            refine=settings.refine,
            gold=known,
            table=table,
            limit=told.limit,
            models=ModelChoice(told.models or "auto"),
            rating_column=columns.rating_column,
            config_toml=settings.dumps(),
            force=force,
            executor=voting,
        )
