"""The README of a saved end model: a model card as the Hugging Face hub reads it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any

from ..embedded.model import HUB_EQUIVALENT
from .record import Backbone, EndModelRecord


def model_card(
    record: EndModelRecord,
    *,
    title: str,
    data: str,
    settings: Mapping[str, Any],
    metrics: Mapping[str, Any],
    limits: Sequence[str] = (),
) -> str:
    """Write a model card.

    Parameters
    ----------
    record : EndModelRecord
        What the model is.
    title : str
        First line.
    data : str
        What it was trained on and how the labels came about; Markdown.
    settings : Mapping[str, Any]
        How it was trained.
    metrics : Mapping[str, Any]
        How good it is; the names include on what.
    limits : Sequence[str]
        What it should not be trusted with.

    Returns
    -------
    str
        Markdown with the hub's metadata on top.
    """
    from huggingface_hub import ModelCard, ModelCardData

    head = ModelCardData(
        language=["kk", "ru"],
        library_name=_library(record),
        pipeline_tag="text-classification",
        tags=["labeler", "weak-supervision", record.head, *(["lora"] if record.mode == "lora" else [])],
        base_model=_hub_base(record),
    )
    filled = ModelCard.from_template(
        head,
        str(Path(__file__).with_name("card.md.j2")),
        record=record,
        names=json.dumps(list(record.labels), ensure_ascii=False),
        title=title,
        data=data.strip(),
        settings=_cells({**_description(record), **settings}),
        metrics=_cells(metrics),
        limits=[*limits, *_own_limits(record)],
    )
    return str(filled)


def _description(record: EndModelRecord) -> dict[str, Any]:
    return {
        "head": record.head,
        "mode": record.mode,
        "pooling": record.pooling,
        "backbone": f"{_backbone_name(record.backbone)} ({record.backbone.digest[:12]})" if record.backbone else "none",
        "weights": f"{record.total_parameters:,}, {record.trained_share:.2%} of them trained",
        "bias offset": ", ".join(f"{offset:+.3f}" for offset in record.bias_offset),
    }


def _own_limits(record: EndModelRecord) -> list[str]:
    limits = []
    if record.head == "bert_lstm":
        limits.append("sentence-transformers opens it only beside labeler, which gives its LSTM the texts' lengths.")
    if record.head == "ngram":
        limits.append("Only labeler opens it.")
    if record.head == "ensemble":
        limits.append("Only labeler opens it; the encoder's folder in it is an ordinary model, with a card of its own.")
    elif record.mode == "lora" and record.backbone:
        name = _backbone_name(record.backbone)
        limits.append(f"It is an adapter for {name}, which adapter_config.json names; on another one it is worthless.")
    return limits


def _backbone_name(backbone: Backbone) -> str:
    """Return the name without the way to a folder, which is nobody else's business."""
    return PurePath(backbone.name).name if backbone.source == "folder" else backbone.name


def _library(record: EndModelRecord) -> str:
    if record.head in ("ngram", "ensemble"):
        return "labeler"
    if not record.first_token:
        return "sentence-transformers"
    return "peft" if record.mode == "lora" else "transformers"


def _hub_base(record: EndModelRecord) -> str | None:
    """Name the backbone as the hub knows it; a folder it does not know."""
    if record.backbone is None or record.backbone.source == "folder":
        return None
    return HUB_EQUIVALENT if record.backbone.source == "embedded" else record.backbone.name


def _cells(values: Mapping[str, Any]) -> dict[str, str]:
    """Write names and values as cells of a Markdown table."""
    return {_cell(key): _cell(f"{value:.4f}" if isinstance(value, float) else value) for key, value in values.items()}


def _cell(value: Any) -> str:
    return " ".join(str(value).split()).replace("|", "\\|")
