"""`labeler adapt`: from unlabelled reviews and a model to the same model at home in them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ...data.errors import ConfigError, InputError
from ...data.progress import status
from ...data.reading.files.format_detection import ReadOptions
from ...data.reading.frames import TableSource
from ...data.reading.reviews import TableStream, open_stream
from ...data.runs.manifest import stage_key
from ...data.runs.summaries import AdaptSummary
from ...data.version import __version__
from ...data.writing.atomic import atomic_path
from ...data.writing.overwriting import refuse_run_output
from ..end_model.record import Mode
from ..loading.device import Compute, choose_compute
from ..loading.resolve import resolve_model
from ..training.fit.checkpoints import remove_checkpoints
from ..training.fit.fitting import fit_classifier
from ..training.fit.schedule import Schedule
from ..training.variants import learning_rate as default_rate
from .folder import check_output, describe, held_checkpoints
from .masking import MaskedTexts, measure, token_loss

_MIN_TEXTS = 50  # distinct ones: fewer teach nothing and measure nothing
_HELD_OUT_SHARE, _MAX_HELD_OUT = 0.05, 2_000
_BATCH, _STEPS, _MAX_EPOCHS = 32, 1_000, 10  # a small input is repeated for so many steps, a large one is read once


def adapt_model(
    data: TableSource,
    output: Path,
    *,
    backbone: str = "auto",
    mode: Mode = "lora",
    epochs: float | None = None,
    learning_rate: float | None = None,
    seed: int = 0,
    text_column: str | Sequence[str] | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    limit: int | None = None,
    resume: bool = True,
    force: bool = False,
    compute: Compute | None = None,
) -> AdaptSummary:
    """Go on with a model's masked-language-model pretraining on the user's reviews, into a folder.

    Source: task-adaptive pretraining, Gururangan et al. (2020), "Don't Stop Pretraining". 5 % of the distinct texts, at
    most 2,000, are held out to measure on. The result depends on options, texts, model and machine, not on
    interruptions.

    Parameters
    ----------
    data : str, Path or table in memory
        File of reviews, ``-``, or what `open_stream` takes besides.
    output : Path
        Folder of the adapted model.
    backbone : str
        ``auto``, ``embedded``, a folder or a hub name.
    mode : "lora" or "full"
        Adapters, which are merged in the end, or all weights.
    epochs, learning_rate : float, optional
        By default from the number of texts, and from mode and width.
    seed : int
        Of which texts are held out, of their order and masks, and of a new head.
    text_column, encoding, delimiter
        As for `open_stream`.
    limit : int, optional
        Use only the first rows.
    resume, force : bool
        Continue a killed adaptation; adapt again although nothing changed.
    compute : Compute, optional
        Device and number format; by default what the machine reports.

    Returns
    -------
    AdaptSummary

    Raises
    ------
    ConfigError
        If epochs or learning rate are not positive, or the output belongs to a run.
    InputError
        If the input cannot be read or has too few texts.
    ModelError
        If the model cannot be had, has no masked-language-model head, or training breaks down.
    RunError
        If the output cannot be written, or is something else.
    """
    for name, value in (("--epochs", epochs), ("--lr", learning_rate)):
        if value is not None and not 0 < value < math.inf:
            raise ConfigError(f"{name} must be more than 0, found {value}.")
    refuse_run_output("--output", output)
    done = check_output(output)
    with open_stream(data, text_column=text_column, options=ReadOptions(encoding, delimiter)) as table:
        read, texts = _distinct_texts(table, limit)
    _check_enough(texts, table.source)
    ref = resolve_model(backbone)
    status(f"encoder: {ref.description}")
    digest, given = stage_key(texts=texts), {"mode": mode, "epochs": epochs, "learning_rate": learning_rate}
    key = stage_key(version=__version__, **given, seed=seed, texts=digest, backbone=ref.digest)
    if done is not None and done.key == key and not force:
        status(f"{output}: unchanged, skipped")
        return replace(done, folder=str(output))
    from .model import MAX_LENGTH, build_masked_model

    compute = compute or choose_compute()
    with held_checkpoints(output) as checkpoints:
        model = build_masked_model(ref, mode=mode, seed=seed, compute=compute)
        rows = model.token_rows(texts)
        _check_enough(rows, table.source)
        held = min(math.ceil(_HELD_OUT_SHARE * len(rows)), _MAX_HELD_OUT)
        order = np.random.default_rng(seed).permutation(len(rows))
        held_out, training = [rows[i] for i in order[:held]], [rows[i] for i in order[held:]]
        schedule = Schedule(
            epochs=epochs or math.ceil(min(max(1.0, _STEPS * _BATCH / len(training)), _MAX_EPOCHS)),
            batch_size=_BATCH,
            learning_rate=learning_rate or default_rate(mode, model.model.config.hidden_size),
            seed=seed,
        )
        trained = model.model.num_parameters(only_trainable=True)
        status(
            f"texts: {len(training):,} to learn from, {held:,} held out; trains {trained:,} of "
            f"{model.model.num_parameters():,} parameters, {schedule.epochs:g} epochs"
        )
        if model.new_head:
            model.start_from(training)
        measured = MaskedTexts(held_out, model.tokenizer, count=held, seed=seed, replaced=1.0)
        before, masked = measure(model, measured, compute=compute, when="before")
        fit = fit_classifier(
            model,
            MaskedTexts(training, model.tokenizer, count=math.ceil(schedule.epochs * len(training)), seed=seed),
            schedule=replace(schedule, epochs=1),  # all passes are one pass over texts masked in other ways
            loss=token_loss,
            compute=compute,
            checkpoints=checkpoints,
            key=key,
            resume=resume,
        )
        summary = AdaptSummary(
            backbone=ref.name if ref.source != "folder" else ref.path.name,
            source=ref.source,
            digest=ref.digest,
            mode=mode,
            data={"file": Path(table.source).name, "texts": digest},
            texts={"read": read, "distinct": len(texts), "trained": len(training), "held_out": held},
            tokens={"masked": masked, "all": len(model.tokenizer)},
            settings={k: v for k, v in vars(schedule).items() if v is not None} | {"max_length": MAX_LENGTH},
            new_head=model.new_head,
            trained_parameters=trained,
            total_parameters=model.model.num_parameters(),
            loss=fit.loss,
            before=before,
            after=measure(model, measured, compute=compute, when="after")[0],
            key=key,
            folder=str(output),
            seconds=round(fit.seconds, 2),
            texts_per_second=round(fit.rows_per_second, 1),
        )
        with atomic_path(output) as folder:
            folder.mkdir()
            model.write(folder)
            summary = describe(folder, summary)
        remove_checkpoints(checkpoints)
        return summary


def _distinct_texts(table: TableStream, limit: int | None) -> tuple[int, list[str]]:
    """Count the usable rows, and return their different texts, sorted."""
    chunks = list(table.head(limit))
    for note in table.notes:
        status(note)
    if rejected := sum(len(chunk.rejected) for chunk in chunks):
        status(f"{rejected:,} rows could not be used and are left out.")
    return sum(map(len, chunks)), sorted({text for chunk in chunks for text in chunk.frame["text"]})


def _check_enough(texts: Sequence[object], source: str) -> None:
    if len(texts) < _MIN_TEXTS:
        raise InputError(
            f"{source} has {len(texts)} different texts to learn from, expected at least {_MIN_TEXTS}.",
            hint="Adaptation needs thousands of reviews; labels are not needed.",
        )
