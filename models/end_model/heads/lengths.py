"""The one module that sentence-transformers lacks: its LSTM wants to know how long each text is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from ...loading.folders import read_json


class SentenceLengths(torch.nn.Module):
    """Puts ``sentence_lengths``, taken from the attention mask, beside an encoder's token vectors.

    sentence-transformers' own word embeddings give its LSTM these lengths; its Transformer does not.
    """

    reference = f"{__name__}.SentenceLengths"
    """How ``modules.json`` names it."""

    def forward(self, features: dict[str, Any]) -> dict[str, Any]:
        """Add the lengths, int64 of shape (b,)."""
        features["sentence_lengths"] = features["attention_mask"].sum(dim=1)
        return features

    def save(self, output_path: str) -> None:
        """Do nothing: it has neither settings nor weights."""


def open_sentence_transformer(folder: str | Path) -> Any:
    """Open a ``bert_lstm`` end model with sentence-transformers.

    That library loads a class of another package only with permission to run any code that a model brings along. So the
    chain is put together here.

    Returns
    -------
    SentenceTransformer
        Its ``encode`` gives logits.
    """
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.util import import_from_string

    folder = Path(folder)
    modules = [
        SentenceLengths()
        if entry["type"] == SentenceLengths.reference
        else import_from_string(entry["type"]).load(str(folder), subfolder=entry["path"], local_files_only=True)
        for entry in read_json(folder / "modules.json")
    ]
    settings = read_json(folder / "config_sentence_transformers.json") or {}
    prompts, prompt = settings.get("prompts"), settings.get("default_prompt_name")
    return SentenceTransformer(modules=modules, prompts=prompts, default_prompt_name=prompt)
