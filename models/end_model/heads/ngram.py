"""A linear classifier on n-grams: no encoder, seconds to train, and hard to beat on few texts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
from safetensors.torch import load_file, save_file

from ....data.text.normalize import normalize
from ...loading.open_model import explain_loading
from ...scoring.ngrams import NgramFeatures
from ..classifier import TextClassifier
from ..record import EndModelRecord

_NGRAMS_PER_CHARACTER = 5  # at most: four of characters that begin there, and half as many words and pairs of words
_MAX_TEXTS = 200_000  # the n-grams are chosen from at most that many
_WEIGHTS = "model.safetensors"


class NgramClassifier(TextClassifier):
    """Logistic regression on the TF-IDF of character and word n-grams (Wang & Manning 2012; Joulin et al. 2017).

    How often a text has an n-gram does not matter, and each kind of n-gram has unit length.

    Parameters
    ----------
    record : EndModelRecord
        What this model is.
    features : NgramFeatures
        The d n-grams, and their weights.
    """

    idf: torch.Tensor

    def __init__(self, record: EndModelRecord, features: NgramFeatures) -> None:
        super().__init__(record, tokenizer=None)
        self.features = features
        idf = np.concatenate([[0], *features.idf]).astype(np.float32)  # 0 is what texts begin with and are padded by
        self.register_buffer("idf", torch.from_numpy(idf))
        self.linear = torch.nn.Linear(len(idf), len(record.labels))
        torch.nn.init.zeros_(self.linear.weight)
        torch.nn.init.zeros_(self.linear.bias)

    @property
    def max_length(self) -> int:
        """Most n-grams of a text."""
        return _NGRAMS_PER_CHARACTER * self.record.longest_text

    @property
    def pad_token_id(self) -> int:
        """What fills up short rows."""
        return 0

    def token_rows(self, texts: Sequence[str]) -> Sequence[Sequence[int]]:
        """Return the n-grams of each text; see `NgramFeatures.token_rows`."""
        return self.features.token_rows(_read(texts, self.record)) if texts else []

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Return logits; see `TextClassifier.forward`."""
        idf = self.idf[input_ids]
        is_word = input_ids > len(self.features.columns[0])
        lengths = [(idf * kind).norm(dim=1, keepdim=True) for kind in (~is_word, is_word)]
        values = idf / torch.where(is_word, lengths[1], lengths[0]).clamp_min(1e-12)
        weights = torch.nn.functional.embedding(input_ids, self.linear.weight.T)
        return (values.unsqueeze(-1) * weights).sum(dim=1) + self.linear.bias

    def final_layer(self) -> torch.nn.Linear:
        """Return the layer whose outputs are the logits."""
        return self.linear

    def write_model(self, folder: Path) -> None:
        """Write the n-grams' hashes and weights."""
        characters, words = (torch.from_numpy(columns) for columns in self.features.columns)
        tensors = {"characters": characters, "words": words, **self.state_dict()}
        save_file({name: tensor.cpu().contiguous() for name, tensor in tensors.items()}, folder / _WEIGHTS)


def build_ngram(record: EndModelRecord, texts: Sequence[str]) -> NgramClassifier:
    """Choose the n-grams of the training texts; see `build_classifier`."""
    some = texts[:: -(-len(texts) // _MAX_TEXTS)]
    return NgramClassifier(record, NgramFeatures.fit(_read(some, record)))


def load_ngram(record: EndModelRecord, folder: Path) -> NgramClassifier:
    """Load a saved classifier."""
    with explain_loading("model", folder):
        tensors: dict[str, Any] = load_file(folder / _WEIGHTS)
        characters, words = (tensors.pop(name).numpy() for name in ("characters", "words"))
        idf = tensors["idf"].numpy()[1:]
        features = NgramFeatures((characters, words), (idf[: len(characters)], idf[len(characters) :]))
        classifier = NgramClassifier(record, features)
        classifier.load_state_dict(tensors)
    return classifier


def _read(texts: Sequence[str], record: EndModelRecord) -> list[str]:
    """Cut texts and normalise them, which may make them longer."""
    longest = record.longest_text
    cut = pl.Series([text[:longest] for text in texts], dtype=pl.String)
    return normalize(cut).str.head(longest).to_list()
