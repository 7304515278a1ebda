"""Hand labels that came back without their inclusion probabilities: the run that drew them knows them."""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from ..runs.directory import RunDirectory
from .drawn_samples import read_record
from .gold_rows import INCLUSION, GoldTable
from .match import match_gold
from .weights import sample_weights

_SAME = 1e-6  # relative difference that a spreadsheet may have made by rounding


def with_record(gold: GoldTable, run: RunDirectory) -> GoldTable:
    """Look up in the run's record of its samples what a gold file does not say, and weigh the rows by it.

    Parameters
    ----------
    gold : GoldTable
    run : RunDirectory

    Returns
    -------
    GoldTable
        With notes on what was looked up, and on what is unknown.

    Raises
    ------
    InputError
        If hand labels contradict each other.
    RunError
        If the record is damaged.
    """
    record = read_record(run).with_columns(pl.col("sample").fill_null(1))  # an earlier version did not number them
    match = match_gold(gold, record["id"], record["text"])
    found = record[match.positions.tolist()].select(
        pl.Series("row", match.rows), pl.col(INCLUSION).alias("recorded"), pl.col("rows").alias("copies"), "sample"
    )
    numbered = gold.frame.with_columns(pl.int_range(pl.len(), dtype=pl.Int64).alias("row"))
    rows = numbered.join(found.unique("row", keep="first"), on="row", how="left", maintain_order="left")
    given, recorded = pl.col(INCLUSION), pl.col("recorded")
    # A file may be of another run that drew the same review with another probability.
    ours = recorded.is_not_null() & (given.is_null() | ((given - recorded).abs() <= _SAME * recorded))
    looked_up = len(rows.filter(ours & given.is_null()))
    rows = rows.with_columns(
        pl.when(ours).then(recorded).otherwise(given).alias(INCLUSION),
        pl.when(ours).then("copies").otherwise("rows").cast(pl.Float64).alias("rows"),
        pl.when(ours).then("sample").otherwise(0),
    )
    notes = [*gold.notes]
    if looked_up:
        notes.append(
            f"{gold.source} does not say how likely its reviews were to be drawn; the run's record of its samples does "
            f"for {looked_up:,} of {len(rows):,}."
        )
    unknown = rows[INCLUSION].null_count()
    if 0 < unknown < len(rows):
        notes.append(
            f"{unknown:,} of {len(rows):,} hand labels have no {INCLUSION} and are in no sample of this run: they "
            "count as drawn at random. If they were chosen otherwise, leave them out."
        )
    probability, copies, sample = (rows[name].to_numpy() for name in (INCLUSION, "rows", "sample"))
    weights = sample_weights(probability, copies, sample)
    frame = rows.drop("row", "recorded", "copies", "sample").with_columns(pl.Series("weight", weights))
    return replace(gold, frame=frame, notes=tuple(notes))
