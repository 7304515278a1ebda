"""A small subword vocabulary, learned from the training texts for a model without a pretrained encoder.

Source: Sennrich et al. (2016), "Neural Machine Translation of Rare Words with Subword Units", as the library
tokenizers implements it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

SIZE = 16_000
_SPECIAL = ("<pad>", "<unk>", "<s>")  # sentence-transformers pads with id 0
_ALPHABET = 1_000  # the most frequent characters: three scripts and emoji


def learn_subwords(texts: Sequence[str], *, size: int = SIZE) -> Any:
    """Learn a byte-pair encoding over lower-cased words, punctuation and emoji.

    Every text begins with ``<s>``, so that none is empty.

    Parameters
    ----------
    texts : Sequence[str]
        Training texts; the same texts give the same vocabulary.
    size : int
        Pieces at most.

    Returns
    -------
    transformers.PreTrainedTokenizerFast
    """
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    pieces = Tokenizer(models.BPE(unk_token="<unk>"))
    pieces.normalizer = normalizers.Sequence(
        [normalizers.NFKC(), normalizers.Lowercase(), normalizers.Replace(Regex(r"\s+"), " ")]
    )
    pieces.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Metaspace(),  # a word's first piece carries the mark of the space before it
            pre_tokenizers.Punctuation("isolated"),
            pre_tokenizers.Digits(individual_digits=True),
        ]
    )
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        min_frequency=2,
        special_tokens=list(_SPECIAL),
        limit_alphabet=_ALPHABET,
        show_progress=False,
    )
    pieces.train_from_iterator(texts, trainer)
    pieces.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 2)])
    return PreTrainedTokenizerFast(
        tokenizer_object=pieces,
        pad_token="<pad>",
        unk_token="<unk>",
        bos_token="<s>",
        model_input_names=["input_ids", "attention_mask"],
    )
