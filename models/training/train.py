"""`labeler train`: from the weak labels of a run to end models in it."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from functools import cache, cached_property
from pathlib import Path

from ...data.digests import file_digest
from ...data.distributed import is_distributed, is_main_process
from ...data.gold.hand_labels import note_newer_labels
from ...data.progress import status, status_of
from ...data.runs.directory import RunDirectory
from ...data.runs.labels import LabelledRun
from ...data.runs.manifest import StageDetails, stage_key
from ...data.runs.summaries import TrainSummary
from ...data.version import __version__
from ...data.writing.atomic import atomic_path, write_json, write_text
from ..end_model.record import WITHOUT_BACKBONE, write_record
from ..loading.device import Compute, choose_compute, init_distributed
from ..loading.resolve import ModelRef, resolve_model
from .attempts import NothingLearnedError
from .ensemble import train_ensemble
from .fitter import Fitter
from .history import TrainingLog, checked_trackers
from .ngram import train_ngram
from .recipe import temperatures_of, train_classifier
from .results import card, summarise
from .rows.training_rows import TrainingRows, training_rows
from .rows.weak_rows import WeakRows, read_weak_rows
from .settings import TrainSection
from .threshold import measured_blend
from .variants import parts_of, variants

_RECIPE = 4  # raised where the same settings and labels give another model than before: it is trained again


def train_end_models(
    settings: TrainSection,
    run: RunDirectory,
    *,
    compare: str | None = None,
    gold: str | None = None,
    resume: bool = True,
    force: bool = False,
    log_to: Sequence[str] = (),
) -> list[TrainSummary]:
    """Train one end model into ``RUN/model``, or several into ``RUN/models`` and the best of them.

    The best is the one that ranks the held-out rows most as their soft labels do; gold rows that score are not used.
    Of several, one that has learned nothing is left out, with a message.

    Parameters
    ----------
    settings : TrainSection
    run : RunDirectory
        Held by the caller (`open_run`), with weak labels.
    compare : str, optional
        Names of models, see `variants`.
    gold : str, optional
        File of hand-labelled rows to use instead of those the run was made with.
    resume : bool
        Continue an interrupted training; what is finished and unchanged is skipped in any case.
    force : bool
        Train again although nothing changed.
    log_to : sequence of str
        Experiment trackers that get the numbers of ``RUN/history.jsonl`` too: tensorboard (in ``RUN/tensorboard``),
        mlflow, trackio.

    Returns
    -------
    list of TrainSummary
        In the order of `compare`, without models that have learned nothing.

    Notes
    -----
    Distributed processes train one model: each learns from a part of every step, all do the rest, and the main
    process writes.

    Raises
    ------
    LabelerError
        See `checked_trackers`, `read_weak_rows`, `training_rows` and `train_classifier`. What is in ``RUN/model`` then
        stays.
    """
    if is_distributed():
        init_distributed(choose_compute())
    job = _Job(run, gold, resume, force, checked_trackers(log_to))
    summaries, refused = [], []
    for name, chosen in variants(settings, compare).items():
        folder = run.model if compare is None else run.models / name
        try:
            summaries.append(_train_one(name, chosen, folder, job))
        except NothingLearnedError as error:
            status(f"{name}: {error}")
            refused.append(error)
    if not summaries:
        raise refused[-1]
    if not is_main_process():
        return summaries
    if compare is not None:
        best = max(summaries, key=lambda summary: summary.agreement or 0.0)
        with atomic_path(run.model) as copy:
            shutil.copytree(run.models / best.name, copy)
        status(f"{best.name} ranks the held-out reviews most like their labels (AUC): it is now in {run.model}")
    write_json(run.training, [asdict(summary) for summary in summaries])
    return summaries


@dataclass(frozen=True)
class _Job:
    """What all models of one call share; labels are read and prepared once, and only if something is trained."""

    run: RunDirectory
    gold: str | None
    resume: bool
    force: bool
    log_to: tuple[str, ...]
    trained: dict[Path, TrainSummary] = field(default_factory=dict)
    """What this call has trained: a part of an ensemble may be one of the models that are compared."""

    @cached_property
    def digest(self) -> str:
        """Of everything that is learned from."""
        files = (self.run.labels, self.run.summary, self.run.gold, *([Path(self.gold)] if self.gold else []))
        return stage_key(files=[file_digest(file).digest for file in files if file.exists()])

    @cached_property
    def weak(self) -> WeakRows:
        weak = read_weak_rows(self.run, self.gold)
        for note in weak.notes:
            status(f"note: {note}")
        if self.gold is None:
            note_newer_labels(self.run, weak.labels)
        return weak

    @cached_property
    def rows(self) -> Callable[[TrainSection], TrainingRows]:
        """Prepares the rows; models that differ in the classifier alone share them."""
        cached = cache(lambda settings: training_rows(self.weak, settings))
        return lambda settings: cached(settings.model_copy(update={"mode": "full", "head": "linear"}))

    @cached_property
    def backbone(self) -> Callable[[str], ModelRef]:
        """Finds a model once, and reports which it is."""

        def find(name: str) -> ModelRef:
            ref = resolve_model(name)
            status(f"encoder: {ref.description}")
            return ref

        return cache(find)


def _train_one(name: str, settings: TrainSection, folder: Path, job: _Job) -> TrainSummary:
    """Train and save one model, unless that is done already."""
    run = job.run
    backbone = None if settings.head in WITHOUT_BACKBONE else job.backbone(settings.backbone)
    given = settings.model_dump(mode="json")
    digest = backbone.digest if backbone else ""
    key = stage_key(version=__version__, recipe=_RECIPE, settings=given, labels=job.digest, backbone=digest)
    stage, summary_file = folder.relative_to(run.path).as_posix(), folder / "training.json"
    if folder in job.trained:
        return job.trained[folder]
    if not job.force and run.stage_is_current(stage, key):
        status(f"{name}: unchanged, skipped")
        return TrainSummary(**json.loads(summary_file.read_text(encoding="utf-8")))
    started, parts = time.perf_counter(), {}
    if settings.head == "ensemble":
        folders = {run.models / each: (each, chosen) for each, chosen in parts_of(settings).items()}
        parts = {path: _train_one(each, chosen, path, job) for path, (each, chosen) in folders.items()}
        if not is_main_process():  # what has been trained is read from the run now
            return next(iter(parts.values()))
    fitter = Fitter(
        settings,
        backbone,
        job.rows(settings),
        Compute("cpu", "float32") if settings.head == "ngram" else choose_compute(),
        checkpoints=run.checkpoints / name,
        key=key,
        resume=job.resume,
        log=TrainingLog(run.history, name, key[:8], log_to=job.log_to),
    )
    try:
        with status_of(name):
            if parts:
                trained = train_ensemble(fitter, parts)
            else:
                trained = train_ngram(fitter) if settings.head == "ngram" else train_classifier(fitter)
    except NothingLearnedError:
        _remove_checkpoints(run, name)
        raise
    summary = replace(summarise(name, folder, fitter, trained), learned_from=run.labels_digest())
    if not is_main_process():
        return summary
    folder.parent.mkdir(exist_ok=True)
    blend = measured_blend(fitter.rows, trained.logits_of, LabelledRun(run), seed=settings.seed)
    summary = replace(summary, blend=None if blend is None else asdict(blend))
    with atomic_path(folder) as temporary:
        temporary.mkdir()
        record = replace(trained.record, temperatures=temperatures_of(trained, fitter.rows))
        trained.save(temporary)
        write_record(temporary, record)
        write_text(temporary / "README.md", card(summary, record, settings))
        write_json(temporary / summary_file.name, asdict(summary))
    _remove_checkpoints(run, name)
    details = StageDetails(
        settings=given,
        inputs={run.labels.name: job.digest},
        model=f"{backbone.name}@{digest}" if backbone else None,
        seed=settings.seed,
        device=fitter.compute.device,
        dtype=fitter.compute.dtype,
        rows=summary.rows,
        seconds=round(time.perf_counter() - started, 2),
    )
    run.record_stage(stage, key, outputs=(folder,), details=details)
    job.trained[folder] = summary
    return summary


def _remove_checkpoints(run: RunDirectory, name: str) -> None:
    if not is_main_process():
        return
    shutil.rmtree(run.checkpoints / name, ignore_errors=True)
    with suppress(OSError):  # those of another model that was interrupted stay
        run.checkpoints.rmdir()
