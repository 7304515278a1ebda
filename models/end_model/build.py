"""An untrained end model from a few names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, get_args

from ...data.errors import ConfigError
from ...data.types.label_space import LabelSpace
from ..loading.device import Compute, choose_compute
from ..loading.folders import is_sentence_encoder, sentence_settings
from ..loading.open_model import load_tokenizer, longest_input
from .lora import LoraOptions
from .record import WITHOUT_BACKBONE, Backbone, EndModelRecord, Head, Mode, TokenPooling

if TYPE_CHECKING:
    from ..loading.resolve import ModelRef
    from .classifier import TextClassifier

TrainedWords = Literal["none", "seen", "all"]
_DROPOUT = {"linear": 0.0, "beebert": 0.3}


def build_classifier(
    labels: Sequence[str],
    *,
    backbone: ModelRef | None,
    head: Head = "linear",
    mode: Mode = "full",
    pooling: Literal["auto", "mean", "cls"] = "auto",
    max_length: int = 128,
    dropout: float | None = None,
    lora: LoraOptions | None = None,
    train_embeddings: TrainedWords = "none",
    texts: Sequence[str] = (),
    seed: int = 0,
    compute: Compute | None = None,
) -> TextClassifier:
    """Put a fresh head on a backbone.

    Parameters
    ----------
    labels : Sequence[str]
        The k class names.
    backbone : ModelRef or None
        What to start from; ``lstm`` has none.
    head : str
        ``linear``; ``beebert``, a hidden layer over the first token; ``mlp``, a hidden layer on a frozen encoder;
        ``lstm``, with word embeddings of its own; ``bert_lstm``, an LSTM over the encoder's tokens.
    mode : "full", "lora" or "frozen"
        Train all weights, adapters, or a linear head on the vectors that voters embed texts with.
    pooling : "auto", "mean" or "cls"
        By default the mean for backbones whose folder says so, as sentence encoders' does, else the first token;
        ``beebert`` takes the first token; ``mlp`` and a frozen encoder what the encoder is embedded with.
    max_length : int
        Longest input in tokens, within what the backbone can take; a frozen encoder reads as much as it embeds.
    dropout : float, optional
        In the head; by default 0.3 for ``beebert``, none for ``linear``, else 0.1. In the encoder there is none: it
        costs 13 % of a training step on CPUs.
    lora : LoraOptions, optional
        Size and place of adapters.
    train_embeddings : "none", "seen" or "all"
        Of word embeddings that are more than half of all weights, train none, those of tokens that `texts` have, or
        all. Adapters train none.
    texts : Sequence[str]
        The training texts: ``lstm`` learns its vocabulary from them.
    seed : int
        Of the random initial weights; torch's global generator is left as it was.
    compute : Compute, optional
        Device and number format; by default what the machine reports.

    Returns
    -------
    TextClassifier
        On the device. Trainable parameters are float32; in ``lora`` mode the others have the format of `compute`.

    Raises
    ------
    ConfigError
        If head, mode and backbone do not go together.
    ModelError
        If the backbone cannot be loaded or has no place for adapters.
    """
    import torch

    from .backbone import Plan
    from .heads.first_token import build_first_token
    from .heads.sentence import build_sentence
    from .seen_tokens import train_seen_tokens

    names = LabelSpace(tuple(labels)).names
    check_mode(head, mode)
    _check_inputs(head, backbone, texts)
    compute = compute or choose_compute()
    plan = Plan(
        dtype=compute.torch_dtype if mode == "lora" else torch.float32,
        attention="eager" if compute.device == "cpu" else None,
        dropout=_DROPOUT.get(head, 0.1) if dropout is None else dropout,
        lora=(lora or LoraOptions()) if mode == "lora" else None,
        train_embeddings=train_embeddings == "all",
    )
    tokenizer, longest = _tokenizer(backbone, texts, max_length, mode)
    record = EndModelRecord(
        labels=names,
        head=head,
        mode=mode,
        pooling=_pooling(backbone, head, mode, pooling),
        backbone=_recorded(backbone),
        prefix=backbone.prefix if backbone else "",
        max_length=longest,
        trained_parameters=0,
        total_parameters=0,
        bias_offset=(0.0,) * len(names),
    )
    classifier: TextClassifier
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if backbone and record.first_token:
            # No other program would put a prefix before the texts.
            classifier = build_first_token(replace(record, prefix=""), tokenizer, backbone, plan)
        else:
            classifier = build_sentence(record, tokenizer, backbone, plan)
        if train_embeddings == "seen" and mode == "full" and backbone and not classifier.encoder_frozen:
            words = classifier.backbone.get_input_embeddings()  # type: ignore[union-attr, operator]
            if not words.weight.requires_grad:
                train_seen_tokens(classifier.backbone, classifier.token_rows(texts))
    classifier.count_parameters()
    return classifier.to(compute.device)


def check_mode(head: Head, mode: Mode) -> None:
    """Refuse a head that cannot be trained in a mode.

    Raises
    ------
    ConfigError
    """
    if head not in get_args(Head) or mode not in get_args(Mode) or head == "ensemble":
        raise ConfigError(
            f"There is no head '{head}' with mode '{mode}'.",
            hint=f"Heads: {', '.join(get_args(Head))}; modes: {', '.join(get_args(Mode))}.",
        )
    if mode == "lora" and head in ("mlp", *WITHOUT_BACKBONE):
        raise ConfigError(
            f"LoRA adapts an encoder, and head '{head}' trains none.",
            hint=f"Use --mode full with it, or --mode lora with another head than '{head}'.",
        )
    if mode == "frozen" and head != "linear":
        raise ConfigError(
            f"On a frozen encoder a linear head is trained, not '{head}'.", hint="Leave out --head or --mode."
        )


def _check_inputs(head: Head, backbone: ModelRef | None, texts: Sequence[str]) -> None:
    alone = head in WITHOUT_BACKBONE
    if alone and not texts:
        raise ConfigError(f"Head '{head}' learns its vocabulary from the training texts, and there are none.")
    if alone != (backbone is None):
        raise ConfigError(f"Head '{head}' {'has no' if alone else 'needs a'} backbone.")


def _recorded(backbone: ModelRef | None) -> Backbone | None:
    if backbone is None:
        return None
    # A folder's name may be relative to where the user stands now.
    name = str(backbone.path) if backbone.source == "folder" else backbone.name
    return Backbone(name, backbone.source, backbone.digest)


def _tokenizer(backbone: ModelRef | None, texts: Sequence[str], max_length: int, mode: Mode) -> tuple[Any, int]:
    """Return a tokenizer and the longest input in tokens."""
    if backbone is None:
        from .classifier import CHARACTERS_PER_TOKEN
        from .heads.subwords import learn_subwords

        return learn_subwords([text[: CHARACTERS_PER_TOKEN * max_length] for text in texts]), max_length
    tokenizer = load_tokenizer(backbone.path)
    if mode == "frozen":
        return tokenizer, longest_input(backbone.path, tokenizer, stated=sentence_settings(backbone.path).max_length)
    return tokenizer, min(max_length, longest_input(backbone.path, tokenizer))


def _pooling(backbone: ModelRef | None, head: Head, mode: Mode, wanted: Literal["auto", "mean", "cls"]) -> TokenPooling:
    if head in ("lstm", "bert_lstm"):
        return "max"
    if backbone is None:
        return "mean"
    if wanted != "auto" and mode != "frozen":
        return wanted
    if head == "beebert":
        return "cls"
    # Without settings of its own a model is embedded by the mean, but trained on the first token.
    if head == "mlp" or mode == "frozen" or is_sentence_encoder(backbone.path):
        return sentence_settings(backbone.path).pooling
    return "cls"
