"""A sentence-transformers folder whose ``encode`` gives logits: an encoder, pooling and layers of our own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from ....data.errors import ModelError
from ....data.writing.atomic import write_json
from ...loading.open_model import explain_loading
from ...loading.resolve import ModelRef
from ..backbone import Plan, choose_trainable, is_pooler, load_backbone, set_dropout
from ..classifier import TextClassifier, write_tokenizer
from ..lora import merge_adapter, write_adapter
from ..record import EndModelRecord
from .lengths import SentenceLengths
from .modules import (
    Dense,
    Dropout,
    Part,
    TokenLSTM,
    WordVectors,
    pool,
    pooling_part,
    read_parts,
    restore,
    write_parts,
)

_MLP_WIDTH = 256
_WORD_WIDTH = 128
_LSTM_WIDTH = 128
_WITHOUT_WEIGHTS = ("SentenceLengths", "Pooling", "Normalize")


class SentenceClassifier(TextClassifier):
    """Token vectors, perhaps through an LSTM, pooled and classified.

    What is above the encoder computes in float32.

    Parameters
    ----------
    record : EndModelRecord
        What this model is.
    tokenizer : transformers.PreTrainedTokenizerFast
        Splits texts.
    encoder : transformers.PreTrainedModel or WordVectors
        Gives token vectors.
    layers : Sequence[Dense or Dropout or TokenLSTM]
        In order; an LSTM comes first.
    base : ModelRef, optional
        What an adapter is saved for; without it the whole encoder is saved.
    """

    def __init__(
        self,
        record: EndModelRecord,
        tokenizer: Any,
        encoder: Any,
        layers: Sequence[Dense | Dropout | TokenLSTM],
        base: ModelRef | None = None,
    ) -> None:
        super().__init__(record, tokenizer)
        self.encoder = encoder
        self.lstm = next((layer for layer in layers if isinstance(layer, TokenLSTM)), None)
        self.head = torch.nn.Sequential(*(layer for layer in layers if not isinstance(layer, TokenLSTM)))
        self.base = base
        self.encoder_frozen = record.head == "mlp" or record.mode == "frozen"
        if self.encoder_frozen:
            self.encoder.requires_grad_(False)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Return logits; see `TextClassifier.forward`."""
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.encoder_frozen):
            vectors = self._pooled(input_ids, attention_mask)
        return self.classify(vectors)

    def embed(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Return the frozen encoder's sentence vectors, without gradients."""
        with torch.no_grad():
            return self._pooled(input_ids, attention_mask)

    def classify(self, vectors: torch.Tensor) -> torch.Tensor:
        """Return the logits of what `embed` returned."""
        with torch.autocast(vectors.device.type, enabled=False):
            logits: torch.Tensor = self.head(vectors.float())
        return logits

    def train(self, mode: bool = True) -> SentenceClassifier:
        """Switch to training or evaluation; a frozen encoder stays in evaluation."""
        super().train(mode)
        if self.encoder_frozen:
            self.encoder.eval()
        return self

    @property
    def backbone(self) -> torch.nn.Module | None:
        """The encoder; None where the word vectors are its own."""
        return None if isinstance(self.encoder, WordVectors) else self.encoder

    def is_head(self, name: str) -> bool:
        """Return whether the parameter `name` is not of the pretrained part."""
        return self.backbone is None or not name.startswith("encoder.")

    def final_layer(self) -> torch.nn.Linear:
        """Return the layer whose outputs are the logits."""
        return self._dense[-1].linear

    def write_model(self, folder: Path) -> None:
        """Write the chain of modules and the tokenizer."""
        write_tokenizer(self.tokenizer, folder, self.max_length)
        if isinstance(self.encoder, WordVectors):
            chain = [self.encoder.part(self.max_length)]
        else:
            limits = {"max_seq_length": self.max_length, "do_lower_case": False}
            chain = [Part("Transformer", limits, settings_file="sentence_bert_config.json")]
            if self.base is None:
                self.encoder.save_pretrained(str(folder))
            else:
                write_adapter(self.encoder, folder, base=self.base, heads=[], task="FEATURE_EXTRACTION")
        if self.lstm is not None:
            # The library's own word embeddings tell its LSTM how long the texts are, its Transformer does not.
            lengths = [] if self.backbone is None else [Part(SentenceLengths.reference)]
            chain += [*lengths, self.lstm.part()]
        chain.append(pooling_part(self.vector_width, self.record.pooling))
        chain += [Part("Normalize")] if self.record.mode == "frozen" else []
        chain += [layer.part() for layer in self.head if isinstance(layer, Dense | Dropout)]
        write_parts(folder, chain)
        prefix = self.record.prefix
        prompts = {"prompts": {"query": prefix}, "default_prompt_name": "query"} if prefix else {}
        write_json(folder / "config_sentence_transformers.json", {"similarity_fn_name": "cosine", **prompts})

    @property
    def vector_width(self) -> int:
        """Length of the vectors that are classified."""
        return self._dense[0].linear.in_features

    @property
    def _dense(self) -> list[Dense]:
        return [layer for layer in self.head if isinstance(layer, Dense)]

    def _pooled(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        if isinstance(self.encoder, WordVectors):
            tokens = self.encoder(input_ids)
        else:
            tokens = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        with torch.autocast(tokens.device.type, enabled=False):
            tokens = tokens.float()
            if self.lstm is not None:
                tokens = self.lstm(tokens, attention_mask)
            pooled = pool(tokens, attention_mask, self.record.pooling)
        return torch.nn.functional.normalize(pooled, dim=1) if self.record.mode == "frozen" else pooled


def build_sentence(record: EndModelRecord, tokenizer: Any, backbone: ModelRef | None, plan: Plan) -> SentenceClassifier:
    """Put fresh layers on a backbone, or on fresh word vectors; see `build_classifier`."""
    if backbone is None:
        encoder: Any = WordVectors(len(tokenizer), _WORD_WIDTH)
        return SentenceClassifier(record, tokenizer, encoder, _layers(record, _WORD_WIDTH, plan.dropout))
    encoder, _ = load_backbone(backbone.path, "AutoModel", may_lack=is_pooler, plan=plan)
    set_dropout(encoder, 0.0)
    choose_trainable(encoder, plan)
    for name, parameter in encoder.named_parameters():
        if is_pooler(encoder, name):  # not used here
            parameter.requires_grad_(False)
    layers = _layers(record, encoder.config.hidden_size, plan.dropout)
    return SentenceClassifier(record, tokenizer, encoder, layers, backbone if plan.lora else None)


def load_sentence(record: EndModelRecord, tokenizer: Any, folder: Path, base: ModelRef | None) -> SentenceClassifier:
    """Load a saved classifier in float32; an adapter is merged into its `base`."""
    with explain_loading("model", folder):
        parts = read_parts(folder)
        layers = [restore(part) for part in parts[1:] if part.name not in _WITHOUT_WEIGHTS]
        if record.backbone is None:
            encoder: Any = _load_word_vectors(folder)
        else:
            source = base.path if base else folder
            encoder, _ = load_backbone(source, "AutoModel", may_lack=is_pooler)
            if base:
                merge_adapter(encoder, folder, heads=[])
    found = layers[-1].linear.out_features if layers and isinstance(layers[-1], Dense) else 0
    if found != len(record.labels):
        raise ModelError(f"The model in {folder} gives {found} logits for {len(record.labels)} labels.")
    return SentenceClassifier(record, tokenizer, encoder, layers)


def _layers(record: EndModelRecord, width: int, dropout: float) -> list[Dense | Dropout | TokenLSTM]:
    k = len(record.labels)
    if record.head == "linear":
        return [Dense(width, k, "Identity")]
    if record.head == "beebert":
        return [Dense(width, width, "ReLU"), Dropout(dropout), Dense(width, k, "Identity")]
    if record.head == "mlp":
        return [Dense(width, _MLP_WIDTH, "ReLU"), Dropout(dropout), Dense(_MLP_WIDTH, k, "Identity")]
    lstm = TokenLSTM(width, _LSTM_WIDTH)
    return [lstm, Dropout(dropout), Dense(lstm.width, k, "Identity")]


def _load_word_vectors(folder: Path) -> WordVectors:
    from safetensors.torch import load_file

    weights = load_file(folder / "model.safetensors")
    vectors = WordVectors(*weights["emb_layer.weight"].shape)
    vectors.load_state_dict(weights)
    return vectors
