"""Texts with masked tokens, and how well these are predicted from the others.

Source: Devlin et al. (2019), "BERT": 15 % of the tokens are predicted; 80 % of these are replaced by the mask, 10 % by
any token, 10 % stay. As in RoBERTa (Liu et al. 2019) each pass over the texts masks other tokens.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ...data.progress import progress, status
from ..loading.device import Compute
from ..scoring.batching import padded_length
from ..training.fit.batches import cut_into_parts

if TYPE_CHECKING:
    from torch import Tensor

Ids = npt.NDArray[np.int64]
Row = Mapping[str, Sequence[int]]
MULTIPLE = 8  # rows are padded to multiples of so many tokens: oneDNN keeps compiled code for each width

_SHARE, _TOKENS = 0.15, 2048  # of the tokens that are predicted; padded ones, measured at a time


class MaskedTexts:
    """Texts with masked tokens, as the training loop asks for them; the same part always masks the same tokens.

    Example i is text ``i % n``: several passes over the texts, each masked in its own way, are one pass over this.

    Parameters
    ----------
    rows : sequence of mapping
        ``input_ids`` of n texts, and in ``special_tokens_mask`` 1 for the tokens that are never predicted.
    tokenizer : transformers.PreTrainedTokenizerFast
    count : int
        Number of examples.
    seed : int
        Masks are drawn from it.
    replaced : float
        Share of the predicted tokens that the mask replaces: 1 for measuring.
    """

    are_vectors = False

    def __init__(self, rows: Sequence[Row], tokenizer: Any, *, count: int, seed: int, replaced: float = 0.8) -> None:
        from transformers import DataCollatorForLanguageModeling

        self.rows, self.seed = rows, seed
        self.lengths: Ids = np.resize([len(row["input_ids"]) for row in rows], count)
        self._weights = np.resize([_SHARE * row["special_tokens_mask"].count(0) for row in rows], count)
        self._collator = DataCollatorForLanguageModeling(
            tokenizer,
            mlm_probability=_SHARE,
            mask_replace_prob=replaced,
            random_replace_prob=(1 - replaced) / 2,
            pad_to_multiple_of=MULTIPLE,
        )

    def __len__(self) -> int:
        return len(self.lengths)

    def weight(self, rows: Ids) -> float:
        """Return how many tokens of some examples are predicted on average: parts of a batch count by that."""
        return float(self._weights[rows].sum())

    def parts(self, rows: Ids, *, budget: int) -> list[tuple[Ids, int]]:
        """Cut some examples into parts that fit a token budget; see `cut_into_parts`."""
        return cut_into_parts(self.lengths, rows, budget=budget)

    def batch(self, part: Ids, width: int, *, pad: int) -> tuple[dict[str, Any], Tensor, Tensor]:
        """Return what a masked language model is called with for some examples, and what it should predict.

        The predicted tokens are filled up to one of few numbers: for each number oneDNN keeps compiled code.

        Parameters
        ----------
        part : ndarray of int64, shape (b,)
            Their positions.
        width, pad : int
            Not used: the collator pads as the tokenizer says.

        Returns
        -------
        (dict[str, Tensor], Tensor of int64, shape (g,), Tensor of float32, shape (g,))
            ``input_ids`` and ``attention_mask`` of shape (b, l) and ``positions`` of shape (g,), which count through
            the rows; the tokens there, -100 for filling; 1 for each of them, 0 for filling.
        """
        import torch
        from torch.nn.functional import pad as fill

        seed = np.random.default_rng([self.seed, *part]).integers(2**63)
        self._collator.generator = torch.Generator().manual_seed(int(seed))
        batch = self._collator([self.rows[row % len(self.rows)] for row in part])
        labels = batch.pop("labels").flatten()
        positions = (labels >= 0).nonzero().flatten()  # -100 marks what is not predicted
        filling = (0, padded_length(len(positions)) - len(positions))
        targets = fill(labels[positions], filling, value=-100)
        return {**batch, "positions": fill(positions, filling)}, targets, (targets >= 0).float()


def token_loss(logits: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    """Return the mean cross-entropy of g predictions: logits (g, v), targets (g,), weights (g,), 0 for filling."""
    from torch.nn.functional import cross_entropy

    return cross_entropy(logits.float(), targets, reduction="sum") / weights.sum().clamp(min=1)


def measure(model: Any, texts: MaskedTexts, *, compute: Compute, when: str) -> tuple[dict[str, float], int]:
    """Return how well the predicted tokens of some texts are predicted, over the whole vocabulary, and their number.

    ``loss`` is their mean cross-entropy, ``pseudo_perplexity`` its exponential: that of Salazar et al. (2020), "Masked
    Language Model Scoring", but that a share of the tokens is masked at once and not each token alone.

    Parameters
    ----------
    model : MaskedModel
        Afterwards in evaluation mode.
    texts : MaskedTexts
    compute : Compute
        Device and number format.
    when : str
        ``before`` or ``after``, for messages.
    """
    import torch

    total, predicted = 0.0, 0
    model.eval()
    with torch.inference_mode(), progress(f"Pseudo-perplexity {when}", total=len(texts)) as advance:
        for part, width in texts.parts(np.arange(len(texts)), budget=_TOKENS):
            inputs, *expected = texts.batch(part, width, pad=model.pad_token_id)
            targets, weights = (tensor.to(compute.device) for tensor in expected)
            with torch.autocast(compute.device, dtype=torch.bfloat16, enabled=compute.dtype == "bfloat16"):
                logits = model(**{name: tensor.to(compute.device) for name, tensor in inputs.items()})
            total += float(token_loss(logits, targets, weights) * weights.sum())
            predicted += int(weights.sum())
            advance(len(part))
    loss = total / max(predicted, 1)
    status(f"{when}: pseudo-perplexity {math.exp(loss):,.1f} on {len(texts):,} held-out texts")
    return {"loss": loss, "pseudo_perplexity": math.exp(loss)}, predicted
