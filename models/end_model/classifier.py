"""What training, prediction and saving need of an end model, whatever its kind."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from ..loading.device import quiet_transformers
from .record import RECORD, EndModelRecord, write_record, writing_weights
from .seen_tokens import merge_seen_tokens
from .trainable import TrainableModule

CHARACTERS_PER_TOKEN = 20
"""Longer texts are cut to this many characters per token before they are split into tokens: a 1 MB review must not
cost seconds for the 128 tokens that are kept."""


class TextClassifier(TrainableModule):
    """An encoder with a head over k classes.

    Parameters
    ----------
    record : EndModelRecord
        What this model is; its counts of weights and its bias offset are kept up to date here.
    tokenizer : transformers.PreTrainedTokenizerFast
        Splits texts.
    """

    encoder_frozen = False
    """Whether only `classify` is trained, on vectors that `embed` gives: compute these once."""

    def __init__(self, record: EndModelRecord, tokenizer: Any) -> None:
        super().__init__()
        self.record = record
        self.tokenizer = tokenizer

    @property
    def labels(self) -> tuple[str, ...]:
        """The k class names, in the order of the logits."""
        return self.record.labels

    @property
    def max_length(self) -> int:
        """Longest input in tokens."""
        return self.record.max_length

    @property
    def pad_token_id(self) -> int:
        """Token id that fills up short rows."""
        return int(self.tokenizer.pad_token_id or 0)

    def token_rows(self, texts: Sequence[str]) -> Sequence[Sequence[int]]:
        """Split texts into token ids: prefix and special tokens added, cut at `max_length`, not padded."""
        if not texts:
            return []
        longest = CHARACTERS_PER_TOKEN * self.max_length
        rows: list[list[int]] = self.tokenizer(
            [self.record.prefix + text[:longest] for text in texts],
            truncation=True,
            max_length=self.max_length,
            return_attention_mask=False,
            return_token_type_ids=False,
        )["input_ids"]
        return rows

    @abstractmethod
    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Return logits.

        Parameters
        ----------
        input_ids, attention_mask : Tensor of int64, shape (b, l)
            Rows padded on the right; the mask is 1 on tokens.

        Returns
        -------
        Tensor of float32, shape (b, k)
        """

    def embed(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Return the frozen encoder's sentence vectors, float32 of shape (b, d), without gradients."""
        raise NotImplementedError("only a classifier with a frozen encoder is trained on vectors")

    def classify(self, vectors: torch.Tensor) -> torch.Tensor:
        """Return the logits, float32 of shape (b, k), of what `embed` returned."""
        raise NotImplementedError("only a classifier with a frozen encoder is trained on vectors")

    @property
    def vector_width(self) -> int:
        """Length d of what `embed` returns."""
        raise NotImplementedError("only a classifier with a frozen encoder is trained on vectors")

    @property
    def backbone(self) -> torch.nn.Module | None:
        """The pretrained part, which may be computed in bfloat16; None if there is none."""
        return None

    def is_head(self, name: str) -> bool:
        """Return whether the parameter `name` is not of the pretrained part."""
        return True

    @abstractmethod
    def final_layer(self) -> torch.nn.Linear:
        """Return the layer whose outputs are the logits."""

    @abstractmethod
    def write_model(self, folder: Path) -> None:
        """Write weights, settings and tokenizer into an existing, empty folder."""

    def start_from(self, logits: npt.NDArray[np.floating]) -> None:
        """Give the same logits for every text, by the final bias alone, before training.

        Else the shares of the classes are the first thing to be learned, and where they are skewed the encoder learns
        them: its vectors move together, and at a high rate become one. Lin et al. (2017), "Focal loss for dense object
        detection", begin so too, since training was unstable otherwise.

        Parameters
        ----------
        logits : ndarray, shape (k,)
        """
        layer = self.final_layer()
        with torch.no_grad():
            layer.weight.zero_()
            layer.bias.copy_(torch.as_tensor(logits))

    def set_final_layer(self, coefficients: npt.NDArray[np.floating], intercepts: npt.NDArray[np.floating]) -> None:
        """Put solved parameters, of shapes (d, k) and (k,), into the final layer."""
        layer = self.final_layer()
        with torch.no_grad():
            layer.weight.copy_(torch.as_tensor(coefficients.T))
            layer.bias.copy_(torch.as_tensor(intercepts))

    def shift_bias(self, offset: npt.NDArray[np.floating]) -> None:
        """Add to the final biases; this stores a decision threshold where every other program applies it too.

        Parameters
        ----------
        offset : ndarray, shape (k,)
            In logits.
        """
        bias = self.final_layer().bias
        with torch.no_grad():
            bias.add_(torch.as_tensor(offset, dtype=bias.dtype, device=bias.device))
        total = np.add(self.record.bias_offset, offset)
        self.record = replace(self.record, bias_offset=tuple(float(value) for value in total))

    def save(self, folder: Path, record: EndModelRecord | None = None) -> None:
        """Write the model and its record; the model is not trained any further after that.

        Parameters
        ----------
        folder : Path
            Existing and empty; let it become the final one by `atomic_path`.
        record : EndModelRecord, optional
            By default the model's own.

        Raises
        ------
        ModelError
            If the weights cannot be written.
        """
        if self.backbone is not None:
            merge_seen_tokens(self.backbone)
        write_record(folder, record or self.record)
        with quiet_transformers(), writing_weights(folder, mode_of=folder / RECORD):
            self.write_model(folder)

    def count_parameters(self) -> None:
        """Bring the record's counts of weights up to date."""
        sizes = [(p.numel(), p.requires_grad) for p in self.parameters()]
        trained = sum(size for size, is_trained in sizes if is_trained)
        self.record = replace(self.record, trained_parameters=trained, total_parameters=sum(size for size, _ in sizes))


def write_tokenizer(tokenizer: Any, folder: Path, max_length: int) -> None:
    """Save a tokenizer that cuts at `max_length` wherever it is told to cut."""
    tokenizer.backend_tokenizer.no_truncation()  # what the last call set would be saved
    tokenizer.backend_tokenizer.no_padding()
    tokenizer.model_max_length = max_length
    tokenizer.save_pretrained(str(folder))
