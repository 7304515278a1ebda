"""What an ordinary Hugging Face model folder says about itself, read without loading any weights."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ...data.errors import ModelError

Pooling = Literal["mean", "cls"]

_DIGESTED = ("*.safetensors", "*.json", "*.txt", "*.model", "*/config.json", "*/*.safetensors")
_CHUNK = 1 << 20


@dataclass(frozen=True)
class SentenceSettings:
    """How a folder's token vectors become a sentence vector.

    Parameters
    ----------
    pooling : "mean" or "cls"
        Mean over tokens, or the first token's vector.
    prefix : str
        Text put before every input; may be empty.
    passage_prefix : str
        Text put before what inputs are compared with, where it has one of its own; else `prefix`.
    max_length : int or None
        Longest input in tokens, where the folder says so.
    """

    pooling: Pooling = "mean"
    prefix: str = ""
    passage_prefix: str = ""
    max_length: int | None = None


def read_json(path: Path) -> Any:
    """Read a JSON file of a model folder; a missing one is ``None``.

    Raises
    ------
    ModelError
        If the file is there but cannot be read.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise ModelError(f"The model file {path} cannot be read: {error}.") from error


def read_config(folder: Path) -> dict[str, Any]:
    """Read ``config.json`` of a model folder.

    Raises
    ------
    ModelError
        If it is missing, unreadable or not an object.
    """
    config = read_json(folder / "config.json")
    if not isinstance(config, dict):
        raise ModelError(
            f"{folder} is not a Hugging Face model folder: it has no usable config.json.",
            hint="Expected config.json, *.safetensors and a tokenizer, as `save_pretrained` writes them.",
        )
    return config


def is_sentence_encoder(folder: Path) -> bool:
    """Return whether a folder says, in the way of sentence-transformers, how it embeds sentences."""
    return (folder / "modules.json").is_file()


def hidden_size(folder: Path) -> int:
    """Return the width of the model's token vectors.

    Raises
    ------
    ModelError
        If ``config.json`` does not say.
    """
    config = read_config(folder)
    for key in ("hidden_size", "dim", "d_model"):  # BERT and most others, DistilBERT, T5
        if isinstance(config.get(key), int):
            return int(config[key])
    raise ModelError(f"config.json in {folder} does not give the width of its vectors (hidden_size).")


def check_weights(folder: Path) -> None:
    """Refuse folders whose weights are missing or only pickled.

    Raises
    ------
    ModelError
        If there is no ``*.safetensors`` file in the folder.
    """
    if any(folder.glob("*.safetensors")):
        return
    pickled = sorted(path.name for pattern in ("*.bin", "*.pt", "*.ckpt") for path in folder.glob(pattern))
    if pickled:
        raise only_pickled(str(folder), pickled)
    raise ModelError(f"The model folder {folder} has no weights (*.safetensors).")


def only_pickled(name: str, files: list[str]) -> ModelError:
    """Describe a model that has weights only as pickles, which run code when they are loaded."""
    return ModelError(
        f"{name} has its weights only as pickles ({', '.join(files[:3])}); only safetensors are loaded.",
        hint="Use another revision or model, or convert it on a machine where you trust it with "
        "`AutoModel.from_pretrained(...).save_pretrained(folder)` and give that folder.",
    )


def sentence_settings(folder: Path) -> SentenceSettings:
    """Read the sentence-transformers files of a folder; without them: mean over tokens, no prefix.

    Raises
    ------
    ModelError
        If the folder needs a module or a pooling that is not supported here.
    """
    modules = read_json(folder / "modules.json") or []
    settings = read_json(folder / "config_sentence_transformers.json") or {}
    prompts = settings.get("prompts") or {}
    limits = read_json(folder / "sentence_bert_config.json") or {}
    query, passage = ("query: ", "passage: ") if _is_e5(folder) else ("", "")
    prefix = prompts.get(settings.get("default_prompt_name")) or query
    return SentenceSettings(
        pooling=_pooling(folder, modules),
        prefix=prefix,
        passage_prefix=prompts.get("passage") or prompts.get("document") or passage or prefix,
        max_length=limits.get("max_seq_length"),
    )


def folder_digest(folder: Path) -> str:
    """Return the sha256 over the names and contents of a folder's weights, tokenizer and settings.

    Raises
    ------
    ModelError
        If a file cannot be read.
    """
    total = hashlib.sha256()
    paths = {path for pattern in _DIGESTED for path in folder.glob(pattern) if path.is_file()}
    for path in sorted(paths):
        try:
            with path.open("rb") as file:
                content = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise ModelError(f"The model file {path} cannot be read: {error}.") from error
        total.update(f"{path.relative_to(folder).as_posix()}\0{content}\n".encode())
    return total.hexdigest()


def _pooling(folder: Path, modules: list[dict[str, Any]]) -> Pooling:
    for module in modules:
        kind = str(module.get("type", "")).rsplit(".", 1)[-1]
        if kind in ("Transformer", "Normalize"):
            continue
        if kind != "Pooling":
            raise ModelError(
                f"{folder} ends in a '{kind}' module, which is not supported; expected Transformer, Pooling, Normalize."
            )
        config = read_json(folder / str(module.get("path", "")) / "config.json") or {}
        modes = [mode for mode in ("mean", "cls", "max", "lasttoken") if _has_mode(config, mode)] or ["mean"]
        if modes == ["mean"]:
            return "mean"
        if modes == ["cls"]:
            return "cls"
        raise ModelError(f"{folder} pools tokens by {' + '.join(modes)}; only mean and cls are supported.")
    return "mean"


def _has_mode(config: dict[str, Any], mode: str) -> bool:
    """Read both forms of a pooling config: ``pooling_mode: "mean"`` and ``pooling_mode_mean_tokens: true``."""
    chosen = config.get("pooling_mode")
    if chosen is not None:
        return mode in ([chosen] if isinstance(chosen, str) else chosen)
    flag = {"mean": "mean_tokens", "cls": "cls_token", "max": "max_tokens", "lasttoken": "lasttoken"}[mode]
    return bool(config.get(f"pooling_mode_{flag}"))


def _is_e5(folder: Path) -> bool:
    """Return whether a folder is of the E5 family, whose folders do not name the prefixes they were trained with."""
    name = str((read_json(folder / "config.json") or {}).get("_name_or_path", ""))
    parts = [name, folder.name, *(part for part in folder.parts if part.startswith("models--"))]
    family = any(part.split("/")[-1].split("--")[-1].lower().startswith(("e5-", "multilingual-e5-")) for part in parts)
    return family and "instruct" not in "".join(parts).lower()
