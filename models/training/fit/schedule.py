"""What a fit is asked for and what it did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ....data.errors import ModelError


class TrainingDivergedError(ModelError):
    """The loss or a weight is no longer finite."""


@dataclass(frozen=True)
class Schedule:
    """How long and how fast to train.

    Parameters
    ----------
    epochs : float
        Passes over the rows; 0.5 is half of one.
    batch_size : int
        Rows per step (and per process, if there are several).
    learning_rate, head_learning_rate : float
        Highest rate of the encoder's weights and of the newly made layers (AdamW).
    weight_decay : float
        Of matrices; biases and norms have none.
    warmup : float
        Share of the steps in which the rate rises from 0; it then falls to 0, both linearly.
    patience : int, optional
        Stop after so many evaluations in a row without gain, and return to the best weights. Without it there is one
        evaluation, of the last weights.
    evaluations_per_epoch : int
        How often there is one otherwise.
    seed : int
        Of the order of rows and of dropout.
    max_grad_norm : float
        Gradients are scaled down to this norm.
    """

    epochs: float = 1.0
    batch_size: int = 64
    learning_rate: float = 1.5e-4
    head_learning_rate: float = 1e-3
    weight_decay: float = 0.01
    warmup: float = 0.06
    patience: int | None = None
    evaluations_per_epoch: int = 4
    seed: int = 0
    max_grad_norm: float = 1.0


@dataclass(frozen=True)
class Fit:
    """What a fit did.

    Parameters
    ----------
    loss : float
        Mean training loss over all steps.
    steps : int
        Steps made, those before an interruption included.
    epochs : float
        Passes made over the rows.
    seconds : float
        Wall time of this call's training, validation and checkpoints included.
    rows_per_second : float
        Rows that this call trained on, per second.
    validation_loss : float, optional
        Soft cross-entropy of the returned weights on the validation rows.
    validation_step : int, optional
        The step after which they were reached.
    stopped_early : bool
        Whether `Schedule.patience` ended the fit.
    token_budget : int
        Padded tokens (or vectors) computed at a time: less than at first if memory ran out.
    history : tuple of dict
        Numbers by step: ``loss``, ``grad_norm`` and ``learning_rate`` averaged or taken at that step, or
        ``eval_loss`` and ``eval_agreement``; with ``step`` and ``epoch``.
    """

    loss: float
    steps: int
    epochs: float
    seconds: float
    rows_per_second: float
    validation_loss: float | None = None
    validation_step: int | None = None
    stopped_early: bool = False
    token_budget: int = 0
    history: tuple[Mapping[str, float], ...] = ()
