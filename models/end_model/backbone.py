"""Opening a pretrained encoder to build an end model on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from ...data.errors import ModelError
from ..loading.open_model import explain_loading
from .lora import LoraOptions, add_adapters

Auto = Literal["AutoModel", "AutoModelForMaskedLM", "AutoModelForSequenceClassification"]


@dataclass(frozen=True)
class Plan:
    """How a backbone is made ready for training.

    Parameters
    ----------
    dtype : torch.dtype
        Format of the weights that are not trained.
    attention : str or None
        Which implementation of attention; None for the one that transformers takes for the model.
    dropout : float
        Dropout rate above the encoder.
    lora : LoraOptions or None
        Adapters; without them the encoder's own weights are trainable.
    train_embeddings : bool
        Train dominant word embeddings too.
    """

    dtype: torch.dtype
    attention: str | None
    dropout: float
    lora: LoraOptions | None
    train_embeddings: bool


def load_backbone(
    folder: Path,
    auto: Auto,
    *,
    may_lack: Callable[[Any, str], bool],
    labels: Sequence[str] = (),
    plan: Plan | None = None,
) -> tuple[Any, set[str]]:
    """Load a model, and list which of its weights the folder does not have.

    Parameters
    ----------
    folder : Path
        A Hugging Face model folder.
    auto : str
        Name of the auto class of transformers.
    may_lack : callable
        Takes a model and the name of one of its weights; returns whether the folder may lack it.
    labels : Sequence[str]
        The class names of a sequence classifier.
    plan : Plan, optional
        Format of the weights and implementation of attention; by default float32 and what transformers takes.

    Returns
    -------
    (transformers.PreTrainedModel, set[str])
        The names are of weights that are missing or of another shape; they have random values.

    Raises
    ------
    ModelError
        If the folder cannot be loaded, or lacks a weight that it may not lack.
    """
    import transformers

    options: dict[str, Any] = {"attn_implementation": plan.attention} if plan and plan.attention else {}
    if labels:
        names = dict(enumerate(labels))
        options |= {"id2label": names, "label2id": {name: i for i, name in names.items()}}
        options |= {"num_labels": len(labels), "problem_type": "single_label_classification"}
    with explain_loading("model", folder):
        model, report = getattr(transformers, auto).from_pretrained(
            str(folder),
            dtype=plan.dtype if plan else torch.float32,
            local_files_only=True,
            use_safetensors=True,
            output_loading_info=True,
            ignore_mismatched_sizes=True,
            **options,
        )
    lacking = {*report["missing_keys"], *(name for name, *_ in report["mismatched_keys"])}
    if absent := sorted(name for name in lacking if not may_lack(model, name)):
        raise ModelError(
            f"The weights in {folder} do not fit its config.json: {len(absent)} are missing or of another shape, "
            f"for example {absent[0]}.",
            hint="Is the folder complete?",
        )
    return model, lacking


def is_pooler(model: Any, name: str) -> bool:
    """Return whether a weight is of the pooler over the first token, which checkpoints often lack."""
    return "pooler" in name.split(".")


def set_dropout(module: Any, rate: float) -> None:
    """Set every dropout rate below `module`; the settings that are saved with it stay as they are."""
    for part in module.modules():
        if isinstance(part, torch.nn.Dropout):
            part.p = rate
        elif isinstance(getattr(part, "attention_dropout", None), float):  # kept as a number by newer models
            part.attention_dropout = rate


def choose_trainable(model: Any, plan: Plan) -> None:
    """Decide which of an encoder's parameters are trainable, and make these float32.

    Word embeddings that are more than half of all weights stay as they are unless asked for: few of their rows are
    seen in training, and the optimiser's work on all of them would take most of the time.
    """
    if plan.lora:
        add_adapters(model, plan.lora)
    elif not plan.train_embeddings:
        words = model.get_input_embeddings().weight
        if 2 * words.numel() > sum(parameter.numel() for parameter in model.parameters()):
            words.requires_grad_(False)
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.float()
