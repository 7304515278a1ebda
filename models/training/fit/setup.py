"""What the Trainer of transformers is given: a model, an optimizer, its arguments."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import torch
from transformers import Trainer, TrainingArguments
from transformers.integrations import TensorBoardCallback

from ...loading.device import Compute
from ..history import TrainingLog
from .schedule import Schedule

_LOGS_PER_EPOCH = 20


class TrainedModel(torch.nn.Module):
    """What the Trainer sees: accelerate replaces the `forward` of its model, which must not be the classifier's.

    Parameters
    ----------
    classifier : TextClassifier
        Shared, not copied.
    """

    def __init__(self, classifier: Any) -> None:
        super().__init__()
        self.classifier = classifier

    def forward(
        self, vectors: Any = None, input_ids: Any = None, attention_mask: Any = None, positions: Any = None
    ) -> torch.Tensor:
        """Return logits for what `Batches.batch` makes: one row per text, or per position."""
        if vectors is not None:
            logits: torch.Tensor = self.classifier.classify(vectors)
        else:
            places = {} if positions is None else {"positions": positions}
            logits = self.classifier(input_ids=input_ids, attention_mask=attention_mask, **places)
        return logits


def make_optimizer(classifier: Any, schedule: Schedule) -> torch.optim.Optimizer:
    """Make AdamW with the encoder's and the head's rate; biases and norms, which are vectors, do not decay."""
    rates = [
        (schedule.learning_rate, classifier.encoder_parameters()),
        (schedule.head_learning_rate, classifier.head_parameters()),
    ]
    groups = [
        {"params": chosen, "lr": rate, "weight_decay": schedule.weight_decay * decays}
        for rate, parameters in rates
        for decays in (True, False)
        if (chosen := [parameter for parameter in parameters if (parameter.ndim > 1) == decays])
    ]
    return torch.optim.AdamW(groups, fused=True)


def training_arguments(
    schedule: Schedule, compute: Compute, folder: Path, *, rows: int, validating: bool, log: TrainingLog | None = None
) -> TrainingArguments:
    """Translate a schedule; nothing is printed or saved by the Trainer's own rules."""
    per_epoch = math.ceil(rows / schedule.batch_size)
    return TrainingArguments(
        output_dir=str(folder),
        per_device_train_batch_size=schedule.batch_size,
        num_train_epochs=schedule.epochs,
        warmup_steps=schedule.warmup,
        lr_scheduler_type="linear",
        max_grad_norm=schedule.max_grad_norm,
        seed=schedule.seed,
        use_cpu=compute.device == "cpu",
        bf16=compute.dtype == "bfloat16",
        logging_steps=math.ceil(per_epoch / _LOGS_PER_EPOCH),
        logging_nan_inf_filter=False,  # each loss is looked at in the step
        eval_strategy="steps" if validating and schedule.patience is not None else "no",
        eval_steps=math.ceil(per_epoch / schedule.evaluations_per_epoch),
        save_strategy="no",  # a callback asks for checkpoints by the clock
        remove_unused_columns=False,
        label_names=[],
        report_to=list(log.log_to) if log and log.log_to else "none",
        run_name=f"{log.file.parent.name}/{log.name}" if log else None,
        project="labeler",
        disable_tqdm=True,
    )


def name_tensorboard(trainer: Trainer, log: TrainingLog) -> None:
    """Give each fit a folder of its own for TensorBoard; the Trainer's would be gone with the checkpoints."""
    for callback in trainer.callback_handler.callbacks:
        if isinstance(callback, TensorBoardCallback):
            callback.logging_dir = str(Path(callback.logging_dir or log.tensorboard) / log.name)


def row_numbers(rows: list[int]) -> dict[str, list[int]]:
    """Collate a batch to the positions of its rows: a step pads them itself, part by part."""
    return {"rows": rows}
