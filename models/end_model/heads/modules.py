"""The layers above an encoder, each in the form in which sentence-transformers stores it.

A folder of that library is a chain of modules: the encoder in the root, then one folder per module with its settings
and its weights in safetensors. The library itself is not needed to write or read it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from ....data.errors import ModelError
from ....data.writing.atomic import write_json
from ...loading.folders import read_json

# The names of version 5, which later versions still know.
_LIBRARY = "sentence_transformers.models."
_MODULES = "modules.json"
_ACTIVATIONS = {
    "torch.nn.modules.linear.Identity": torch.nn.Identity,
    "torch.nn.modules.activation.ReLU": torch.nn.ReLU,
}


@dataclass(frozen=True)
class Part:
    """One module of the chain.

    Parameters
    ----------
    kind : str
        Class name, with its module unless it is of sentence-transformers.
    settings : dict
        Its settings file.
    weights : dict[str, Tensor]
        Its weights; may be empty.
    settings_file : str
        Name of the settings file.
    """

    kind: str
    settings: dict[str, Any] = field(default_factory=dict)
    weights: dict[str, torch.Tensor] = field(default_factory=dict)
    settings_file: str = "config.json"

    @property
    def name(self) -> str:
        """The class name alone."""
        return self.kind.rsplit(".", 1)[-1]


class Dense(torch.nn.Module):
    """A linear layer with an activation, ``"Identity"`` or ``"ReLU"``."""

    def __init__(self, in_features: int, out_features: int, activation: str) -> None:
        super().__init__()
        self.linear = torch.nn.Linear(in_features, out_features)
        self.activation = next(kind for name, kind in _ACTIVATIONS.items() if name.endswith(f".{activation}"))()
        torch.nn.init.normal_(self.linear.weight, std=0.02)
        torch.nn.init.zeros_(self.linear.bias)

    def forward(self, vectors: torch.Tensor) -> torch.Tensor:
        """Map vectors of shape (b, in) to (b, out)."""
        mapped: torch.Tensor = self.activation(self.linear(vectors))
        return mapped

    def part(self) -> Part:
        """Describe it for `write_parts`."""
        kind = type(self.activation)
        settings = {
            "in_features": self.linear.in_features,
            "out_features": self.linear.out_features,
            "bias": True,
            "activation_function": f"{kind.__module__}.{kind.__name__}",
        }
        return Part("Dense", settings, self.state_dict())


class Dropout(torch.nn.Dropout):
    """Dropout on sentence vectors."""

    def part(self) -> Part:
        """Describe it for `write_parts`."""
        return Part("Dropout", {"dropout": self.p})


class TokenLSTM(torch.nn.Module):
    """A bidirectional LSTM over the tokens of each text; padding does not reach it."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.encoder = torch.nn.LSTM(width, hidden, batch_first=True, bidirectional=True)

    @property
    def width(self) -> int:
        """Length of its token vectors."""
        return 2 * self.encoder.hidden_size

    def forward(self, tokens: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Map token vectors of shape (b, l, d) to (b, l, 2 hidden)."""
        lengths = mask.sum(dim=1).clamp(min=1).cpu()
        packed = torch.nn.utils.rnn.pack_padded_sequence(tokens, lengths, batch_first=True, enforce_sorted=False)
        with nullcontext() if self.training else without_onednn():
            states = self.encoder(packed)[0]
        return torch.nn.utils.rnn.pad_packed_sequence(states, batch_first=True, total_length=tokens.shape[1])[0]

    def part(self) -> Part:
        """Describe it for `write_parts`."""
        settings = {
            "word_embedding_dimension": self.encoder.input_size,
            "hidden_dim": self.encoder.hidden_size,
            "num_layers": 1,
            "dropout": 0,
            "bidirectional": True,
        }
        return Part("LSTM", settings, self.state_dict(), "lstm_config.json")


@contextmanager
def without_onednn() -> Iterator[None]:
    """Compute without oneDNN, which keeps what it compiles for every number of texts that are as long.

    Not by ``torch.backends.mkldnn.flags``, which warns of Intel GPUs.
    """
    before = torch.backends.mkldnn.enabled
    torch.backends.mkldnn.enabled = False  # type: ignore[assignment]  # a property of the module
    try:
        yield
    finally:
        torch.backends.mkldnn.enabled = before


class WordVectors(torch.nn.Module):
    """Word embeddings of its own, learned from nothing."""

    def __init__(self, size: int, width: int) -> None:
        super().__init__()
        self.emb_layer = torch.nn.Embedding(size, width)

    def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
        """Map ids of shape (b, l) to vectors of shape (b, l, width)."""
        vectors: torch.Tensor = self.emb_layer(input_ids)
        return vectors

    def part(self, max_length: int) -> Part:
        """Describe it for `write_parts`; its tokenizer lies beside it."""
        settings = {
            "tokenizer_class": f"{_LIBRARY}tokenizer.WordTokenizer.TransformersTokenizerWrapper",
            "update_embeddings": True,
            "max_seq_length": max_length,
        }
        return Part("WordEmbeddings", settings, self.state_dict(), "wordembedding_config.json")


def pool(tokens: torch.Tensor, mask: torch.Tensor, pooling: str) -> torch.Tensor:
    """Reduce token vectors of shape (b, l, d) to one per text, (b, d), by ``"mean"``, ``"cls"`` or ``"max"``."""
    if pooling == "cls":
        return tokens[:, 0]
    real = mask.unsqueeze(-1)
    if pooling == "max":
        return tokens.masked_fill(real == 0, float("-inf")).amax(dim=1)
    return (tokens * real).sum(dim=1) / real.sum(dim=1).clamp(min=1)


def pooling_part(width: int, pooling: str) -> Part:
    """Describe a pooling for `write_parts`."""
    flags = {"cls_token": "cls", "max_tokens": "max", "mean_tokens": "mean"}
    chosen = {f"pooling_mode_{flag}": name == pooling for flag, name in flags.items()}
    return Part("Pooling", {"word_embedding_dimension": width, **chosen})


def write_parts(folder: Path, parts: Sequence[Part]) -> None:
    """Write the chain: the first part into the folder itself, each other one into its own folder."""
    entries = []
    for number, part in enumerate(parts):
        path = f"{number}_{part.name}" if number else ""
        (folder / path).mkdir(exist_ok=True)
        write_json(folder / path / part.settings_file, part.settings)
        if part.weights:
            weights = {name: tensor.detach().float().cpu().contiguous() for name, tensor in part.weights.items()}
            save_file(weights, folder / path / "model.safetensors", metadata={"format": "pt"})
        kind = part.kind if "." in part.kind else _LIBRARY + part.kind
        entries.append({"idx": number, "name": str(number), "path": path, "type": kind})
    write_json(folder / _MODULES, entries)


def read_parts(folder: Path) -> list[Part]:
    """Read the chain back; the first part's settings and weights are left to who knows what it is.

    Raises
    ------
    ModelError
        If a file is missing or damaged.
    """
    entries = read_json(folder / _MODULES)
    if not isinstance(entries, list) or not entries:
        raise ModelError(f"{folder} is not a sentence-transformers folder: it has no usable {_MODULES}.")
    parts = [Part(str(entries[0].get("type")))]
    for entry in entries[1:]:
        place, kind = folder / str(entry.get("path")), str(entry.get("type"))
        file = "lstm_config.json" if kind.endswith(".LSTM") else "config.json"
        settings = read_json(place / file)
        if not isinstance(settings, dict):
            raise ModelError(f"The model folder {folder} is not complete: it has no {place.name}/{file}.")
        weights = place / "model.safetensors"
        parts.append(Part(kind, settings, load_file(weights) if weights.is_file() else {}, file))
    return parts


def restore(part: Part) -> Dense | Dropout | TokenLSTM:
    """Make the layer that a part describes."""
    layer: Dense | TokenLSTM
    if part.name == "Dropout":
        return Dropout(part.settings["dropout"])
    if part.name == "LSTM":
        layer = TokenLSTM(part.settings["word_embedding_dimension"], part.settings["hidden_dim"])
    elif part.name == "Dense":
        activation = part.settings["activation_function"].rsplit(".", 1)[-1]
        layer = Dense(part.settings["in_features"], part.settings["out_features"], activation)
    else:
        raise ModelError(f"An end model has no layer of kind '{part.name}'.")
    layer.load_state_dict(part.weights)
    return layer
