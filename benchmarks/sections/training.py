"""One pass of `labeler train`'s loop against one of a plain transformers `Trainer`: same model, rows and batch size."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from ...data.types.corpus import Corpus
from ...models.end_model.build import build_classifier
from ...models.end_model.lora import target_modules
from ...models.end_model.record import Mode
from ...models.loading.device import choose_compute, quiet_transformers
from ...models.loading.resolve import ModelRef, resolve_model
from ...models.training.fit.batches import Examples
from ...models.training.fit.fitting import fit_classifier
from ...models.training.fit.losses import SoftLoss
from ...models.training.fit.schedule import Schedule
from ...models.training.settings import TrainSection
from ..results import Result
from .rules import Rules

ROWS, WARM, SEED = 1_000, 64, 7
SETTINGS = TrainSection()
SCHEDULE = Schedule(epochs=1, batch_size=SETTINGS.batch_size)


@dataclass(frozen=True)
class Labelled:
    """Reviews and their classes."""

    texts: list[str]
    labels: list[int]


def measure_training(texts: pl.Series, folder: Path) -> list[Result]:
    """Compare LoRA and full training with a Trainer as it comes, and with one told to compute in bfloat16.

    What is learned is which reviews the preset's keywords call negative, on as many of these as of the others.
    """
    backbone = resolve_model("embedded")
    chosen = _labelled(texts)
    rows, results = len(chosen.texts), []
    for mode in ("lora", "full"):
        ours(Labelled(chosen.texts[:WARM], chosen.labels[:WARM]), backbone, mode)
        mine, loss = ours(chosen, backbone, mode)
        for bf16 in (False, True) if choose_compute().dtype == "bfloat16" else (False,):
            theirs, their_loss = plain(chosen, backbone, mode, bf16=bf16, folder=folder)
            detail = f"{rows / mine:.1f} against {rows / theirs:.1f} rows/s, loss {loss:.2f} against {their_loss:.2f}"
            what = f"{mode}: speed against Trainer" + " in bfloat16" * bf16
            results.append(Result("train", what, theirs / mine, detail=detail))
    return results


def ours(chosen: Labelled, backbone: ModelRef, mode: Mode) -> tuple[float, float]:
    """Train here, as `labeler train` does by default: seconds and mean loss."""
    compute, lora = choose_compute(), SETTINGS.lora
    classifier = build_classifier(
        ("negative", "positive"),
        backbone=backbone,
        mode=mode,
        pooling="cls",
        lora=lora,
        train_embeddings=SETTINGS.train_embeddings,
        texts=chosen.texts,
        compute=compute,
    )
    targets = np.eye(2, dtype=np.float32)[chosen.labels]
    examples = Examples(classifier.token_rows(chosen.texts), targets, np.ones(len(targets), np.float32))
    start = time.perf_counter()
    fit = fit_classifier(classifier, examples, schedule=SCHEDULE, loss=SoftLoss(), compute=compute)
    return time.perf_counter() - start, fit.loss


def plain(chosen: Labelled, backbone: ModelRef, mode: Mode, *, bf16: bool, folder: Path) -> tuple[float, float]:
    """Train with transformers (and peft), as their guides do: seconds and mean loss."""
    from peft import LoraConfig, get_peft_model
    from transformers import (
        AutoModelForSequenceClassification,
        AutoTokenizer,
        DataCollatorWithPadding,
        PrinterCallback,
        Trainer,
        TrainingArguments,
    )

    with quiet_transformers():
        tokenizer = AutoTokenizer.from_pretrained(backbone.path)
        model: Any = AutoModelForSequenceClassification.from_pretrained(backbone.path, num_labels=2)
        if mode == "lora":
            size: dict[str, Any] = {
                "r": SETTINGS.lora.rank,
                "lora_alpha": SETTINGS.lora.alpha,
                "lora_dropout": SETTINGS.lora.dropout,
            }
            modules = target_modules(model.base_model)
            model = get_peft_model(model, LoraConfig(task_type="SEQ_CLS", target_modules=modules, **size))
        rows = [
            {**tokenizer(text, truncation=True, max_length=SETTINGS.max_length), "labels": label}
            for text, label in zip(chosen.texts, chosen.labels, strict=True)
        ]
        arguments = TrainingArguments(
            output_dir=str(folder),
            per_device_train_batch_size=SCHEDULE.batch_size,
            num_train_epochs=SCHEDULE.epochs,
            learning_rate=SCHEDULE.learning_rate,
            bf16=bf16,
            use_cpu=choose_compute().device == "cpu",
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
        )
        trainer = Trainer(model, arguments, train_dataset=rows, data_collator=DataCollatorWithPadding(tokenizer))
        trainer.remove_callback(PrinterCallback)
        start = time.perf_counter()
        loss = float(trainer.train().training_loss)
    return time.perf_counter() - start, loss


def _labelled(texts: pl.Series) -> Labelled:
    """Draw reviews of both classes in random order, and label them by the preset's keywords."""
    distinct = texts.unique(maintain_order=True).sample(fraction=1, shuffle=True, seed=SEED)
    votes = Rules().keyword.vote(Corpus(pl.Series(range(len(distinct))).cast(pl.String), distinct)).labels
    each = min(ROWS // 2, *np.bincount(votes[votes >= 0], minlength=2))
    rows = np.sort(np.concatenate([np.flatnonzero(votes == label)[:each] for label in (0, 1)]))
    return Labelled(distinct.gather(rows).to_list(), votes[rows].tolist())
