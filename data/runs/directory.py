"""The run directory: where everything is, and that only one process at a time writes there."""

from __future__ import annotations

import json
import os
import shlex
import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ..distributed import is_main_process
from ..errors import RunError
from ..progress import status
from ..writing.atomic import remove_leftovers, remove_path, write_json
from ..writing.lock import file_lock, reason_of
from ..writing.ownership import OWN_NAMES, discard, is_run, mark_run, set_aside
from .manifest import Manifest, StageDetails
from .names import latest_run, safe_file_name


class _Place:
    """A file or folder of a run: its name, and what is in it."""

    def __init__(self, name: str, content: str) -> None:
        self._name = name
        self.__doc__ = content

    def __get__(self, run: RunDirectory | None, owner: type) -> Path:
        return Path(self._name) if run is None else run.path / self._name


@dataclass(frozen=True)
class RunDirectory:
    """Names of everything in a run directory.

    Parameters
    ----------
    path : Path
        The directory.
    """

    path: Path

    config = _Place("config.toml", "The resolved configuration.")
    manifest = _Place("manifest.json", "What each stage did; read it with `read_manifest`.")
    corpus = _Place("corpus.parquet", "id, text and extra columns of the rows in use.")
    rejected = _Place("rejected.jsonl", "Input rows that could not be used; absent when there are none.")
    votes_folder = _Place("votes", "One file per voter.")
    label_model = _Place("label_model.parquet", "Patterns of votes and what else labels other reviews the same way.")
    labels = _Place("labels.parquet", "The weak labels.")
    labels_csv = _Place("labels.csv", "The weak labels for spreadsheets.")
    lf_summary = _Place("lf_summary.csv", "Coverage, overlaps, conflicts and accuracy per voter.")
    summary = _Place("summary.json", "The numbers `labeler label` prints.")
    gold = _Place("gold.parquet", "The gold rows of the run with their weak labels; absent without a gold file.")
    relabelled = _Place(
        "relabelled.csv",
        "Rows whose existing label changed, the most confident first; absent without an existing label column.",
    )
    refined = _Place("refined.csv", "Rows whose label refining changed, the most confident first; absent without it.")
    model = _Place("model", "The trained end model, a Hugging Face folder.")
    predict_rejected = _Place(
        "predict_rejected.jsonl", "Rows that the last `labeler predict` could not use; absent when there were none."
    )
    models = _Place("models", "One folder per end model of a comparison.")
    training = _Place("training.json", "The numbers `labeler train` prints, one entry per model of the last call.")
    history = _Place("history.jsonl", "Losses, rates and scores of the trainings as they came, one JSON object a line.")
    checkpoints = _Place(".training", "What an interrupted training continues from; absent otherwise.")
    metrics = _Place("metrics.json", "Metrics written by the report.")
    report = _Place("report.html", "The self-contained report.")
    report_markdown = _Place("report.md", "The main tables of the report as Markdown.")
    predictions = _Place("predictions", "Predictions of the end models for the gold rows, one file per model.")
    sampled = _Place("sampled.parquet", "The rows that were drawn to be labelled by hand, so that none is drawn twice.")
    samples = _Place("samples", "Files of the samples that were not given another place: hand labels, never removed.")
    lock = _Place(".lock", "Locked while a process works in the directory.")
    lock_owner = _Place(".lock-owner.json", "Who holds the lock.")
    vote_checkpoints = _Place("votes/.shards", "Votes on chunks of the rows, while a voter is not finished.")

    def votes(self, voter: str) -> Path:
        """Vote file of a voter; any name gives a safe and distinct file name."""
        return self.votes_folder / f"{safe_file_name(voter)}.parquet"

    def failures(self, voter: str) -> Path:
        """Rows for which a voter failed, each with the reason; absent when there are none."""
        return self.votes_folder / f"{safe_file_name(voter)}.failures.jsonl"

    def read_manifest(self) -> Manifest:
        """Read the manifest as it is on disk now."""
        return Manifest.load(self.manifest)

    def labels_digest(self) -> str:
        """Digest of the weak labels as they were written; empty while there are none."""
        labels = self.read_manifest().stages.get("labels")
        written = labels.outputs.get(self.labels.name) if labels else None
        return written.digest if written and self.labels.exists() else ""

    def stage_is_current(self, name: str, key: str) -> bool:
        """Whether stage `name` ran with `key` and all it wrote is still there unchanged."""
        return self.read_manifest().is_current(name, key)

    def record_stage(
        self, name: str, key: str, *, outputs: tuple[Path, ...] = (), details: StageDetails | None = None
    ) -> Manifest:
        """Add a finished stage to the manifest on disk.

        Raises
        ------
        RunError
            If it cannot be written.
        """
        return self.read_manifest().with_stage(name, key, outputs=outputs, details=details)

    def remove(self, paths: Iterable[Path]) -> None:
        """Remove files of the run, where they exist; what the program did not write is moved aside.

        Raises
        ------
        RunError
            If a file cannot be removed.
        """
        for path in paths:
            try:
                discard(path)
            except OSError as error:
                raise _unusable(path, error) from error

    def keep_votes(self, voters: Iterable[str]) -> None:
        """Remove the votes of all other voters, which a configuration no longer has, and all unfinished votes."""
        names = list(voters)
        kept = {*map(self.votes, names), *map(self.failures, names)}
        found = (*self.votes_folder.glob("*.parquet"), *self.votes_folder.glob("*.failures.jsonl"))
        self.remove(path for path in found if path not in kept)
        remove_path(self.vote_checkpoints)

    def remove_labels(self) -> None:
        """Remove what the labels stage wrote, and the report on it."""
        self.remove((self.label_model, self.labels, self.labels_csv, self.lf_summary, self.summary))
        self.remove((self.gold, self.relabelled, self.refined))
        self.remove_report()

    def remove_report(self) -> None:
        """Remove the report, which is on earlier labels, with a status message."""
        if self.report.exists():
            status(f"{self.report} told of earlier labels and goes; make it again with: labeler report")
        self.remove((self.report, self.report_markdown, self.metrics))

    def clear(self) -> None:
        """Empty the run for other input: samples, and labels by hand in them, are moved aside, all else is removed.

        Raises
        ------
        RunError
            If a file cannot be moved or removed.
        """
        for path in (self.sampled, self.samples):
            try:
                set_aside(path, self.path, "belongs to the earlier input")
            except OSError as error:
                raise _unusable(path, error) from error
        self.remove(self.path / name for name in sorted(OWN_NAMES))
        remove_path(self.checkpoints)
        self.votes_folder.mkdir(exist_ok=True)


def claim_folder(folder: Path) -> None:
    """Make a folder, or take an empty one, and mark it as a run; so is one of an earlier version, by its manifest.

    Hidden files do not count: nothing of a run is called like them.

    Raises
    ------
    RunError
        If it holds files that labeler did not write.
    OSError
        If it cannot be made or marked.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if is_run(folder):
        return
    manifest = Manifest.load(folder / "manifest.json")
    found = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
    if found and (manifest.note or not manifest.path.exists()):
        raise RunError(
            f"{folder} is not a run of labeler: it holds '{found[0]}', and nothing says that labeler wrote it.",
            hint="Name a new folder with --run, such as --run runs/reviews.",
        )
    mark_run(folder, [file.digest for stage in manifest.stages.values() for file in stage.outputs.values()])


@contextmanager
def open_run(path: str | Path, *, distributed: bool = False) -> Iterator[RunDirectory]:
    """Create or reopen a run directory and hold it for this process alone.

    The system frees the lock when the process ends, however it ends; what a killed one left half-written is removed
    here.

    Parameters
    ----------
    path : str or Path
    together : bool
        Whether distributed processes share it: the main process holds it for all.

    Raises
    ------
    RunError
        If another process (or another place in this one) holds it, it cannot be created or written to, or it is a
        folder of other files.
    """
    run = RunDirectory(Path(path))
    if distributed and not is_main_process():
        yield run
        return
    unusable = partial(_unusable, run.path)
    try:
        claim_folder(run.path)
        run.votes_folder.mkdir(exist_ok=True)
    except OSError as error:
        raise unusable(error) from error
    with file_lock(run.lock, busy=partial(_busy, run), unusable=unusable):
        try:
            write_json(run.lock_owner, {"pid": os.getpid(), "host": socket.gethostname()})
            remove_leftovers(run.path)
            yield run
        finally:
            run.lock_owner.unlink(missing_ok=True)


def existing_run(
    path: str | Path | None, *, needs: str = "manifest.json", made_by: str = "labeler label reviews.csv"
) -> RunDirectory:
    """Look at a finished run, by default the one labelled last, without locking it.

    Raises
    ------
    RunError
        If the directory, or the file `needs` in it, does not exist; the hint names the command that makes it.
    """
    run = RunDirectory(latest_run() if path is None else Path(path))
    hint = f"Make it with: {made_by} --run {shlex.quote(str(run.path))}"
    if not run.path.is_dir():
        raise RunError(f"There is no run directory {run.path}.", hint=hint)
    if not (run.path / needs).exists():
        raise RunError(f"{run.path} has no {needs}.", hint=hint)
    return run


def _busy(run: RunDirectory) -> RunError:
    try:
        owner = json.loads(run.lock_owner.read_text(encoding="utf-8"))
        place = "" if owner["host"] == socket.gethostname() else f" on {owner['host']}"
        holder = f"process {owner['pid']}{place}"
    except (OSError, ValueError, KeyError, TypeError):  # just starting, or just ending
        holder = "another process"
    return RunError(
        f"The run directory {run.path} is in use by {holder}.",
        hint="Wait until it ends, or choose another directory with --run.",
    )


def _unusable(path: Path, error: Exception) -> RunError:
    in_the_way = next((part for part in (path, *path.parents) if part.exists() and not part.is_dir()), None)
    if in_the_way is not None:
        return RunError(
            f"The run directory {path} cannot be made: {in_the_way} is a file.", hint="Choose another one with --run."
        )
    return RunError(f"{path} cannot be written to ({reason_of(error)}).", hint="Choose another one with --run.")
