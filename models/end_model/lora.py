"""Low-rank adapters: where they go, and reading and writing them in peft's format.

Source: Hu et al. (2022), "LoRA: Low-Rank Adaptation of Large Language Models", as the library peft implements it.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from ...data.errors import ModelError
from ...data.settings import Section
from ..loading.folders import read_json

if TYPE_CHECKING:
    from ..loading.resolve import ModelRef

_CONFIG = "adapter_config.json"
_WEIGHTS = "adapter_model.safetensors"
_NAMESPACE = "base_model.model."  # peft's prefix for the names of the adapted model


class LoraOptions(Section):
    """Low-rank adapters (Hu et al. 2021) on the attention projections."""

    rank: int = Field(default=16, ge=1, description="Rank of each adapter.")
    alpha: int = Field(default=32, ge=1, description="Scale: adapters are multiplied by alpha / rank.")
    dropout: float = Field(default=0.0, ge=0, lt=1, description="Dropout before each adapter.")
    feed_forward: bool = Field(default=False, description="Adapters on the feed-forward layers too.")


def target_modules(model: Any, *, feed_forward: bool = False) -> list[str]:
    """Find the layers to adapt by looking at the model, whatever its family calls them.

    They are the linear layers of the repeated blocks: those below a module with "att" in its name are the attention's
    query, key, value and output, the others the feed-forward. DeBERTa's projections of positions are left out.

    Parameters
    ----------
    model : torch.nn.Module
        An encoder, with or without a head.
    feed_forward : bool
        Return the feed-forward layers too.

    Returns
    -------
    list[str]
        Names within a block, sorted; for BERT for example ``attention.self.query``.

    Raises
    ------
    ModelError
        If there are no attention projections.
    """
    import torch

    names = [name for name, module in model.named_modules() if type(module) is torch.nn.Linear]
    inside = {match[1] for name in names if (match := re.fullmatch(r".*\.\d+\.(.+)", name))}
    attention = {name for name in inside if "att" in name.lower() and not name.split(".")[-1].startswith("pos_")}
    if not attention:
        raise ModelError(
            f"No attention projections were found in a model of type '{model.config.model_type}'; "
            "LoRA needs linear layers in an attention block.",
            hint="Train all weights (--mode full), or use a BERT-like backbone.",
        )
    rest = {name for name in inside if "att" not in name.lower()}
    return sorted(attention | rest if feed_forward else attention)


def add_adapters(model: Any, options: LoraOptions) -> None:
    """Put adapters into a transformers model; only they remain trainable."""
    import torch
    from peft import LoraConfig, inject_adapter_in_model

    from .fused_adapter import FusedAdapter

    config = LoraConfig(
        r=options.rank,
        lora_alpha=options.alpha,
        lora_dropout=options.dropout,
        target_modules=target_modules(model, feed_forward=options.feed_forward),
    )
    config._register_custom_module({torch.nn.Linear: FusedAdapter})
    inject_adapter_in_model(config, model)
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(".lora_" in name)


def write_adapter(model: Any, folder: Path, *, base: ModelRef, heads: Sequence[str], task: str) -> None:
    """Write what was trained as an adapter folder that peft opens.

    Parameters
    ----------
    model : torch.nn.Module
        As `add_adapters` left it.
    folder : Path
        An existing folder.
    base : ModelRef
        What the adapter is for: hub models are recorded by name and commit, others by path.
    heads : Sequence[str]
        Names of trained modules that the adapter holds whole.
    task : str
        peft's task type, for example ``"SEQ_CLS"``.
    """
    from safetensors.torch import save_file

    config = copy.copy(model.peft_config["default"])
    config.base_model_name_or_path = base.name if base.source == "hub" else str(base.path)
    config.revision = base.digest if base.source == "hub" else None
    config.modules_to_save = sorted(heads) or None
    config.task_type, config.inference_mode = task, True
    config.save_pretrained(str(folder))
    weights = {
        _NAMESPACE + name.replace(".default.", "."): parameter.detach().float().cpu().contiguous()
        for name, parameter in model.named_parameters()
        if parameter.requires_grad
    }
    save_file(weights, folder / _WEIGHTS, metadata={"format": "pt"})


def merge_adapter(model: Any, folder: Path, *, heads: Sequence[str]) -> None:
    """Add an adapter's products to the weights they adapt, and put its heads in place.

    This is peft's ``merge_and_unload`` without peft, whose import costs more than loading the model.

    Parameters
    ----------
    model : torch.nn.Module
        The base in float32: in bfloat16 most of an adapter would be lost in rounding.
    folder : Path
        As `write_adapter` wrote it.
    heads : Sequence[str]
        Names of the parameters that the adapter must hold.

    Raises
    ------
    ModelError
        If the adapter is incomplete, of another kind, or does not fit the model.
    """
    import torch
    from safetensors.torch import load_file

    config = read_json(folder / _CONFIG) or {}
    if config.get("peft_type") != "LORA" or config.get("use_dora") or config.get("use_rslora"):
        raise ModelError(f"{folder / _CONFIG} does not describe a plain LoRA adapter.", hint="Train again.")
    tensors = {name.removeprefix(_NAMESPACE): tensor for name, tensor in load_file(folder / _WEIGHTS).items()}
    if missing := sorted(set(heads) - set(tensors)):
        raise ModelError(f"The adapter in {folder} lacks {', '.join(missing[:3])}.", hint="Train again.")
    scale = config["lora_alpha"] / config["r"]
    with torch.no_grad():
        for name, tensor in tensors.items():
            if name.endswith(".lora_A.weight"):
                up = tensors[name.replace(".lora_A.", ".lora_B.")]
                model.get_parameter(name.replace(".lora_A.", ".")).add_(scale * (up @ tensor))
            elif not name.endswith(".lora_B.weight"):
                model.get_parameter(name).copy_(tensor)
