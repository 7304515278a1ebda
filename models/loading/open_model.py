"""Opening a model folder with transformers: safetensors only, no remote code, errors in the user's words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from ...data.errors import ModelError
from .device import Compute, quiet_transformers
from .folders import read_config
from .packing import pack_linear_layers

Head = Literal["AutoModel", "AutoModelForMaskedLM", "AutoModelForSequenceClassification"]
_OFFSET_POSITIONS = {"roberta", "xlm-roberta", "camembert", "xlm-roberta-xl", "roberta-prelayernorm"}
LONGEST = 512


def load_model(folder: Path, head: Head, compute: Compute) -> Any:
    """Load a model for inference.

    Parameters
    ----------
    folder : Path
        A Hugging Face model folder.
    head : str
        Name of the auto class of transformers.
    compute : Compute
        Device and number format.

    Returns
    -------
    transformers.PreTrainedModel
        In evaluation mode, on the device.

    Raises
    ------
    ModelError
        If the folder cannot be loaded.
    """
    import transformers

    with explain_loading("model", folder):
        model = getattr(transformers, head).from_pretrained(
            str(folder), dtype=compute.torch_dtype, local_files_only=True, use_safetensors=True
        )
    model = model.eval().to(compute.device)
    if compute == Compute("cpu", "bfloat16"):
        pack_linear_layers(model)
    return model


def load_tokenizer(folder: Path) -> Any:
    """Load a folder's fast tokenizer.

    Returns
    -------
    transformers.PreTrainedTokenizerFast

    Raises
    ------
    ModelError
        If there is none or it cannot be loaded.
    """
    from transformers import AutoTokenizer

    with explain_loading("tokenizer", folder):
        tokenizer = AutoTokenizer.from_pretrained(str(folder), local_files_only=True, use_fast=True)
    if not tokenizer.is_fast:
        raise ModelError(f"The model folder {folder} has no fast tokenizer (tokenizer.json).")
    return tokenizer


def longest_input(folder: Path, tokenizer: Any, *, stated: int | None = None) -> int:
    """Return the longest input in tokens: the smallest of what the folder, its tokenizer and 512 allow."""
    config = read_config(folder)
    limits: list[int | None] = [LONGEST, tokenizer.model_max_length, stated]
    positions = config.get("max_position_embeddings")
    if isinstance(positions, int) and positions > 0:
        # The RoBERTa family numbers positions from pad + 1.
        skipped = (config.get("pad_token_id") or 0) + 1 if config.get("model_type") in _OFFSET_POSITIONS else 0
        limits.append(positions - skipped)
    return min(limit for limit in limits if limit)


@contextmanager
def explain_loading(what: str, folder: Path) -> Iterator[None]:
    """Keep transformers quiet while something is loaded from `folder`; what goes wrong becomes a `ModelError`."""
    with explain_errors(what, folder), quiet_transformers():
        yield


@contextmanager
def explain_errors(what: str, folder: Path) -> Iterator[None]:
    """Make a `ModelError` of what goes wrong while something is loaded from `folder`."""
    from safetensors import SafetensorError

    expected = (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError, ImportError, SafetensorError)
    try:
        yield
    except expected as error:
        first = str(error).strip().splitlines() or [type(error).__name__]
        raise ModelError(
            f"The {what} in {folder} cannot be loaded: {first[0]}",
            hint="Is the folder complete? Models that need their own code (trust_remote_code) are not supported.",
        ) from error
