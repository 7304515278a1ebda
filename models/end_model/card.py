"""The README of a saved end model: a model card as the Hugging Face hub reads it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any

from ..embedded.model import HUB_EQUIVALENT
from .record import Backbone, EndModelRecord

_FIRST_TOKEN = """\
from transformers import pipeline

classify = pipeline("text-classification", model=folder, truncation=True)
labels = [answer["label"] for answer in classify(texts)]"""

_FIRST_TOKEN_LORA = """\
from peft import PeftConfig, PeftModel
from transformers import AutoModelForSequenceClassification, AutoTokenizer, pipeline

names = {names}
base = PeftConfig.from_pretrained(folder)
model = AutoModelForSequenceClassification.from_pretrained(
    base.base_model_name_or_path, revision=base.revision or "main",
    id2label=dict(enumerate(names)), label2id={{name: i for i, name in enumerate(names)}},
)
model = PeftModel.from_pretrained(model, folder).merge_and_unload()
tokenizer = AutoTokenizer.from_pretrained(folder)
classify = pipeline("text-classification", model=model, tokenizer=tokenizer, truncation=True)
labels = [answer["label"] for answer in classify(texts)]"""

_SENTENCE = """\
from sentence_transformers import SentenceTransformer

names = {names}
logits = SentenceTransformer(folder).encode(texts)
labels = [names[i] for i in logits.argmax(axis=1)]"""

_SENTENCE_LSTM = """\
from labeler.models.end_model.heads.lengths import open_sentence_transformer

names = {names}
logits = open_sentence_transformer(folder).encode(texts)
labels = [names[i] for i in logits.argmax(axis=1)]"""

_NGRAM = """\
from pathlib import Path

from labeler.models.end_model.load import load_end_model

model = load_end_model(Path(folder))
labels = model.labels.decode(model.predict_proba(texts).argmax(axis=1).tolist())"""


def usage(record: EndModelRecord) -> str:
    """Return Python code that labels ``texts`` with the model in ``folder``, without labeler where that is possible.

    Parameters
    ----------
    record : EndModelRecord
        What the model is.

    Returns
    -------
    str
        It sets ``labels``, one name per text.
    """
    names = json.dumps(list(record.labels), ensure_ascii=False)
    if record.first_token:
        return _FIRST_TOKEN if record.mode == "full" else _FIRST_TOKEN_LORA.format(names=names)
    if record.head == "ngram":
        return _NGRAM
    return (_SENTENCE_LSTM if record.head == "bert_lstm" else _SENTENCE).format(names=names)


def model_card(
    record: EndModelRecord,
    *,
    title: str,
    data: str,
    settings: Mapping[str, Any],
    metrics: Mapping[str, Any],
    limits: Sequence[str] = (),
    license_name: str | None = None,
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
    license_name : str, optional
        As the hub calls it; left to the user where not given.

    Returns
    -------
    str
        Markdown with the hub's metadata on top.
    """
    from huggingface_hub import ModelCardData

    head = ModelCardData(
        language=["kk", "ru"],
        license=license_name,
        library_name=_library(record),
        pipeline_tag="text-classification",
        tags=["labeler", "weak-supervision", record.head, *(["lora"] if record.mode == "lora" else [])],
        base_model=_hub_base(record),
    )
    limit_lines = [f"- {limit}" for limit in (*limits, *_own_limits(record))]
    sections = [
        f"---\n{head.to_yaml()}\n---",
        f"# {title}",
        f"A text classifier with {len(record.labels)} classes: {', '.join(record.labels)}.",
        f'## Use\n\n```python\nfolder, texts = "path/of/this/folder", ["..."]\n\n{usage(record)}\n```',
        f"Texts are cut at {_longest(record)}. With labeler: `labeler predict`.",
        f"## How it was made\n\n{data.strip()}",
        _table({**_description(record), **settings}, "Setting"),
        *([f"## Metrics\n\n{_table(metrics, 'Metric')}"] if metrics else []),
        *(["## Limits\n\n" + "\n".join(limit_lines)] if limit_lines else []),
    ]
    return "\n\n".join(sections) + "\n"


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
    if record.mode == "lora" and record.backbone:
        name = _backbone_name(record.backbone)
        limits.append(f"It is an adapter for {name}, which adapter_config.json names; on another one it is worthless.")
    return limits


def _longest(record: EndModelRecord) -> str:
    if record.head == "ngram":
        return f"{record.longest_text} characters"
    return f"{record.max_length} tokens"


def _backbone_name(backbone: Backbone) -> str:
    """Return the name without the way to a folder, which is nobody else's business."""
    return PurePath(backbone.name).name if backbone.source == "folder" else backbone.name


def _library(record: EndModelRecord) -> str:
    if record.head == "ngram":
        return "labeler"
    if not record.first_token:
        return "sentence-transformers"
    return "peft" if record.mode == "lora" else "transformers"


def _hub_base(record: EndModelRecord) -> str | None:
    """Name the backbone as the hub knows it; a folder it does not know."""
    if record.backbone is None or record.backbone.source == "folder":
        return None
    return HUB_EQUIVALENT if record.backbone.source == "embedded" else record.backbone.name


def _table(values: Mapping[str, Any], name: str) -> str:
    rows = [(_cell(key), _cell(f"{value:.4f}" if isinstance(value, float) else value)) for key, value in values.items()]
    return "\n".join([f"| {name} | Value |", "| --- | --- |", *(f"| {key} | {value} |" for key, value in rows)])


def _cell(value: Any) -> str:
    return " ".join(str(value).split()).replace("|", "\\|")
