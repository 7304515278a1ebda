"""Zero-shot scores from an entailment classifier: how certainly a text implies each class's hypothesis.

Source: Yin, Hay & Roth (2019), "Benchmarking Zero-shot Text Classification: Datasets, Evaluation and Entailment
Approach".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ...data.errors import ModelError
from ..loading.capabilities import contradiction_index, entailment_index
from ..loading.device import Compute, choose_compute
from ..loading.folders import read_config
from ..loading.open_model import load_model, load_tokenizer, longest_input
from .batching import pad_rows, sorted_batches
from .encoder import Batches, of_unique_texts

if TYPE_CHECKING:
    from ..loading.resolve import ModelRef

_WINDOW = 8192  # pairs tokenised at a time


class NLIScorer:
    """Scores hypotheses by how much a text entails them.

    Parameters
    ----------
    ref : ModelRef
        A sequence classifier with an entailment class.
    compute : Compute, optional
        Device and number format; by default what the machine reports.

    Raises
    ------
    ModelError
        If the model has no entailment class.
    """

    def __init__(self, ref: ModelRef, *, compute: Compute | None = None) -> None:
        config = read_config(ref.path)
        entailment = entailment_index(config)
        if entailment is None:
            raise ModelError(
                f"{ref.name} has no entailment class (labels: {list((config.get('id2label') or {}).values())}).",
                hint="Use a model trained on natural language inference, or engine = 'similarity'.",
            )
        self.ref = ref
        self.compute = compute or choose_compute()
        self._entailment: int = entailment
        self._contradiction = contradiction_index(config)

    def score(
        self,
        texts: Sequence[str],
        hypotheses: Sequence[str],
        *,
        progress: Callable[[int], None] | None = None,
    ) -> npt.NDArray[np.float32]:
        """Score h hypotheses for n texts; equal texts are computed once.

        Parameters
        ----------
        texts : Sequence[str]
            Long ones are cut, hypotheses never.
        hypotheses : Sequence[str]
            Sentences that are true of the texts of some class.
        progress : callable, optional
            Called with how many more of the n texts are done.

        Returns
        -------
        ndarray of float32, shape (n, h)
            log P(entailment) - log P(contradiction), or log P(entailment) where the model has no contradiction class.

        Raises
        ------
        ModelError
            If a hypothesis is too long for the model.
        """
        step = max(1, _WINDOW // max(1, len(hypotheses)))

        def batches(unique: list[str]) -> Batches:
            for start in range(0, len(unique), step):
                window = unique[start : start + step]
                entailed = self._pair_scores([(text, sentence) for text in window for sentence in hypotheses])
                yield np.arange(start, start + len(window)), entailed.reshape(len(window), -1)

        return of_unique_texts(texts, batches, width=len(hypotheses), progress=progress)

    def _pair_scores(self, pairs: list[tuple[str, str]]) -> npt.NDArray[np.float32]:
        """Return one score per (text, hypothesis) pair, shape (len(pairs),)."""
        encoded = self._encode(pairs)
        scores = np.empty(len(pairs), dtype=np.float32)
        for batch, width in sorted_batches(encoded["input_ids"], limit=self._max_length):
            scores[batch] = self._forward({name: [rows[i] for i in batch] for name, rows in encoded.items()}, width)
        return scores

    def _encode(self, pairs: list[tuple[str, str]]) -> dict[str, list[list[int]]]:
        longest = max(len(ids) for ids in self._tokenizer([second for _, second in pairs])["input_ids"])
        if longest + 8 > self._max_length:
            raise ModelError(f"A hypothesis of {longest} tokens is too long for {self.ref.name}.")
        encoded = self._tokenizer(
            [first for first, _ in pairs],
            [second for _, second in pairs],
            truncation="only_first",
            max_length=self._max_length,
        )
        return dict(encoded)

    def _forward(self, rows: dict[str, list[list[int]]], width: int) -> npt.NDArray[np.float32]:
        import torch

        padding = {"input_ids": self._tokenizer.pad_token_id or 0}
        inputs = {
            name: torch.from_numpy(pad_rows(values, width, padding.get(name, 0))).to(self.compute.device)
            for name, values in rows.items()
        }
        with torch.inference_mode():
            logs = torch.log_softmax(self._model(**inputs).logits.float(), dim=-1)
            score = logs[:, self._entailment]
            if self._contradiction is not None:
                score = score - logs[:, self._contradiction]
            result: npt.NDArray[np.float32] = score.cpu().numpy()
        return result

    @cached_property
    def _tokenizer(self) -> Any:
        return load_tokenizer(self.ref.path)

    @cached_property
    def _max_length(self) -> int:
        return longest_input(self.ref.path, self._tokenizer)

    @cached_property
    def _model(self) -> Any:
        return load_model(self.ref.path, "AutoModelForSequenceClassification", self.compute)
