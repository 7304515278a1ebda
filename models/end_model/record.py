"""``labeler.json``: what a saved end model is, beyond its weights."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ...data.errors import ModelError
from ...data.writing.atomic import write_text

RECORD = "labeler.json"
FORMAT = 1
_CHARACTERS = 4  # of a subword token, about

Head = Literal["linear", "beebert", "mlp", "lstm", "bert_lstm", "ngram", "ensemble"]
Mode = Literal["full", "lora", "frozen"]
TokenPooling = Literal["mean", "cls", "max"]
WITHOUT_BACKBONE: tuple[Head, ...] = ("lstm", "ngram")
"""Heads with words of their own, learned from the training texts."""
PARTS = ("ngram", "encoder")
"""Folders of the end models in the folder of an ensemble."""


@dataclass(frozen=True)
class Backbone:
    """The pretrained model that an end model was built on; fields as in `ModelRef`."""

    name: str
    source: Literal["embedded", "folder", "hub"]
    digest: str


@dataclass(frozen=True)
class EndModelRecord:
    """What an end model is.

    Parameters
    ----------
    labels : tuple[str, ...]
        The k class names, in the order of the logits.
    head : str
        What turns token vectors into logits.
    mode : "full", "lora" or "frozen"
        How the backbone was trained: all weights, an adapter, which is then in the folder instead of them, or not at
        all. Of an ensemble these and the next four are of its encoder.
    pooling : "mean", "cls" or "max"
        How token vectors become one; "mean" where there are none.
    backbone : Backbone or None
        None for a model with embeddings of its own.
    prefix : str
        Put before every text; may be empty.
    max_length : int
        Longest input in tokens.
    trained_parameters, total_parameters : int
        Weights that were trained, and all of them.
    bias_offset : tuple[float, ...]
        The decision threshold: what was added to the k final biases after training. An ensemble has no such layer: it
        is to be added to the logits.
    scales : tuple[float, ...]
        Of an ensemble: what the centred logits of each part are multiplied by before they are added up.
    temperatures : tuple[float, ...]
        What logits are divided by before they become probabilities, by their largest class; empty where nothing is.
    format : int
        Version of this file.
    """

    labels: tuple[str, ...]
    head: Head
    mode: Mode
    pooling: TokenPooling
    backbone: Backbone | None
    prefix: str
    max_length: int
    trained_parameters: int
    total_parameters: int
    bias_offset: tuple[float, ...]
    scales: tuple[float, ...] = ()
    temperatures: tuple[float, ...] = ()
    format: int = FORMAT

    @property
    def first_token(self) -> bool:
        """Whether this is transformers' own sequence classifier."""
        return self.head == "linear" and self.pooling == "cls" and self.mode != "frozen"

    @property
    def longest_text(self) -> int:
        """Longest input in characters, for a model that has no tokens."""
        return _CHARACTERS * self.max_length

    @property
    def trained_share(self) -> float:
        """Trained weights as a share of all."""
        return self.trained_parameters / self.total_parameters


def write_record(folder: Path, record: EndModelRecord) -> None:
    """Write the record into a model folder."""
    from pydantic import TypeAdapter

    write_text(folder / RECORD, TypeAdapter(EndModelRecord).dump_json(record, indent=2).decode() + "\n")


@contextmanager
def writing_weights(folder: Path, *, mode_of: Path) -> Iterator[None]:
    """Explain failures of writing weights, and let those read them who may read the file `mode_of`."""
    from safetensors import SafetensorError

    try:
        yield
    except SafetensorError as error:  # how the library reports what the system said
        raise ModelError(f"The model cannot be written to {folder}: {error}.") from error
    for path in folder.rglob("*.safetensors"):  # the library lets only the owner read them
        shutil.copymode(mode_of, path)


def read_record(folder: Path) -> EndModelRecord:
    """Read the record of a model folder.

    Raises
    ------
    ModelError
        If there is none, or it is damaged or of a newer format.
    """
    from pydantic import TypeAdapter, ValidationError

    path = folder / RECORD
    hint = "Give a folder that `labeler train` wrote, or train again."
    try:
        record = TypeAdapter(EndModelRecord).validate_json(path.read_bytes())
    except FileNotFoundError:
        raise ModelError(f"{folder} is not an end model: it has no {RECORD}.", hint=hint) from None
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error}.") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        raise ModelError(f"{path} does not describe an end model: {place}: {first['msg']}.", hint=hint) from error
    if record.format > FORMAT:
        raise ModelError(
            f"{path} has format {record.format}; this version of labeler reads up to {FORMAT}.",
            hint="pip install -U labeler",
        )
    counts = {
        "bias offsets": (len(record.bias_offset), len(record.labels)),
        "temperatures": (len(record.temperatures), len(record.labels) if record.temperatures else 0),
        "scales": (len(record.scales), len(PARTS) if record.head == "ensemble" else 0),
    }
    for name, (found, expected) in counts.items():
        if found != expected:
            raise ModelError(f"{path} has {found} {name}, {expected} are expected.", hint=hint)
    return record
