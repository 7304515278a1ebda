"""`labeler annotate`: which file to open, how far two annotators agree, and how to go on when the page is closed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ...data.command import command
from ...data.errors import InputError
from ...data.gold.drawn_samples import DrawnSample, drawn_samples
from ...data.progress import status
from ...data.runs.directory import RunDirectory
from ...data.types.label_space import LabelSpace
from ...data.types.task import Label
from .rows import ReviewRow
from .server import serve
from .table import read_annotations


def annotate_file(
    file: Path | None, run_path: Path, labels: Sequence[Label], *, second: Path | None = None, port: int = 0
) -> None:
    """Show the page of a file until Ctrl-C or its button ends it, then say which command comes next.

    Parameters
    ----------
    file : Path, optional
        By default the last sample of the run.
    run_path : Path
        The run directory; where a file is given there need not be one.
    labels : Sequence[Label]
        The classes with their descriptions.
    second : Path, optional
        Another annotator's file. One that does not exist is made, with the rows of `file` and no labels, and no page
        is shown.
    port : int
        0 takes a free one.

    Raises
    ------
    InputError
        If there is no sample to open, or a file is unusable.
    RunError
        See `serve`.
    """
    run = RunDirectory(run_path)
    samples = drawn_samples(run)
    if file is None:
        if not samples:
            raise InputError(
                f"The run {run.path} has no sample to label by hand.",
                hint=f"Draw one with: {command('sample', '--run', run.path)}, or name a file.",
            )
        file = samples[-1].file
        status(f"opening {file}")
    if second is not None and not second.exists():
        table = read_annotations(file, LabelSpace(tuple(label.name for label in labels)))
        table.write_blank(second)
        status(f"{second} is new: the {len(table):,} reviews of {file} without labels, for the second annotator")
        status(f"next: {command('annotate', second, '--run', run.path)}")
        status(f"then: {command('annotate', file, '--second', second, '--run', run.path)}")
        return
    rows = serve(file, labels, second=second, port=port)
    for line in closing_lines(rows, file, run, samples):
        status(line)


def closing_lines(
    rows: Sequence[ReviewRow], file: Path, run: RunDirectory, samples: Sequence[DrawnSample]
) -> list[str]:
    """Say how far the file is labelled, and the commands that come next."""
    done = sum(row.label is not None for row in rows)
    skipped = sum(row.mark == "skipped" for row in rows)
    lines = [f"{done:,} of {len(rows):,} labelled, {skipped:,} skipped: {file}"]
    if done + skipped < len(rows):
        lines.append(f"to go on: {command('annotate', file, '--run', run.path)}")
    if not done:
        return lines
    if not run.labels.exists():
        return [*lines, f"next: {command('label', 'reviews.csv', '--gold', file)}"]
    own = any(sample.file.exists() and sample.file.samefile(file) for sample in samples)
    original = None if own else _copied(rows, samples)
    if original is not None:
        compare = command("annotate", original, "--second", file, "--run", run.path)
        use = command("label", "--gold", file, "--run", run.path)
        return [*lines, f"next: {compare}", f"or, to use its labels as they are: {use}"]
    given = () if own else ("--gold", file)
    label = command("label", *given, "--run", run.path)
    return [*lines, f"next: {label}", f"then: {command('report', '--run', run.path)}"]


def _copied(rows: Sequence[ReviewRow], samples: Sequence[DrawnSample]) -> Path | None:
    """Return the sample of which a file is another annotator's copy."""
    ids = {row.id for row in rows}
    return next((sample.file for sample in samples if ids <= set(sample.frame["id"]) and sample.file.exists()), None)
