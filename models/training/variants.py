"""The end models by the names `labeler train --compare` calls them."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from ...data.errors import ConfigError, nearest_hint
from ..end_model.record import Head, Mode
from .fit.schedule import Schedule
from .settings import TrainSection

VARIANTS: dict[str, tuple[Mode, Head]] = {
    "lora": ("lora", "linear"),
    "full": ("full", "linear"),
    "beebert": ("full", "beebert"),
    "mlp": ("full", "mlp"),
    "lstm": ("full", "lstm"),
    "bert_lstm": ("full", "bert_lstm"),
    "ngram": ("full", "ngram"),
    "frozen": ("frozen", "linear"),
    "ensemble": ("frozen", "ensemble"),
}

# Steps that a small input is repeated for, and how often at most; a very large one is read once.
_STEPS: dict[Head, tuple[int, int]] = {
    "linear": (300, 5),
    "beebert": (300, 5),
    "bert_lstm": (300, 5),
    "mlp": (4000, 20),
    "lstm": (2000, 20),
}
_READ_ONCE = 100_000  # rows from which a second pass is not worth its time
_WIDTH = 384
_RATES: dict[Mode, float] = {"full": 1e-4, "lora": 1e-3, "frozen": 0.0}  # at that width; three times more still learns


def variants(settings: TrainSection, compare: str | None) -> dict[str, TrainSection]:
    """Return the settings of each model to train, by name.

    Parameters
    ----------
    settings : TrainSection
    compare : str, optional
        Names separated by commas; by default the one model that `settings` describe.

    Raises
    ------
    ConfigError
        If a name is unknown.
    """
    if compare is None:
        return {variant_name(settings): settings}
    names = [name.strip() for name in compare.split(",") if name.strip()]
    if unknown := [name for name in names if name not in VARIANTS] or ([] if names else [compare]):
        raise ConfigError(f"--compare knows no model '{unknown[0]}'.", hint=nearest_hint(unknown[0], list(VARIANTS)))
    return {
        name: settings.model_copy(update=dict(zip(("mode", "head"), VARIANTS[name], strict=True)))
        for name in dict.fromkeys(names)
    }


def variant_name(settings: TrainSection) -> str:
    """Name a model by its mode, or by its head if that is not the plain one."""
    mode = settings.encoder_mode
    if settings.head == "linear":
        return mode
    plain = "frozen" if settings.head == "ensemble" else "full"
    return settings.head if mode == plain else f"{settings.head}_{mode}"


def parts_of(settings: TrainSection) -> dict[str, TrainSection]:
    """Return the settings of the models that an ensemble consists of, by name, in the order of `PARTS`."""
    kinds: tuple[tuple[Mode, Head], ...] = (("full", "ngram"), (settings.encoder_mode, "linear"))
    parts = [settings.model_copy(update={"mode": mode, "head": head}) for mode, head in kinds]
    return {variant_name(part): part for part in parts}


def learning_rate(mode: Mode, width: int) -> float:
    """Learning rate of an encoder's weights, or of adapters, by its width: wider ones get a lower rate."""
    return _RATES[mode] * float((_WIDTH / width) ** 1.5)


def schedule_for(settings: TrainSection, *, rows: int, width: int | None) -> Schedule:
    """Fill in the epochs and the learning rates that were left open.

    Parameters
    ----------
    settings : TrainSection
    rows : int
        Rows to train on.
    width : int, optional
        Of the encoder; wider ones get a lower rate. None for a model without one.
    """
    steps, max_epochs = _STEPS[settings.head]
    min_epochs = 2.0 if rows < _READ_ONCE else 1.0
    epochs = min(max(min_epochs, steps * settings.batch_size / max(rows, 1)), max_epochs)
    chosen: dict[str, Any] = {
        "epochs": math.ceil(epochs),
        "learning_rate": learning_rate(settings.encoder_mode, width or _WIDTH),
        "head_learning_rate": Schedule.head_learning_rate,
    }
    given = {name: value for name in chosen if (value := getattr(settings, name)) is not None}
    return Schedule(
        **(chosen | given),
        batch_size=settings.batch_size,
        weight_decay=settings.weight_decay,
        warmup=settings.warmup,
        patience=settings.patience,
        seed=settings.seed,
    )


def attempt_name(phase: str, attempt: int) -> str:
    """Name the phase of another attempt."""
    return f"{phase}-attempt-{attempt + 1}" if attempt else phase


def slowed(schedule: Schedule, attempt: int, slower: int) -> Schedule:
    """Return the schedule of another attempt: other random numbers, and lower learning rates."""
    return replace(
        schedule,
        learning_rate=schedule.learning_rate / slower,
        head_learning_rate=schedule.head_learning_rate / slower,
        seed=schedule.seed + attempt,
    )
