"""A sequence classifier of transformers: the architecture's own head over the first token."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from ...loading.resolve import ModelRef
from ..backbone import Plan, choose_trainable, load_backbone, set_dropout
from ..classifier import TextClassifier, write_tokenizer
from ..lora import merge_adapter, write_adapter
from ..record import EndModelRecord


class FirstTokenClassifier(TextClassifier):
    """``AutoModelForSequenceClassification`` as an end model.

    Its head computes in float32 also where the encoder computes in bfloat16.

    Parameters
    ----------
    record : EndModelRecord
        What this model is.
    tokenizer : transformers.PreTrainedTokenizerFast
        Splits texts.
    model : transformers.PreTrainedModel
        The model.
    base : ModelRef, optional
        What an adapter is saved for; without it the whole model is saved.
    """

    def __init__(self, record: EndModelRecord, tokenizer: Any, model: Any, base: ModelRef | None = None) -> None:
        super().__init__(record, tokenizer)
        self.model = model
        self.base = base
        for name in head_modules(model):
            model.get_submodule(name).register_forward_pre_hook(_in_own_format)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Return logits; see `TextClassifier.forward`."""
        logits: torch.Tensor = self.model(input_ids=input_ids, attention_mask=attention_mask).logits
        return logits.float()

    @property
    def backbone(self) -> torch.nn.Module:
        """The encoder."""
        encoder: torch.nn.Module = self.model.base_model
        return encoder

    def is_head(self, name: str) -> bool:
        """Return whether the parameter `name` is not of the pretrained part."""
        return is_head_weight(self.model, name.removeprefix("model."))

    def final_layer(self) -> torch.nn.Linear:
        """Return the layer whose outputs are the logits."""
        heads = [self.model.get_submodule(name) for name in head_modules(self.model)]
        *_, last = (part for head in heads for part in head.modules() if isinstance(part, torch.nn.Linear))
        return last

    def write_model(self, folder: Path) -> None:
        """Write the model or its adapter, and the tokenizer."""
        if self.base is None:
            self.model.save_pretrained(str(folder))
        else:
            heads = [name.split(".")[-1] for name in head_modules(self.model)]
            write_adapter(self.model, folder, base=self.base, heads=heads, task="SEQ_CLS")
        write_tokenizer(self.tokenizer, folder, self.max_length)


def build_first_token(record: EndModelRecord, tokenizer: Any, backbone: ModelRef, plan: Plan) -> FirstTokenClassifier:
    """Put a fresh head on a backbone; see `build_classifier`."""
    model, lacking = load_backbone(
        backbone.path,
        "AutoModelForSequenceClassification",
        may_lack=is_head_weight,
        labels=record.labels,
        plan=plan,
    )
    set_dropout(model, plan.dropout)
    set_dropout(model.base_model, 0.0)
    choose_trainable(model, plan)
    for name, parameter in model.named_parameters():
        if is_head_weight(model, name):
            parameter.data = parameter.data.float()
            parameter.requires_grad_(True)
            # Weights of another task's head are of no use; a trained pooler is.
            if name in lacking or not name.startswith(f"{model.base_model_prefix}."):
                _begin_small(parameter)
    return FirstTokenClassifier(record, tokenizer, model, backbone if plan.lora else None)


def load_first_token(
    record: EndModelRecord, tokenizer: Any, folder: Path, base: ModelRef | None
) -> FirstTokenClassifier:
    """Load a saved classifier in float32; an adapter is merged into its `base`."""
    model, _ = load_backbone(
        base.path if base else folder,
        "AutoModelForSequenceClassification",
        may_lack=is_head_weight if base else lambda model, name: False,
        labels=record.labels,
    )
    if base:
        heads = [name for name, _ in model.named_parameters() if is_head_weight(model, name)]
        merge_adapter(model, folder, heads=heads)
    return FirstTokenClassifier(record, tokenizer, model)


def head_modules(model: Any) -> list[str]:
    """Name the modules above the encoder: the pooler that some families keep inside it, and those beside it."""
    base = model.base_model_prefix
    inside = [f"{base}.pooler"] if getattr(model.base_model, "pooler", None) is not None else []
    beside = [name for name, part in model.named_children() if name != base and any(True for _ in part.parameters())]
    return inside + beside


def is_head_weight(model: Any, name: str) -> bool:
    """Return whether a parameter belongs to one of the `head_modules`."""
    return name.startswith(tuple(f"{module}." for module in head_modules(model)))


def _begin_small(parameter: torch.nn.Parameter) -> None:
    if parameter.dim() > 1:
        torch.nn.init.normal_(parameter, std=0.02)
    else:
        torch.nn.init.zeros_(parameter)


def _in_own_format(module: torch.nn.Module, inputs: Sequence[Any]) -> tuple[Any, ...]:
    """Convert a head's input to the format of its weights, where it has ordinary ones."""
    dtype = next((parameter.dtype for parameter in module.parameters()), None)
    return tuple(item.to(dtype) if torch.is_tensor(item) and dtype else item for item in inputs)
