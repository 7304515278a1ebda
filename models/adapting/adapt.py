"""`labeler adapt`: from unlabelled reviews and a model to the same model at home in them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

import numpy as np

from ...data.errors import ConfigError, InputError
from ...data.progress import status
from ...data.reading.files.format_detection import DETECT, ReadOptions
from ...data.reading.frames import TableSource
from ...data.reading.reviews import open_stream
from ...data.runs.manifest import stage_key
from ...data.runs.summaries import AdaptSummary
from ...data.version import __version__
from ...data.writing.atomic import atomic_path
from ..loading.device import Compute, choose_compute
from ..loading.resolve import resolve_model
from ..training.fit.fitting import fit_classifier
from ..training.fit.schedule import Schedule
from ..training.variants import learning_rate
from .folder import check_output, describe, finished, held_checkpoints
from .masking import MaskedTexts, masked_loss, token_loss

if TYPE_CHECKING:
    from ..end_model.record import Mode
    from .masking import Row
    from .model import MaskedModel

_MIN_TEXTS = 50  # distinct ones: fewer teach nothing and measure nothing
_HELD_OUT_SHARE, _MAX_HELD_OUT = 0.05, 2_000
_BATCH = 32
_STEPS, _MAX_EPOCHS = 1_000, 10  # a small input is repeated for so many steps, a large one is read once
_HEAD_RATE = 1e-3  # of a new head


@dataclass(frozen=True)
class AdaptJob:
    """What `labeler adapt` is told.

    Parameters
    ----------
    source : str, Path or table in memory
        File of reviews, ``-``, or what `open_stream` takes besides.
    output : Path
        Folder of the adapted model.
    backbone : str
        ``auto``, ``embedded``, a folder or a hub name.
    mode : "lora" or "full"
    epochs, learning_rate : float, optional
        By default from the number of texts, and from mode and width.
    seed : int
        Of which texts are held out, of their order and masks, and of a new head.
    text_column : str or sequence of str, optional
    options : ReadOptions
    limit : int, optional
        Use only the first rows.
    resume : bool
        Continue a killed adaptation.
    force : bool
        Adapt again although nothing changed.
    """

    source: TableSource
    output: Path
    backbone: str = "auto"
    mode: Mode = "lora"
    epochs: float | None = None
    learning_rate: float | None = None
    seed: int = 0
    text_column: str | Sequence[str] | None = None
    options: ReadOptions = DETECT
    limit: int | None = None
    resume: bool = True
    force: bool = False


def adapt_model(job: AdaptJob, *, compute: Compute | None = None) -> AdaptSummary:
    """Go on with a model's masked-language-model pretraining on the user's reviews.

    Source: task-adaptive pretraining, Gururangan et al. (2020), "Don't Stop Pretraining". 5 % of the distinct texts, at
    most 2,000, are held out to measure on. The result depends on job, texts, model and machine, not on interruptions.

    Parameters
    ----------
    job : AdaptJob
    compute : Compute, optional
        Device and number format; by default what the machine reports.

    Returns
    -------
    AdaptSummary

    Raises
    ------
    ConfigError
        If epochs or learning rate are not positive.
    InputError
        If the input cannot be read or has too few texts.
    ModelError
        If the model cannot be had, has no masked-language-model head, or training breaks down.
    RunError
        If the output cannot be written, or is something else.
    """
    for name, value in (("--epochs", job.epochs), ("--lr", job.learning_rate)):
        if value is not None and not 0 < value < math.inf:
            raise ConfigError(f"{name} must be more than 0, found {value}.")
    if job.seed < 0:
        raise ConfigError(f"--seed must not be negative, found {job.seed}.")
    check_output(job.output)
    with open_stream(job.source, text_column=job.text_column, options=job.options) as table:
        chunks = list(table.head(job.limit))
    for note in table.notes:
        status(note)
    if rejected := sum(len(chunk.rejected) for chunk in chunks):
        status(f"{rejected:,} rows could not be used and are left out.")
    texts = sorted({text for chunk in chunks for text in chunk.frame["text"]})
    _check_enough(texts, table.source)
    ref = resolve_model(job.backbone)
    status(f"encoder: {ref.description}")
    compute = compute or choose_compute()
    digest = stage_key(texts=texts)
    given = {"mode": job.mode, "epochs": job.epochs, "learning_rate": job.learning_rate, "seed": job.seed}
    key = stage_key(version=__version__, **given, texts=digest, backbone=ref.digest)
    if not job.force and (done := finished(job.output, key)):
        status(f"{job.output}: unchanged, skipped")
        return done
    from .model import build_masked_model

    with held_checkpoints(job.output) as checkpoints:
        model = build_masked_model(ref, mode=job.mode, seed=job.seed, compute=compute)
        rows = model.token_rows(texts)
        _check_enough(rows, table.source)
        summary = _adapt(model, rows, job, compute, key=key, checkpoints=checkpoints)
        numbers = {"read": sum(map(len, chunks)), "distinct": len(texts), **summary.texts}
        summary = replace(summary, data={"file": PurePath(table.source).name, "texts": digest}, texts=numbers)
        with atomic_path(job.output) as folder:
            folder.mkdir()
            model.write(folder)
            summary = describe(folder, summary)
    return summary


def _check_enough(texts: Sequence[object], source: str) -> None:
    if len(texts) < _MIN_TEXTS:
        raise InputError(
            f"{source} has {len(texts)} different texts to learn from, expected at least {_MIN_TEXTS}.",
            hint="Adaptation needs thousands of reviews; labels are not needed.",
        )


def _adapt(
    model: MaskedModel, rows: Sequence[Row], job: AdaptJob, compute: Compute, *, key: str, checkpoints: Path
) -> AdaptSummary:
    """Measure, train, measure; what was read is not in the summary yet."""
    from .model import MAX_LENGTH

    order = np.random.default_rng(job.seed).permutation(len(rows))
    held = min(math.ceil(_HELD_OUT_SHARE * len(rows)), _MAX_HELD_OUT)
    held_out, training = [rows[i] for i in order[:held]], [rows[i] for i in order[held:]]
    tokens = np.concatenate([row["input_ids"] for row in training])
    counts = np.bincount(tokens, minlength=model.model.config.vocab_size)
    default = math.ceil(min(max(1.0, _STEPS * _BATCH / len(training)), _MAX_EPOCHS))
    schedule = Schedule(
        epochs=job.epochs or default,
        batch_size=_BATCH,
        learning_rate=job.learning_rate or learning_rate(job.mode, model.model.config.hidden_size),
        head_learning_rate=_HEAD_RATE,
        seed=job.seed,
    )
    trained, total = model.counts()
    status(
        f"texts: {len(training):,} to learn from, {held:,} held out; trains {trained:,} of {total:,} parameters, "
        f"{schedule.epochs:g} epochs"
    )
    if model.new_head:
        model.start_from(counts)
    measured = MaskedTexts(held_out, model.tokenizer, count=held, seed=job.seed, replaced=1.0)

    def measure(when: str) -> tuple[dict[str, float], int]:
        loss, predicted = masked_loss(model, measured, compute=compute, title=f"Pseudo-perplexity {when}")
        status(f"{when}: pseudo-perplexity {math.exp(loss):,.1f} on {held:,} held-out texts")
        return {"loss": loss, "pseudo_perplexity": math.exp(loss)}, predicted

    before, _ = measure("before")
    examples = MaskedTexts(
        training,
        model.tokenizer,
        count=math.ceil(schedule.epochs * len(training)),
        seed=job.seed,
        columns=np.cumsum(counts > 0) - 1 if model.new_head else None,
    )
    with model.narrowed(np.flatnonzero(counts), seed=job.seed):
        fit = fit_classifier(
            model,
            examples,
            schedule=replace(schedule, epochs=1),  # all passes are one pass over texts masked in other ways
            loss=token_loss,
            compute=compute,
            checkpoints=checkpoints,
            key=key,
            resume=job.resume,
        )
    after, masked = measure("after")
    head = ("head_learning_rate",) if model.new_head else ()
    names = ("epochs", "batch_size", "learning_rate", "weight_decay", "warmup", "seed", *head)
    return AdaptSummary(
        backbone=model.ref.name if model.ref.source != "folder" else model.ref.path.name,
        source=model.ref.source,
        digest=model.ref.digest,
        mode=job.mode,
        data={},
        texts={"trained": len(training), "held_out": held},
        tokens={"masked": masked, "seen": int((counts > 0).sum()), "all": len(model.tokenizer)},
        settings={name: getattr(schedule, name) for name in names} | {"max_length": MAX_LENGTH},
        new_head=model.new_head,
        trained_parameters=trained,
        total_parameters=total,
        loss=fit.loss,
        before=before,
        after=after,
        key=key,
        folder=str(job.output),
        seconds=round(fit.seconds, 2),
        texts_per_second=round(fit.rows_per_second, 1),
    )
