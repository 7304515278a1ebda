"""Logits of many texts, fast: each text once, in length-sorted batches under a token budget."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import torch

from ..loading.device import Compute
from ..loading.packing import pack_linear_layers
from ..scoring.batching import filled_up, padded_inputs, text_batches
from ..scoring.encoder import Batches, of_unique_texts
from .classifier import TextClassifier

_WINDOW = 16_384  # vectors classified at a time: bounds memory

Progress = Callable[[int], None]


def logits_of(
    classifier: TextClassifier, texts: Sequence[str], compute: Compute, *, progress: Progress | None = None
) -> npt.NDArray[np.float32]:
    """Compute logits, in training or after it; equal texts are computed once.

    Parameters
    ----------
    classifier : TextClassifier
        On the device of `compute`. It is evaluated, and left in the mode it was in.
    texts : Sequence[str]
        n texts of any length.
    compute : Compute
        Device and number format.
    progress : callable, optional
        Called with how many more of the n texts are done.

    Returns
    -------
    ndarray of float32, shape (n, k)
    """
    return _rows(classifier, classifier.forward, texts, compute, len(classifier.labels), progress)


def vectors_of(
    classifier: TextClassifier, texts: Sequence[str], compute: Compute, *, progress: Progress | None = None
) -> npt.NDArray[np.float32]:
    """Compute what a classifier with a frozen encoder is trained on; parameters as in `logits_of`.

    Returns
    -------
    ndarray of float32, shape (n, d)
        Sentence vectors as `TextClassifier.embed` gives them.
    """
    return _rows(classifier, classifier.embed, texts, compute, classifier.vector_width, progress)


def classify_vectors(
    classifier: TextClassifier, vectors: npt.NDArray[np.float32], compute: Compute
) -> npt.NDArray[np.float32]:
    """Compute logits from what `vectors_of` returned.

    Parameters
    ----------
    classifier : TextClassifier
        On the device of `compute`. It is evaluated, and left in the mode it was in.
    vectors : ndarray of float32, shape (n, d)
    compute : Compute
        Device and number format.

    Returns
    -------
    ndarray of float32, shape (n, k)
    """
    was_training = classifier.training
    classifier.eval()
    with torch.inference_mode():
        parts = [
            classifier.classify(torch.from_numpy(vectors[start : start + _WINDOW]).to(compute.device)).float().cpu()
            for start in range(0, len(vectors), _WINDOW)
        ]
    classifier.train(was_training)
    return torch.cat(parts).numpy()


def prepare_for_prediction(classifier: TextClassifier, compute: Compute) -> None:
    """Move a classifier to its device for prediction only: its encoder becomes bfloat16 and packed where that pays.

    Parameters
    ----------
    classifier : TextClassifier
        Without adapters; changed in place, and of no use for training afterwards.
    compute : Compute
        Device and number format.
    """
    classifier.eval().requires_grad_(False).to(compute.device)
    if classifier.backbone is not None and compute.dtype == "bfloat16":
        classifier.backbone.to(torch.bfloat16)
        if compute.device == "cpu":
            pack_linear_layers(classifier.backbone)


def _rows(
    classifier: TextClassifier,
    function: Callable[..., torch.Tensor],
    texts: Sequence[str],
    compute: Compute,
    width: int,
    progress: Progress | None,
) -> npt.NDArray[np.float32]:
    def batches(unique: list[str]) -> Batches:
        for places, ids, width in text_batches(unique, classifier.token_rows, limit=classifier.max_length):
            pad, device = classifier.pad_token_id, compute.device
            found = function(**padded_inputs(filled_up(ids, width), width, pad=pad, device=device))
            yield places, found[: len(ids)].float().cpu().numpy()

    was_training = classifier.training
    classifier.eval()
    with torch.inference_mode(), torch.autocast(compute.device, torch.bfloat16, enabled=_mixed(classifier, compute)):
        rows = of_unique_texts(texts, batches, width=width, progress=progress)
    classifier.train(was_training)
    return rows


def _mixed(classifier: TextClassifier, compute: Compute) -> bool:
    """Whether float32 weights are to be computed with in bfloat16, as in training."""
    if classifier.backbone is None or compute.dtype != "bfloat16":
        return False
    return any(parameter.dtype == torch.float32 for parameter in classifier.backbone.parameters())
