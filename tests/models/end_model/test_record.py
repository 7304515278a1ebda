"""What labeler.json must hold."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from labeler.data.errors import ModelError
from labeler.models.end_model.record import Backbone, EndModelRecord, read_record, write_record

RECORD = EndModelRecord(
    labels=("нет", "да"),
    head="linear",
    mode="lora",
    pooling="mean",
    backbone=Backbone("embedded", "embedded", "12ab"),
    prefix="query: ",
    max_length=128,
    trained_parameters=20,
    total_parameters=1000,
    bias_offset=(0.25, -0.25),
)


def test_a_record_survives_its_file(tmp_path: Path) -> None:
    write_record(tmp_path, RECORD)
    assert read_record(tmp_path) == RECORD
    assert "нет" in (tmp_path / "labeler.json").read_text(encoding="utf-8")
    assert (RECORD.trained_share, RECORD.first_token) == (0.02, False)


def test_a_folder_without_a_record_is_no_end_model(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"is not an end model: it has no labeler\.json") as caught:
        read_record(tmp_path)
    assert "labeler train" in caught.value.hint


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": None}, "labels: Input should be a valid"),
        ({"head": "crf"}, "head: Input should be 'linear'"),
        ({"bias_offset": [0.0]}, "1 bias offsets, 2 are expected"),
        ({"temperatures": [1.0, 1.0, 1.0]}, "3 temperatures, 2 are expected"),
        ({"head": "ensemble", "scales": [1.0]}, "1 scales, 2 are expected"),
        ({"format": 99}, "has format 99"),
        ({"backbone": {"name": "x"}}, "backbone.source: Field required"),
    ],
)
def test_a_wrong_field_is_named(change: dict[str, object], message: str, tmp_path: Path) -> None:
    write_record(tmp_path, RECORD)
    path = tmp_path / "labeler.json"
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), **change}), encoding="utf-8")
    with pytest.raises(ModelError, match=message):
        read_record(tmp_path)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"digest": "1", "files": {}}', b"\xff\xfe"])
def test_another_or_a_damaged_file_is_an_error(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "labeler.json").write_bytes(content)
    with pytest.raises(ModelError, match="does not describe an end model"):
        read_record(tmp_path)
