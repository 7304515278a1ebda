"""`labeler adapt`: from unlabelled reviews and a model to the same model at home in them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

import numpy as np

from ...data.errors import ConfigError, InputError
from ...data.progress import status
from ...data.reading.files.format_detection import DETECT, ReadOptions
from ...data.reading.reviews import read_table
from ...data.runs.adapt_summary import AdaptSummary
from ...data.runs.manifest import stage_key
from ...data.version import __version__
from ...data.writing.atomic import atomic_path, write_text
from ..loading.device import Compute, choose_compute
from ..loading.resolve import ModelRef, resolve_model
from ..training.fit.schedule import Fit, Schedule
from ..training.fit.trainer import fit_classifier
from ..training.variants import learning_rate
from .card import adapted_card
from .folder import check_output, finished, held_checkpoints, write_record
from .masking import Ids, MaskedTexts

if TYPE_CHECKING:
    from .model import MaskedModel, Mode
Rows = Sequence[Sequence[int]]

_FEWEST = 50  # distinct texts: fewer teach nothing and measure nothing
_HELD_OUT_SHARE, _MOST_HELD_OUT = 0.05, 2_000
_BATCH = 32
_STEPS, _MOST_EPOCHS = 1_000, 10  # a small input is repeated for so many steps, a large one is read once
_HEAD_RATE = 1e-3  # of a new head


@dataclass(frozen=True)
class AdaptJob:
    """What `labeler adapt` is told.

    Parameters
    ----------
    source : str
        File of reviews, or ``-``.
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

    source: str
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
    _check(job)
    check_output(job.output)
    read, texts = _texts(job)
    ref = resolve_model(job.backbone)
    status(f"encoder: {ref.description}")
    compute = compute or choose_compute()
    digest = stage_key(texts=texts)
    given = {"mode": job.mode, "epochs": job.epochs, "learning_rate": job.learning_rate, "seed": job.seed}
    key = stage_key(version=__version__, **given, texts=digest, backbone=ref.digest)
    if not job.force and (done := finished(job.output, key)):
        status(f"{job.output}: unchanged, skipped")
        return done
    with held_checkpoints(job.output) as checkpoints:
        work = _Work(job, ref, compute)
        summary = work.adapt(texts, key=key, checkpoints=checkpoints)
        data = {"file": PurePath(job.source).name, "texts": digest}
        summary = replace(summary, data=data, texts={"read": read, **summary.texts})
        with atomic_path(job.output) as folder:
            folder.mkdir()
            work.model.write(folder)
            write_text(folder / "README.md", adapted_card(summary))
            summary = write_record(folder, summary)
    return summary


def _check(job: AdaptJob) -> None:
    for name, value in (("--epochs", job.epochs), ("--lr", job.learning_rate)):
        if value is not None and not 0 < value < math.inf:
            raise ConfigError(f"{name} must be more than 0, found {value}.")
    if job.seed < 0:
        raise ConfigError(f"--seed must not be negative, found {job.seed}.")


def _texts(job: AdaptJob) -> tuple[int, list[str]]:
    """Return how many rows could be used, and their distinct texts in an order of their own."""
    table = read_table(job.source, text_column=job.text_column, limit=job.limit, options=job.options)
    for note in table.notes:
        status(note)
    if len(table.rejected):
        status(f"{len(table.rejected):,} rows could not be used and are left out.")
    texts = sorted(set(table.frame["text"].to_list()))
    _enough(len(texts), table.source)
    return len(table), texts


def _enough(found: int, source: str) -> None:
    if found < _FEWEST:
        raise InputError(
            f"{source} has {found} different texts to learn from, expected at least {_FEWEST}.",
            hint="Adaptation needs thousands of reviews; labels are not needed.",
        )


class _Work:
    """One adaptation."""

    def __init__(self, job: AdaptJob, ref: ModelRef, compute: Compute) -> None:
        from .model import build_masked_model

        self.job, self.compute = job, compute
        self.ref = ref
        self.model: MaskedModel = build_masked_model(ref, mode=job.mode, seed=job.seed, compute=compute)

    def adapt(self, texts: list[str], *, key: str, checkpoints: Path) -> AdaptSummary:
        """Measure, train, measure."""
        model, job, words = self.model, self.job, self.model.vocabulary()
        rows = [row for row in model.token_rows(texts) if len(words.open_places(row))]
        _enough(len(rows), job.source)
        order = np.random.default_rng(job.seed).permutation(len(rows))
        held = min(math.ceil(_HELD_OUT_SHARE * len(rows)), _MOST_HELD_OUT)
        unseen, seen = [rows[i] for i in order[:held]], [rows[i] for i in order[held:]]
        met = np.bincount(np.concatenate(seen), minlength=len(words.special))
        schedule = self._schedule(len(seen))
        trained, total = model.counts()
        status(
            f"texts: {len(seen):,} to learn from, {held:,} held out; trains {trained:,} of {total:,} weights, "
            f"{schedule.epochs:g} epochs"
        )
        if model.new_head:
            model.start_from(met)
        hidden = MaskedTexts(unseen, words, held, job.seed, always_mask=True)
        before = self._measure(hidden, "before")
        fit = self._fit(seen, met, schedule, key=key, checkpoints=checkpoints)
        return AdaptSummary(
            backbone=self.ref.name if self.ref.source != "folder" else self.ref.path.name,
            source=self.ref.source,
            digest=self.ref.digest,
            mode=job.mode,
            data={},
            texts={"distinct": len(texts), "trained": len(seen), "held_out": held},
            tokens={"hidden": int(hidden.guessed.sum()), "met": int((met > 0).sum()), "all": len(model.tokenizer)},
            settings=_settings(schedule, job, new_head=model.new_head),
            new_head=model.new_head,
            trained_parameters=trained,
            total_parameters=total,
            loss=fit.loss,
            before=before,
            after=self._measure(hidden, "after"),
            key=key,
            folder=str(job.output),
            seconds=round(fit.seconds, 2),
            texts_per_second=round(fit.rows_per_second, 1),
        )

    def _schedule(self, rows: int) -> Schedule:
        job = self.job
        epochs = math.ceil(min(max(1.0, _STEPS * _BATCH / rows), _MOST_EPOCHS))
        return Schedule(
            epochs=job.epochs or epochs,
            batch_size=_BATCH,
            learning_rate=job.learning_rate or learning_rate(job.mode, self.model.width),
            head_learning_rate=_HEAD_RATE,
            seed=job.seed,
        )

    def _fit(self, seen: Rows, met: Ids, schedule: Schedule, *, key: str, checkpoints: Path) -> Fit:
        """Train; all passes are one pass over texts hidden in other ways."""
        from .measure import TokenLoss

        words, columns = self.model.vocabulary(), None
        count = math.ceil(schedule.epochs * len(seen))
        if self.model.new_head:
            columns = np.cumsum(met > 0) - 1
            self.model.narrow(np.flatnonzero(met), seed=self.job.seed)
        fit = fit_classifier(
            self.model,
            MaskedTexts(seen, words, count, self.job.seed, outputs=columns),
            schedule=replace(schedule, epochs=1),
            loss=TokenLoss(),
            compute=self.compute,
            checkpoints=checkpoints,
            key=key,
            resume=self.job.resume,
        )
        if self.model.new_head:
            self.model.widen()
        return fit

    def _measure(self, hidden: MaskedTexts, when: str) -> dict[str, float]:
        from .measure import masked_loss

        loss = masked_loss(self.model, hidden, compute=self.compute, what=f"Pseudo-perplexity {when}")
        status(f"{when}: pseudo-perplexity {math.exp(loss):,.1f} on {len(hidden):,} held-out texts")
        return {"loss": loss, "pseudo_perplexity": math.exp(loss)}


def _settings(schedule: Schedule, job: AdaptJob, *, new_head: bool) -> dict[str, Any]:
    from .model import MAX_LENGTH

    head = {"head_learning_rate": schedule.head_learning_rate} if new_head else {}
    names = ("epochs", "batch_size", "learning_rate", "weight_decay", "warmup", "seed")
    return {name: getattr(schedule, name) for name in names} | head | {"max_length": MAX_LENGTH}
