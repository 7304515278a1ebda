"""Opening a saved end model for prediction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ...data.errors import InputError, ModelError
from ...data.runs.manifest import stage_key
from ...data.types.label_space import LabelSpace
from ...data.writing.atomic import read_unchanged
from ..loading.device import Compute, choose_compute
from ..loading.folders import check_weights, folder_digest
from ..loading.open_model import explain_loading, load_tokenizer
from ..loading.resolve import ModelRef, resolve_model
from ..scoring.blending import Blend, tempered
from .heads.ngram import NgramClassifier, load_ngram
from .record import PARTS, Backbone, EndModelRecord, read_record

if TYPE_CHECKING:
    from .classifier import TextClassifier
    from .inference import Progress


class EndModel:
    """A trained classifier.

    Parameters
    ----------
    classifier : TextClassifier or NgramClassifier
        Made ready by `prepare_for_prediction`.
    digest : str
        Of the folder it came from.
    compute : Compute
        Where it is.
    """

    def __init__(self, classifier: TextClassifier | NgramClassifier, digest: str, compute: Compute) -> None:
        self.classifier = classifier
        self.record = classifier.record
        self.labels = LabelSpace(classifier.labels)
        self.digest = digest
        self.compute = compute

    @classmethod
    def load(cls, folder: str | Path) -> EndModel:
        """Open what was trained, such as ``runs/reviews/model``; see `load_end_model`."""
        return load_end_model(Path(folder))

    @property
    def classes_(self) -> npt.NDArray[np.str_]:
        """Names of the classes, shape (k,), in the order of the probabilities."""
        return np.array(self.labels.names)

    def predict(self, texts: Sequence[str]) -> npt.NDArray[np.str_]:
        """Return the name of the most probable class of each text, shape (n,); raises as `predict_proba`."""
        names: npt.NDArray[np.str_] = self.classes_[self.predict_proba(texts).argmax(axis=1)]
        return names

    def __repr__(self) -> str:
        """Tell what it is."""
        return f"EndModel(head={self.record.head!r}, classes={list(self.labels.names)})"

    def logits(self, texts: Sequence[str], *, progress: Progress | None = None) -> npt.NDArray[np.float32]:
        """Return the logits of n texts, shape (n, k); `progress` is called with how many more are done."""
        if isinstance(self.classifier, NgramClassifier):
            return self.classifier.logits(texts, progress=progress)

        from .inference import logits_of

        return logits_of(self.classifier, texts, self.compute, progress=progress)

    def predict_proba(self, texts: Sequence[str], *, progress: Progress | None = None) -> npt.NDArray[np.float32]:
        """Return the class probabilities of n texts, shape (n, k); `progress` is called with how many more are done.

        Raises
        ------
        InputError
            If the texts are one string, or one of them is none.
        """
        if isinstance(texts, str) or not all(isinstance(text, str) for text in texts):
            found = f"one string: {texts[:40]!r}" if isinstance(texts, str) else "something else among them"
            raise InputError(
                f"Texts must be a list of str, found {found}.", hint="Write an empty string where one lacks."
            )
        return self.calibrated(self.logits(texts, progress=progress))

    def calibrated(self, logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return the probabilities that logits, shape (n, k), mean."""
        probs = tempered(logits, self.record.temperatures or np.ones(self.labels.k))
        return probs.astype(np.float32, copy=False)


class EnsembleModel(EndModel):
    """The sum of several classifiers' logits, in units of their spread.

    Parameters
    ----------
    record : EndModelRecord
    parts : Sequence[EndModel]
        Of the same classes; the last one, which takes longest, shows the progress.
    """

    def __init__(self, record: EndModelRecord, parts: Sequence[EndModel]) -> None:
        self.record = record
        self.parts = parts
        self.labels = LabelSpace(record.labels)
        self.digest = stage_key(record=asdict(record), parts=[part.digest for part in parts])
        self.compute = parts[-1].compute

    def logits(self, texts: Sequence[str], *, progress: Progress | None = None) -> npt.NDArray[np.float32]:
        """Return the logits of n texts; see `EndModel.logits`."""
        shown = [*(None for _ in self.parts[:-1]), progress]
        found = [part.logits(texts, progress=each) for part, each in zip(self.parts, shown, strict=True)]
        blend = Blend(self.record.scales, self.record.bias_offset, self.record.temperatures)
        return blend.logits(found).astype(np.float32)


def load_end_model(folder: Path, *, compute: Compute | None = None) -> EndModel:
    """Load an end model; an adapter is merged into its base. A folder that is replaced meanwhile is read again.

    Parameters
    ----------
    folder : Path
        As `TextClassifier.save` wrote it.
    compute : Compute, optional
        Device and number format; by default what the machine reports.

    Returns
    -------
    EndModel

    Raises
    ------
    ModelError
        If the folder is not an end model or is damaged, or its backbone is missing or another one.
    """
    return read_unchanged(folder, lambda: _open(folder, compute or choose_compute()))


def _open(folder: Path, compute: Compute) -> EndModel:
    """Read record, weights and tokenizer, and make the model ready."""
    record = read_record(folder)
    if record.head == "ensemble":
        return EnsembleModel(record, [_open(folder / name, compute) for name in PARTS])
    check_weights(folder)
    digest = folder_digest(folder)
    if record.head == "ngram":
        return EndModel(load_ngram(record, folder), digest, compute)
    base = _base(folder, record.backbone) if record.mode == "lora" and record.backbone else None
    classifier = _load(folder, record, base)

    from .inference import prepare_for_prediction

    prepare_for_prediction(classifier, compute)
    return EndModel(classifier, digest, compute)


def _load(folder: Path, record: EndModelRecord, base: ModelRef | None) -> TextClassifier:
    import torch

    from .heads.first_token import load_first_token
    from .heads.sentence import load_sentence

    load = load_first_token if record.first_token else load_sentence
    with torch.random.fork_rng(devices=[]), explain_loading("end model", folder):  # loading begins with random weights
        return load(record, load_tokenizer(folder), folder, base)


def _base(folder: Path, recorded: Backbone) -> ModelRef:
    """Find the model that an adapter was trained on, and make sure that it is that one."""
    found = resolve_model(recorded.name)
    if found.digest != recorded.digest and recorded.source == "hub":
        found = resolve_model(recorded.name, revision=recorded.digest)  # the main branch has moved on
    if found.digest != recorded.digest:
        raise ModelError(
            f"The adapter in {folder} was trained on another '{recorded.name}': its digest was "
            f"{recorded.digest[:12]}, the one found at {found.path} has {found.digest[:12]}.",
            hint=f"Put the original '{recorded.name}' back, or train again on the one that is there.",
        )
    return found
