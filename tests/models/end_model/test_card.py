"""The model card that goes with a saved model."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from labeler.models.end_model.card import model_card
from labeler.models.end_model.record import Backbone, EndModelRecord

RECORD = EndModelRecord(
    labels=("negative", "positive"),
    head="linear",
    mode="lora",
    pooling="mean",
    backbone=Backbone("embedded", "embedded", "12ab34cd56ef78"),
    prefix="query: ",
    max_length=128,
    trained_parameters=20,
    total_parameters=1000,
    bias_offset=(0.25, -0.25),
)


def card(record: EndModelRecord, **options: Any) -> str:
    return model_card(
        record,
        title="Reviews",
        data="16,800 reviews with weak labels.",
        settings={"epochs": 1, "rule": "a|b\nc"},
        metrics={"macro-F1 on gold": 0.81234},
        limits=["Short reviews only."],
        **options,
    )


def metadata(text: str) -> Any:
    from huggingface_hub import ModelCard

    return ModelCard(text).data


def test_the_hub_reads_its_metadata() -> None:
    data = metadata(card(RECORD))
    assert data.language == ["kk", "ru"]
    assert (data.library_name, data.pipeline_tag) == ("sentence-transformers", "text-classification")
    assert data.base_model == "intfloat/multilingual-e5-small"
    assert {"labeler", "lora", "linear"} <= set(data.tags)
    assert data.license is None


@pytest.mark.parametrize(
    ("change", "library", "base"),
    [
        ({"pooling": "cls"}, "peft", "intfloat/multilingual-e5-small"),
        ({"pooling": "cls", "mode": "full"}, "transformers", "intfloat/multilingual-e5-small"),
        ({"backbone": Backbone("team/tiny", "hub", "c0ffee")}, "sentence-transformers", "team/tiny"),
        ({"backbone": Backbone("models/mine", "folder", "c0ffee")}, "sentence-transformers", None),
        ({"backbone": None, "head": "lstm", "mode": "full"}, "sentence-transformers", None),
        ({"backbone": None, "head": "ngram", "mode": "full"}, "labeler", None),
    ],
)
def test_library_and_base_follow_the_record(change: dict[str, Any], library: str, base: str | None) -> None:
    data = metadata(card(replace(RECORD, **change)))
    assert (data.library_name, data.base_model) == (library, base)


def test_it_says_how_the_model_was_made_and_what_it_cannot_do() -> None:
    text = card(RECORD)
    assert "16,800 reviews with weak labels." in text
    assert "| macro-F1 on gold | 0.8123 |" in text
    assert "| rule | a\\|b c |" in text
    assert "1,000, 2.00% of them trained" in text
    assert "| bias offset | +0.250, -0.250 |" in text
    assert "- Short reviews only." in text
    assert "It is an adapter for embedded" in text
    assert "opens it only beside labeler" in card(replace(RECORD, head="bert_lstm", pooling="max"))


def test_nothing_is_said_where_nothing_is_known() -> None:
    record = replace(RECORD, mode="full", backbone=Backbone("/somewhere/private/mine", "folder", "c0ffee"))
    text = model_card(record, title="t", data="d", settings={}, metrics={})
    assert "Metrics" not in text
    assert "Limits" not in text
    assert "private" not in text
    assert "| backbone | mine (c0ffee) |" in text
