"""Training a text classifier on soft labels: one call, whatever the classifier is made of."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ....data.errors import ModelError
from ...loading.device import Compute, init_distributed, quiet_transformers
from ..history import TrainingLog
from .batches import Batches, Examples
from .checkpoints import last_checkpoint, remove_checkpoints
from .losses import Loss
from .schedule import Fit, Schedule


def fit_classifier(
    classifier: Any,
    examples: Batches,
    *,
    schedule: Schedule,
    loss: Loss,
    compute: Compute,
    validation: Examples | None = None,
    checkpoints: Path | None = None,
    key: str = "",
    resume: bool = True,
    log: TrainingLog | None = None,
) -> Fit:
    """Train a classifier in place.

    The result depends on the arguments and the machine, not on interruptions: a killed fit that is called again with
    the same arguments continues from its last checkpoint and reaches the same weights.

    Parameters
    ----------
    classifier : TextClassifier or MaskedModel
        Its trainable parameters change. Afterwards it is in evaluation mode and on the device.
    examples : Examples or MaskedTexts
        The rows to learn from.
    schedule : Schedule
        How long and how fast.
    loss : SoftLoss or `token_loss`
        What is minimised.
    compute : Compute
        Device and number format; bfloat16 means autocast over float32 weights.
    validation : Examples, optional
        Rows that tell which weights are the best: those that agree most, in rank, with the rows' soft labels.
    checkpoints : Path, optional
        Folder for checkpoints. They stay: a process that is killed later repeats only what came after the last one.
        Without it a killed fit starts again.
    key : str
        Identifies the classifier's start and all other arguments: checkpoints of another key are not resumed.
    resume : bool
        False removes existing checkpoints.
    log : TrainingLog, optional
        Where the numbers of the fit go as they come.

    Returns
    -------
    Fit

    Raises
    ------
    ModelError
        If there are no rows, nothing to train, or a single row does not fit into memory.
    TrainingDivergedError
        If the loss or a weight becomes infinite or NaN.
    """
    if not len(examples):
        raise ModelError("There are no rows to train on.")
    if not classifier.head_parameters() and not classifier.encoder_parameters():
        raise ModelError("The classifier has no trainable parameters.")
    # The Trainer needs a folder even if it writes nothing.
    place = TemporaryDirectory(prefix="labeler-") if checkpoints is None else nullcontext(checkpoints)
    with quiet_transformers(), _own_random_state(), place as name:
        from .trainer import SoftLabelTrainer  # imports transformers' Trainer

        folder = Path(name)
        with init_distributed(compute).main_process_first():  # the others find what it left
            if not resume:
                remove_checkpoints(folder)
            start = last_checkpoint(folder, key=key)
        trainer = SoftLabelTrainer(
            classifier,
            examples,
            validation if validation is not None and len(validation) else None,
            schedule=schedule,
            loss=loss,
            compute=compute,
            folder=folder,
            key=key,
            log=log,
        )
        return trainer.fit(start)


@contextmanager
def _own_random_state() -> Iterator[None]:
    """Put the global random generators back as they were: the Trainer seeds them all."""
    import random

    import numpy as np
    import torch

    python, array = random.getstate(), np.random.get_state()  # noqa: NPY002
    try:
        with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
            yield
    finally:
        random.setstate(python)
        np.random.set_state(array)  # noqa: NPY002
