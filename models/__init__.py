"""Encoders, zero-shot scorers and end models; nothing here imports torch until a model is used."""

from __future__ import annotations

from functools import lru_cache

from .embedding_cache import CachedEncoder
from .encoder import Encoder, SentenceEncoder
from .engines import zero_shot_engine
from .masked_lm import MaskedLMScorer
from .nli import NLIScorer
from .resolve import ModelRef, auto_model, resolve_model

__all__ = [
    "CachedEncoder",
    "Encoder",
    "MaskedLMScorer",
    "ModelRef",
    "NLIScorer",
    "SentenceEncoder",
    "auto_model",
    "load_encoder",
    "resolve_model",
    "zero_shot_engine",
]


@lru_cache(maxsize=2)  # for queries and for passages
def load_encoder(ref: ModelRef, *, cached: bool = True) -> CachedEncoder | SentenceEncoder:
    """Return an encoder for a resolved model; its weights are loaded on first use. The last two are remembered.

    Parameters
    ----------
    ref : ModelRef
        As `resolve_model` returns it.
    cached : bool
        Keep embeddings on disk and reuse them.

    Returns
    -------
    CachedEncoder or SentenceEncoder
        Both are `Encoder`, with `ref`, `device` and `dtype` besides.
    """
    encoder = SentenceEncoder(ref)
    return CachedEncoder(encoder) if cached else encoder
