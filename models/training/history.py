"""``history.jsonl``: the numbers of a training as they come, one JSON object a line; and where else they go."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...data.digests import file_digest
from ...data.errors import ConfigError, nearest_hint
from ...data.text.plain_values import plain
from ...data.writing.atomic import write_text
from ...data.writing.ownership import mark_run

TRACKERS = ("tensorboard", "mlflow", "trackio")
"""Experiment trackers that training can log to."""

_KEYS = {"model", "training", "phase", "step"}


@dataclass(frozen=True)
class TrainingLog:
    """Where a fit logs its numbers.

    Parameters
    ----------
    file : Path
        ``history.jsonl`` of a run.
    model : str
        What is trained, as `--compare` calls it.
    training : str
        Identifies the training: one that is resumed appends, another one of the same model replaces its lines.
    phase : str
        The fit, such as ``all`` or ``gold``.
    log_to : tuple of str
        Some of `TRACKERS`.
    """

    file: Path
    model: str
    training: str
    phase: str = ""
    log_to: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What trackers call the fit: another training of the same model is another curve."""
        return f"{self.model}-{self.training}/{self.phase}"

    @property
    def tensorboard(self) -> Path:
        """Folder for TensorBoard, unless its own variable of the environment names one."""
        return self.file.parent / "tensorboard"

    def begin(self, step: int) -> None:
        """Forget what this fit logged after `step`, which comes again, and earlier trainings of the same model."""

        def stays(line: dict[str, Any]) -> bool:
            if line["model"] != self.model:
                return True
            same_training: bool = line["training"] == self.training
            return same_training and (line["phase"] != self.phase or line["step"] <= step)

        lines = read_history(self.file)
        if lines:
            self.finish()
        write_text(self.file, "".join(_line(line) for line in lines if stays(line)))

    def add(self, numbers: dict[str, Any]) -> None:
        """Append one line."""
        line = {"model": self.model, "training": self.training, "phase": self.phase, "step": numbers["step"]}
        with self.file.open("ab", buffering=0) as file:  # one write: a killed process leaves no half of it
            file.write(_line(line | numbers).encode())

    def finish(self) -> None:
        """Record the file as the program's: lines were added since it was recorded last."""
        mark_run(self.file.parent, [file_digest(self.file).digest])


def read_history(file: Path) -> list[dict[str, Any]]:
    """Read the whole lines of a ``history.jsonl``; none of a file that is missing or something else."""
    if not file.is_file():
        return []
    try:
        lines = [json.loads(line) for line in file.read_text(encoding="utf-8").split("\n")[:-1]]
        return lines if all(line.keys() >= _KEYS for line in lines) else []
    except (ValueError, AttributeError):
        return []


def checked_trackers(names: Iterable[str]) -> tuple[str, ...]:
    """Return the trackers of lists such as ``tensorboard,mlflow``, each once.

    Raises
    ------
    ConfigError
        If one is not known or not installed.
    """
    from importlib.util import find_spec

    found = tuple(dict.fromkeys(name.strip() for each in names for name in each.split(",") if name.strip()))
    for name in found:
        if name not in TRACKERS:
            raise ConfigError(f"'{name}' is nothing training can log to.", hint=nearest_hint(name, TRACKERS))
        if find_spec(name) is None:
            raise ConfigError(f"{name} is not installed.", hint=f"pip install {name}")
    return found


def _line(value: dict[str, Any]) -> str:
    return json.dumps(plain(value), ensure_ascii=False, allow_nan=False) + "\n"
