"""`labeler sample`: draw reviews of a run to label by hand, never one twice."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl

from ...data.errors import InputError
from ...data.gold.drawn_samples import free_number, read_record, record_sample
from ...data.runs.directory import RunDirectory
from ...data.runs.labels import LabelledRun
from ...data.types.task import TaskSection
from .draw import Drawn, draw
from .files import sample_paths, write_sample


def sample_run(
    run: RunDirectory,
    task: TaskSection,
    output: str | Path | None = None,
    *,
    n: int,
    strategy: str,
    seed: int,
    format: str = "csv",  # noqa: A002 - the name users see
) -> Drawn:
    """Draw a sample, write it, and remember it in the run.

    Rows of earlier samples, and gold rows of the run, are not drawn again.

    Parameters
    ----------
    run : RunDirectory
        Held by the caller (`open_run`), with weak labels.
    task : TaskSection
        Its classes.
    output : str or Path, optional
        The file to write; it must not exist, for it may hold somebody's work. By default ``samples/001.csv`` in the
        run, and so on.
    n, strategy, seed
        See `reports.sampling.draw`.
    format : str
        See `write_sample`.

    Returns
    -------
    Drawn
        With the files written.

    Raises
    ------
    InputError
        If `output` exists, or nothing is left to draw.
    RunError
        If the labels of the run cannot be read.
    ConfigError
        If there is no such strategy or format, or `output` has another format's ending.
    """
    number = free_number(run)
    paths = sample_paths(output or run.samples / f"{number:03}", format)
    if taken := next((path for path in paths if path.exists()), None):
        raise InputError(f"{taken} is already there, perhaps filled in.", hint="Give another name with --output.")
    labelled = LabelledRun(run)
    gold = [] if labelled.gold is None else [labelled.gold.select("id", "text")]
    known = pl.concat([read_record(run).select("id", "text"), *gold])
    drawn = draw(
        labelled.ids,
        labelled.texts,
        labelled.soft,
        labelled.vote_matrix(ids=labelled.ids),
        labels=labelled.label_space,
        n=n,
        strategy=strategy,
        seed=seed,
        exclude=known["id"],
        exclude_texts=known["text"],
    )
    if output is None:
        run.samples.mkdir(exist_ok=True)
    write_sample(drawn.frame, paths[0], labels=task.labels, format=format)
    record_sample(run, drawn.frame, number, paths[0])
    return replace(drawn, files=paths)
