"""The manifest knows what is current, and survives damage."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labeler.data.digests import file_digest
from labeler.data.errors import RunError
from labeler.data.runs.manifest import Manifest, StageDetails, package_versions, stage_key

NAMES = st.text(min_size=1, max_size=8)


def manifest(folder: Path) -> Manifest:
    return Manifest.load(folder / "manifest.json")


@given(name=NAMES, settings_=st.dictionaries(NAMES, st.integers() | NAMES), rows=st.dictionaries(NAMES, st.integers(0)))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
def test_stages_round_trip(tmp_path: Path, name: str, settings_: dict[str, object], rows: dict[str, int]) -> None:
    (tmp_path / "a.txt").write_text("a", encoding="utf-8")
    details = StageDetails(
        settings=settings_,
        inputs={"in": "x"},
        model="model@1",
        seed=7,
        device="cpu",
        dtype="bf16",
        rows=rows,
        seconds=1.5,
    )
    written = manifest(tmp_path).with_stage(name, "k", outputs=[tmp_path / "a.txt"], details=details)
    read = manifest(tmp_path)
    assert read.stages == written.stages
    record = read.stages[name]
    assert (record.settings, record.rows, record.seed, record.dtype) == (settings_, rows, 7, "bf16")
    assert record.versions["polars"]
    assert record.finished


def test_a_stage_is_current_while_key_and_outputs_are(tmp_path: Path) -> None:
    output, folder = tmp_path / "a.txt", tmp_path / "model"
    folder.mkdir()
    (folder / "w").write_text("1", encoding="utf-8")
    output.write_text("abc", encoding="utf-8")
    assert not manifest(tmp_path).is_current("label", "k")
    manifest(tmp_path).with_stage("label", "k", outputs=[output, folder])
    assert manifest(tmp_path).is_current("label", "k")
    assert not manifest(tmp_path).is_current("label", "other")
    assert not manifest(tmp_path).is_current("train", "k")
    output.write_text("abd", encoding="utf-8")
    assert not manifest(tmp_path).is_current("label", "k")
    output.write_text("abc", encoding="utf-8")
    assert manifest(tmp_path).is_current("label", "k")
    (folder / "w2").write_text("", encoding="utf-8")
    assert not manifest(tmp_path).is_current("label", "k")
    (folder / "w2").unlink()
    output.unlink()
    assert not manifest(tmp_path).is_current("label", "k")


def test_recording_one_stage_keeps_the_others(tmp_path: Path) -> None:
    manifest(tmp_path).with_stage("a", "1").with_stage("b", "2")
    assert {name: record.key for name, record in manifest(tmp_path).stages.items()} == {"a": "1", "b": "2"}


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b"[]", b"null", b'{"stages": 5}', b'{"stages": {"a": 5}}', b'{"stages": {"a": {}}}', b"\xff\xfe\x00",
        b'{"stages": {"a": {"key": 5}}}', b'{"stages": {"a": {"key": "k", "outputs": {"x": 1}}}}', b"[" * 100_000,
        b'{"stages": {"a": {"key": "k", "outputs": {"x": {"size": 1}}}}}',
    ],
)  # fmt: skip
def test_a_damaged_manifest_counts_as_none_and_says_so(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "manifest.json").write_bytes(content)
    damaged = manifest(tmp_path)
    assert not damaged.stages
    assert "is damaged" in damaged.note
    damaged.with_stage("a", "k")
    assert manifest(tmp_path).note == ""


def test_a_missing_manifest_is_nothing_to_note(tmp_path: Path) -> None:
    assert manifest(tmp_path).note == ""


def test_unknown_fields_of_a_later_version_are_ignored(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text('{"stages": {"a": {"key": "k", "new": 1}}}', encoding="utf-8")
    assert manifest(tmp_path).stages["a"].key == "k"


def test_an_unwritable_manifest(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").mkdir()
    (tmp_path / "manifest.json" / "x").touch()
    assert "is damaged" in manifest(tmp_path).note
    with pytest.raises(RunError, match=r"manifest.json could not be written"):
        manifest(tmp_path).with_stage("a", "k")


def test_keys_depend_on_values_not_on_order() -> None:
    assert stage_key(a=1, b={"x": 1, "y": [2]}) == stage_key(b={"y": [2], "x": 1}, a=1)
    keys = [stage_key(a=1), stage_key(a="1"), stage_key(a=[1]), stage_key(b=1), stage_key(a=1, b=None), stage_key()]
    assert len(set(keys)) == len(keys)
    assert stage_key(a=math.nan)


def test_versions_come_without_imports() -> None:
    assert set(package_versions(("polars", "no-such-package"))) == {"python", "polars"}


def test_digests(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 100_000)
    assert file_digest(tmp_path / "a").bytes == 100_000
    with pytest.raises(FileNotFoundError):
        file_digest(tmp_path / "b")
    assert json.dumps(file_digest(tmp_path).digest).startswith('"blake2b:')
