"""A run's record of the samples that were drawn from it to be labelled by hand, and where their files are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from ..errors import RunError
from ..runs.directory import RunDirectory
from ..writing.atomic import write_parquet

_RECORD = {
    "id": pl.String,
    "text": pl.String,
    "inclusion_probability": pl.Float64,
    "stratum": pl.String,
    "rows": pl.Int64,
    "sample": pl.Int64,
    "file": pl.String,
}


@dataclass(frozen=True, eq=False)
class DrawnSample:
    """One sample of a run.

    Parameters
    ----------
    number : int
        1 for the first one.
    file : Path
        Where it was written to be labelled.
    frame : DataFrame
        Its rows: id, text, inclusion_probability, stratum, rows.
    """

    number: int
    file: Path
    frame: pl.DataFrame


def read_record(run: RunDirectory) -> pl.DataFrame:
    """Read the rows of all samples, in the order drawn; none if no sample was drawn.

    Columns are those of `DrawnSample.frame`, ``sample`` (its number) and ``file`` (relative to the run if it is
    inside, else absolute); the last two are null for samples of an earlier version.

    Raises
    ------
    RunError
        If the record is damaged.
    """
    empty = pl.DataFrame(schema=_RECORD)
    if not run.sampled.exists():
        return empty
    try:
        return pl.concat([empty, pl.read_parquet(run.sampled)], how="diagonal_relaxed")
    except (OSError, pl.exceptions.PolarsError) as error:
        reason = str(error).partition("\n")[0]
        raise RunError(f"{run.sampled} cannot be read: {reason}.", hint="Restore it from a copy.") from error


def drawn_samples(run: RunDirectory) -> list[DrawnSample]:
    """Return the samples whose files are known and are what an annotator fills in, in the order drawn.

    The labels of others, which are imported elsewhere, come back as an export, with ``--gold``.

    Raises
    ------
    RunError
        If the record is damaged.
    """
    known = read_record(run).drop_nulls(["sample", "file"]).filter(pl.col("file").str.contains(r"(?i)\.[ct]sv$"))
    groups = known.partition_by("sample", "file", maintain_order=True, include_key=True)
    return [DrawnSample(g["sample"][0], run.path / g["file"][0], g.drop("sample", "file")) for g in groups]


def free_number(run: RunDirectory) -> int:
    """Return a number that no sample of the run has, and no file in its folder of samples.

    Raises
    ------
    RunError
        If the record is damaged.
    """
    used = [int(file.name[:3]) for file in run.samples.glob("[0-9][0-9][0-9].*")]
    recorded: list[int] = read_record(run)["sample"].drop_nulls().to_list()
    return max([0, *recorded, *used]) + 1


def record_sample(run: RunDirectory, frame: pl.DataFrame, number: int, file: Path) -> None:
    """Remember a sample, so that none of its rows is drawn again and its labels are found.

    Raises
    ------
    RunError
        If the record is damaged or cannot be written.
    """
    place, home = file.resolve(), run.path.resolve()
    stored = place.relative_to(home).as_posix() if place.is_relative_to(home) else str(place)
    rows = frame.with_columns(pl.lit(number, pl.Int64).alias("sample"), pl.lit(stored).alias("file"))
    write_parquet(run.sampled, pl.concat([read_record(run), rows], how="diagonal_relaxed"))
