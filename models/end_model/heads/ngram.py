"""A linear classifier on n-grams: no encoder, seconds to train, and hard to beat on few texts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import polars as pl

from ....data.text.normalize import normalize
from ...loading.open_model import explain_errors
from ...scoring.logistic import Float32s, logits
from ...scoring.ngrams import NgramFeatures
from ..record import RECORD, EndModelRecord, write_record, writing_weights

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

_CHUNK = 16_384  # texts at a time: bounds memory
_WEIGHTS = "model.safetensors"


class NgramClassifier:
    """Logistic regression on the TF-IDF of character and word n-grams (Wang & Manning 2012; Joulin et al. 2017).

    It needs no torch, which takes longer to import than many texts to classify.

    Parameters
    ----------
    record : EndModelRecord
        What this model is; its bias offset is kept up to date here.
    features : NgramFeatures
        The d n-grams, and their weights.
    parameters : ndarray of float32, shape (d + 1, k)
        As `fit_logistic` returns them.
    """

    def __init__(self, record: EndModelRecord, features: NgramFeatures, parameters: Float32s) -> None:
        self.record = record
        self.features = features
        self.parameters = parameters

    @classmethod
    def fit(
        cls, labels: Sequence[str], texts: Sequence[str], solve: Callable[[csr_matrix], Float32s], *, max_length: int
    ) -> tuple[NgramClassifier, Float32s]:
        """Choose the n-grams of n texts, and find the parameters; return the classifier and its logits of the texts.

        Parameters
        ----------
        labels : Sequence[str]
            The k class names.
        texts : Sequence[str]
        solve : callable
            Takes the features of the texts, shape (n, d), and returns the parameters.
        max_length : int
            Longest text in tokens of an encoder, about.
        """
        record = EndModelRecord(
            labels=tuple(labels),
            head="ngram",
            mode="full",
            pooling="mean",
            backbone=None,
            prefix="",
            max_length=max_length,
            trained_parameters=0,
            total_parameters=0,
            bias_offset=(0.0,) * len(labels),
        )
        features, rows = NgramFeatures.fit_transform(_read(texts, record))
        parameters = solve(rows)
        record = replace(record, trained_parameters=parameters.size, total_parameters=parameters.size)
        return cls(record, features, parameters), logits(rows, parameters)

    @property
    def labels(self) -> tuple[str, ...]:
        """The k class names, in the order of the logits."""
        return self.record.labels

    def logits(self, texts: Sequence[str], *, progress: Callable[[int], None] | None = None) -> Float32s:
        """Return the logits of n texts, shape (n, k); `progress` is called with how many more are done."""
        found = np.empty((len(texts), len(self.labels)), np.float32)
        for start in range(0, len(texts), _CHUNK):
            some = texts[start : start + _CHUNK]
            found[start : start + _CHUNK] = logits(self.transform(some), self.parameters)
            if progress is not None:
                progress(len(some))
        return found

    def transform(self, texts: Sequence[str]) -> csr_matrix:
        """Return the features of n texts, float32 of shape (n, d)."""
        return self.features.transform(_read(texts, self.record))

    def shift_bias(self, offset: npt.NDArray[np.floating]) -> None:
        """Add to the intercepts, shape (k,); this stores a decision threshold."""
        self.parameters[-1] += offset
        total = np.add(self.record.bias_offset, offset)
        self.record = replace(self.record, bias_offset=tuple(float(value) for value in total))

    def save(self, folder: Path) -> None:
        """Write the record, the n-grams' hashes and the weights into an existing, empty folder.

        Raises
        ------
        ModelError
            If the weights cannot be written.
        """
        from safetensors.numpy import save_file

        characters, words = self.features.columns
        tensors = {  # the first column is of no n-gram: earlier versions trained one for it
            "characters": characters,
            "words": words,
            "idf": np.concatenate([[0], *self.features.idf]).astype(np.float32),
            "linear.weight": np.insert(self.parameters[:-1], 0, 0, axis=0).T,
            "linear.bias": self.parameters[-1],
        }
        write_record(folder, self.record)
        with writing_weights(folder, mode_of=folder / RECORD):
            save_file({name: np.ascontiguousarray(values) for name, values in tensors.items()}, folder / _WEIGHTS)


def load_ngram(record: EndModelRecord, folder: Path) -> NgramClassifier:
    """Load a saved classifier."""
    from safetensors.numpy import load_file

    with explain_errors("model", folder):
        tensors = load_file(folder / _WEIGHTS)
        characters, words, idf = tensors["characters"], tensors["words"], tensors["idf"][1:]
        features = NgramFeatures((characters, words), (idf[: len(characters)], idf[len(characters) :]))
        parameters = np.vstack([tensors["linear.weight"].T[1:], tensors["linear.bias"]])
        if parameters.shape != (len(idf) + 1, len(record.labels)):
            raise ValueError(f"its weights do not fit {len(idf):,} n-grams and {len(record.labels)} labels")
        return NgramClassifier(record, features, parameters)


def _read(texts: Sequence[str], record: EndModelRecord) -> list[str]:
    """Cut texts and normalise them, which may make them longer."""
    longest = record.longest_text
    cut = pl.Series([text[:longest] for text in texts], dtype=pl.String)
    return normalize(cut).str.head(longest).to_list()
