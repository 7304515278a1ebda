"""Keeping what a finished phase of a training reached, so that one killed in a later phase need not repeat it."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from ....data.distributed import is_main_process
from ....data.writing.atomic import atomic_path
from .schedule import Fit

if TYPE_CHECKING:
    from ...end_model.classifier import TextClassifier


def keep_phase(file: Path, classifier: TextClassifier, fit: Fit, *, key: str) -> None:
    """Write the trainable parameters and the numbers of a finished phase; only the main process does.

    Raises
    ------
    RunError
        If they cannot be written.
    """
    from safetensors.torch import save_file

    if not is_main_process():
        return
    state = {name: tensor.detach().cpu().contiguous() for name, tensor in classifier.trainable_state().items()}
    file.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(file) as path:
        save_file(state, path, metadata={"key": key, "fit": json.dumps(asdict(fit))})


def finished_phase(file: Path, classifier: TextClassifier, *, key: str) -> Fit | None:
    """Load the weights of a phase that was finished with the same key.

    Returns
    -------
    Fit or None
        None if there is none, or it is damaged: then the phase runs again.
    """
    from safetensors import SafetensorError, safe_open
    from safetensors.torch import load_file

    try:
        with safe_open(file, framework="pt") as opened:
            metadata = opened.metadata() or {}
        if metadata.get("key") != key:
            return None
        numbers = json.loads(metadata["fit"])
        classifier.load_trainable_state(load_file(file))
        return Fit(**numbers | {"history": tuple(numbers["history"])})
    except (OSError, SafetensorError, ValueError, KeyError, TypeError):
        return None
