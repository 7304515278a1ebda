"""The hand labels of a run: what was written into the files of its samples, and what was given with ``--gold``."""

from __future__ import annotations

import hashlib
from pathlib import Path

import polars as pl

from ..command import command
from ..progress import status
from ..reading.frames import TableSource
from ..runs.directory import RunDirectory
from ..runs.label_options import in_memory, read_label_options
from ..runs.labels import LabelledRun
from ..types.label_space import ABSTAIN, LabelSpace
from .drawn_samples import DrawnSample, drawn_samples
from .gold_rows import GoldTable, UnlabelledError, read_gold
from .match import match_gold


def hand_labels(run: RunDirectory, label_space: LabelSpace, given: GoldTable | None) -> GoldTable | None:
    """Join the labels in the run's samples with those of a given table, which win where both label a review.

    Parameters
    ----------
    run : RunDirectory
    label_space : LabelSpace
    given : GoldTable, optional

    Returns
    -------
    GoldTable or None
        The rows of samples weigh 1 each: `inclusion.with_record` weighs them. None if there are no labels.

    Raises
    ------
    InputError
        If a sample's file has a label that is no class, or gives one review two labels.
    RunError
        If the run's record of its samples is damaged.
    """
    table, counts = _joined(run, label_space, given)
    if counts:
        status(f"hand labels: {', '.join(counts)}")
    return table


def _joined(run: RunDirectory, label_space: LabelSpace, given: GoldTable | None) -> tuple[GoldTable | None, list[str]]:
    """Return all hand labels, and how many came from which file where samples have some."""
    every = [(str(sample.file), _labelled(sample, label_space, given)) for sample in drawn_samples(run)]
    found = [(name, rows) for name, rows in every if rows is not None and len(rows)]
    if not found:
        return given, []
    rows = pl.concat([rows for _, rows in found])
    sampled = len(rows)
    counts = [f"{len(rows):,} from {name}" for name, rows in found]
    if given is not None:
        rows = pl.concat([given.frame, rows], how="diagonal_relaxed")
        counts.insert(0, f"{len(given):,} from {given.source}")
    source = ", ".join([*([given.source] if given else []), *(name for name, _ in found)])
    digest = hashlib.blake2b(rows.write_ndjson().encode(), digest_size=16).hexdigest()
    return GoldTable(rows, source, f"blake2b:{digest}", given.notes if given else (), sampled), counts


def labels_to_score_on(run: RunDirectory, label_space: LabelSpace, file: TableSource) -> GoldTable | None:
    """Read the hand labels to score a run on: a given file, or else the run's own as they are now.

    Its own are those in its samples and in the file it was made with.

    Returns
    -------
    GoldTable or None
        None where ``gold.parquet`` of the run is complete: no sample has a label, or that file is gone.

    Raises
    ------
    LabelerError
        As `hand_labels` and `read_gold`.
    """
    if file is not None:
        return read_gold(file, label_space)
    options = read_label_options(run)
    file = None if options is None else options.gold
    if file is not None and not Path(file).exists():
        gone = f"{file} is not there any more: " if not in_memory(file) else ""
        status(f"{gone}the hand labels are those that the run was made with")
        return None
    given = None if file is None else read_gold(file, label_space)
    found = hand_labels(run, label_space, given)
    if found is None or found is given:
        return None
    _note_newer(run, found)
    return found


def note_newer_labels(run: RunDirectory, label_space: LabelSpace) -> None:
    """Say how many labels in a run's samples its weak labels were made without.

    Raises
    ------
    LabelerError
        As `hand_labels`.
    """
    if found := _joined(run, label_space, None)[0]:
        _note_newer(run, found)


def _note_newer(run: RunDirectory, found: GoldTable) -> None:
    used = LabelledRun(run).gold
    ids = found.frame["id"].tail(found.sampled)
    unused = len(ids) if used is None else len(ids) - int(ids.is_in(used["id"].implode()).sum())
    if unused:
        again = command("label", "--run", run.path)
        status(f"{unused:,} hand labels are newer than the weak labels; to use them: {again}")


def _labelled(sample: DrawnSample, label_space: LabelSpace, known: GoldTable | None) -> pl.DataFrame | None:
    """Return the labelled rows of a sample that `known` has no label for.

    They are as the record of the sample has them: a spreadsheet may have changed the file.
    """
    if not sample.file.exists():
        status(f"sample {sample.number}: {sample.file} is not there any more; labels in it are not used")
        return None
    try:
        gold = read_gold(sample.file, label_space)
    except UnlabelledError:
        return None
    match = match_gold(gold, sample.frame["id"], sample.frame["text"])
    if len(match.missing):
        status(f"{sample.file}: {len(match.missing):,} labelled rows are not of this sample and are not used")
    label = pl.Series("label", match.labels[match.positions], pl.Int16)
    rows: pl.DataFrame = sample.frame[match.positions.tolist()]
    copies, weight = pl.col("rows").cast(pl.Float64), pl.lit(1.0).alias("weight")
    rows = rows.select("id", "text", label, "inclusion_probability", copies, weight)
    return rows if known is None else rows.filter(match_gold(known, rows["id"], rows["text"]).labels == ABSTAIN)
