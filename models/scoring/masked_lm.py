"""Zero-shot scores from a masked language model: which class's words it puts into the gap.

Source: pattern-exploiting training, Schick & Schuetze (2021), "Exploiting Cloze Questions for Few Shot Text
Classification and Natural Language Inference": its pattern (here: template) and verbalizers, without the training.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ...data.errors import ModelError
from ..loading.capabilities import has_mask_head
from ..loading.device import Compute, choose_compute
from ..loading.open_model import load_model, load_tokenizer, longest_input
from .batching import padded_inputs, sorted_batches
from .encoder import unique_texts

if TYPE_CHECKING:
    import torch

    from ..loading.resolve import ModelRef

TEXT, MASK = "{text}", "<mask>"
_HEAD_ROWS = 64


@dataclass(frozen=True)
class _Frame:
    """Token ids around the text and around the gap."""

    before: list[int]
    middle: list[int]
    after: list[int]
    text_first: bool

    def fill(self, text: list[int], gap: list[int], limit: int) -> tuple[list[int], int]:
        """Return the ids with the text cut to fit, and where the gap begins."""
        room = max(0, limit - len(self.before) - len(self.middle) - len(self.after) - len(gap))
        first, second = (text[:room], gap) if self.text_first else (gap, text[:room])
        ids = [*self.before, *first, *self.middle, *second, *self.after]
        gap_at = len(self.before) + (len(first) + len(self.middle) if self.text_first else 0)
        return ids, gap_at


class MaskedLMScorer:
    """Scores words by their log-probability in a template's gap.

    Parameters
    ----------
    ref : ModelRef
        A model with a masked-language-model head.
    compute : Compute, optional
        Device and number format; by default what the machine reports.

    Raises
    ------
    ModelError
        If the model has no such head.
    """

    def __init__(self, ref: ModelRef, *, compute: Compute | None = None) -> None:
        if not has_mask_head(ref.path):
            raise ModelError(
                f"{ref.name} is not a masked language model, so it cannot fill gaps (engine 'cloze').",
                hint="Use engine = 'similarity', or a model such as kz-transformers/kaz-roberta-conversational.",
            )
        self.ref = ref
        self.compute = compute or choose_compute()

    def score(
        self,
        texts: Sequence[str],
        template: str,
        verbalizers: Sequence[str],
        *,
        progress: Callable[[int], None] | None = None,
    ) -> npt.NDArray[np.float32]:
        """Score w words for n texts; equal texts are computed once.

        Parameters
        ----------
        texts : Sequence[str]
            Long ones are cut so that the template survives whole.
        template : str
            With ``{text}`` and ``<mask>`` once each, e.g. ``"{text} Жалпы айтқанда, бұл <mask>."``
        verbalizers : Sequence[str]
            Words that may fill the gap. A word of several tokens fills as many gaps.
        progress : callable, optional
            Called with how many more of the n texts are done.

        Returns
        -------
        ndarray of float32, shape (n, w)
            Log-probability of each word: the mean over its tokens, so that longer words are not at a disadvantage.

        Raises
        ------
        ModelError
            If the template lacks a placeholder, or the tokenizer does not know a word.
        """
        frame, words = self._frame(template), self._word_ids(template, verbalizers)
        for word, ids in zip(verbalizers, words, strict=True):
            if not ids:
                raise ModelError(
                    f"The tokenizer of {self.ref.name} does not know the verbalizer '{word}'.",
                    hint="Choose another word for this class; see: labeler voters zero_shot --try TEXT",
                )
        unique, inverse = unique_texts(texts)
        counts = np.bincount(inverse, minlength=len(unique))
        text_ids = self._ids(self._lead(template, TEXT), unique)
        scores = np.zeros((len(unique), len(words)), dtype=np.float32)
        gap_lengths = sorted({len(ids) for ids in words})
        for gap_length in gap_lengths:
            columns = [i for i, ids in enumerate(words) if len(ids) == gap_length]
            gap = [self._tokenizer.mask_token_id] * gap_length
            filled = [frame.fill(ids, gap, self._max_length) for ids in text_ids]
            tokens = np.array([words[i] for i in columns])
            for batch, width in sorted_batches([ids for ids, _ in filled], limit=self._max_length):
                scores[np.ix_(batch, columns)] = self._gap_log_probs([filled[i] for i in batch], width, tokens)
                if progress and gap_length == gap_lengths[-1]:
                    progress(int(counts[batch].sum()))
        return scores[inverse]

    def pieces(self, template: str, verbalizers: Sequence[str]) -> list[list[str]]:
        """Return the tokens that each word is in the gap of a template; none for a word the tokenizer does not know."""
        words = self._word_ids(template, verbalizers)
        return [[self._tokenizer.decode([token]).strip() or "_" for token in ids] for ids in words]

    def _frame(self, template: str) -> _Frame:
        if template.count(TEXT) != 1 or template.count(MASK) != 1:
            raise ModelError(f"A template needs {TEXT} and {MASK} once each, got: {template!r}.")
        text_first = template.index(TEXT) < template.index(MASK)
        first, second = (TEXT, MASK) if text_first else (MASK, TEXT)
        before, rest = template.split(first)
        middle, after = rest.split(second)
        # A space before a placeholder belongs to the word that follows it.
        head, mid, tail = self._ids("", [before.rstrip(), middle.rstrip(), after])
        tokenizer = self._tokenizer
        start = tokenizer.cls_token_id if tokenizer.cls_token_id is not None else tokenizer.bos_token_id
        end = tokenizer.sep_token_id if tokenizer.sep_token_id is not None else tokenizer.eos_token_id
        frame = _Frame(
            [*([] if start is None else [start]), *head], mid, [*tail, *([] if end is None else [end])], text_first
        )
        if len(frame.before) + len(mid) + len(frame.after) + 8 > self._max_length:
            raise ModelError(f"The template is too long for {self.ref.name}: {template!r}.")
        return frame

    def _word_ids(self, template: str, words: Sequence[str]) -> list[list[int]]:
        """Return the token ids of every word as it would be tokenised in the gap; none if one is unknown."""
        unknown = self._tokenizer.unk_token_id
        found = self._ids(self._lead(template, MASK), words)
        return [ids if word.strip() and unknown not in ids else [] for word, ids in zip(words, found, strict=True)]

    @staticmethod
    def _lead(template: str, placeholder: str) -> str:
        """Return the space that precedes a placeholder: byte-level tokenizers tell " word" from "word"."""
        return " " if template.partition(placeholder)[0].endswith(" ") else ""

    def _ids(self, lead: str, texts: Sequence[str]) -> list[list[int]]:
        if not texts:
            return []
        options = {"add_special_tokens": False, "return_attention_mask": False, "return_token_type_ids": False}
        limit = {"truncation": True, "max_length": self._max_length}
        ids: list[list[int]] = self._tokenizer([lead + text for text in texts], **options, **limit)["input_ids"]
        return [row if text else [] for row, text in zip(ids, texts, strict=True)]

    def _gap_log_probs(
        self, rows: list[tuple[list[int], int]], width: int, words: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.float32]:
        """Return the mean log-probability of words, ids of shape (w, gap), in the gap: shape (b, w)."""
        import torch

        device = self.compute.device
        pad = self._tokenizer.pad_token_id or 0
        inputs = padded_inputs([row for row, _ in rows], width, pad=pad, device=device)
        at = torch.tensor([[start + j for j in range(words.shape[1])] for _, start in rows], device=device)
        pick = torch.arange(len(rows), device=device)[:, None], at
        with torch.inference_mode():
            head = getattr(self._model, "lm_head", None) or getattr(self._model, "cls", None)
            if head is None:
                logits = self._model(**inputs).logits[pick]
                return _mean_log_probs(logits, words)
            # A vocabulary is wide: only the gap goes through the head, a few rows at a time.
            hidden = self._model.base_model(**inputs).last_hidden_state[pick]
            return np.concatenate([_mean_log_probs(head(part), words) for part in hidden.split(_HEAD_ROWS)])

    @cached_property
    def _tokenizer(self) -> Any:
        tokenizer = load_tokenizer(self.ref.path)
        if tokenizer.mask_token_id is None:
            raise ModelError(f"The tokenizer of {self.ref.name} has no mask token.")
        return tokenizer

    @cached_property
    def _max_length(self) -> int:
        return longest_input(self.ref.path, self._tokenizer)

    @cached_property
    def _model(self) -> Any:
        return load_model(self.ref.path, "AutoModelForMaskedLM", self.compute)


def _mean_log_probs(logits: torch.Tensor, words: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    """Reduce logits of shape (b, gap, v) to one mean log-probability per word, shape (b, w)."""
    import torch

    logs = torch.log_softmax(logits.float(), dim=-1)
    index = torch.from_numpy(words).to(logits.device)
    picked = torch.stack([logs[:, j, index[:, j]] for j in range(words.shape[1])])
    result: npt.NDArray[np.float32] = picked.mean(dim=0).cpu().numpy()
    return result
