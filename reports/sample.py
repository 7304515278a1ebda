"""`labeler sample`: draw reviews of a run to label by hand, never one twice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from ..data.atomic import write_parquet
from ..data.errors import InputError
from ..data.run import RunDirectory, unreadable_labels
from ..data.soft_labels import SoftLabels
from ..data.task import Task
from .sample_files import write_sample
from .sampling import Drawn, draw


def sample_run(
    run: RunDirectory,
    task: Task,
    output: Path,
    *,
    n: int,
    strategy: str,
    seed: int,
    format: str = "csv",  # noqa: A002 - the name users see
) -> tuple[Drawn, tuple[Path, ...]]:
    """Draw a sample, write it, and remember it in the run.

    Rows of earlier samples, and gold rows of the run, are not drawn again.

    Parameters
    ----------
    run : RunDirectory
        Held by the caller (`open_run`), with weak labels.
    task : Task
        Its classes.
    output : Path
        The file to write; it must not exist, for it may hold somebody's work.
    n, strategy, seed
        See `reports.sampling.draw`.
    format : str
        See `write_sample`.

    Returns
    -------
    Drawn, and tuple of Path
        The sample, and the files written.

    Raises
    ------
    InputError
        If `output` exists, or nothing is left to draw.
    RunError
        If the labels of the run cannot be read.
    ConfigError
        If there is no such strategy or format.
    """
    if output.exists():
        raise InputError(f"{output} is already there, perhaps filled in.", hint="Give another name with --output.")
    labels = task.label_space
    try:
        rows = pl.read_parquet(run.labels)
        soft = SoftLabels(rows.select(f"p_{name}" for name in labels.names).to_numpy(), rows["covered"].to_numpy())
        votes = [
            rows.select("id").join(pl.read_parquet(file, glob=False), on="id", how="left", maintain_order="left")
            for file in sorted(run.votes_folder.glob("*.parquet"))
        ]
        earlier = [pl.read_parquet(file).select("id", "text") for file in (run.gold, run.sampled) if file.exists()]
    except (OSError, ValueError, pl.exceptions.PolarsError) as error:
        raise unreadable_labels(run, error) from error
    known = pl.concat([rows.select("id", "text").clear(), *earlier])
    drawn = draw(
        rows["id"],
        rows["text"],
        soft,
        np.column_stack([labels.encode(frame["vote"]) for frame in votes]),
        labels=labels,
        n=n,
        strategy=strategy,
        seed=seed,
        exclude=known["id"],
        exclude_texts=known["text"],
    )
    files = write_sample(drawn.frame, output, labels=task.labels, format=format)
    drawn_before = [pl.read_parquet(run.sampled)] if run.sampled.exists() else []
    write_parquet(run.sampled, pl.concat([*drawn_before, drawn.frame]))
    return drawn, files
