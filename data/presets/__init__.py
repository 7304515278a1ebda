"""Configurations of tasks that are built in, with comments, to label with or to start from."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from ..errors import ConfigError, nearest_hint
from ..progress import status
from ..writing.atomic import write_text
from ..writing.ownership import move_to_free_name

_PRESETS = resources.files(__package__)


def preset_names() -> list[str]:
    """Return the names of the built-in presets."""
    return sorted(entry.name.removesuffix(".toml") for entry in _PRESETS.iterdir() if entry.name.endswith(".toml"))


def preset_text(name: str) -> str:
    """Return a preset's commented TOML.

    Raises
    ------
    ConfigError
        If there is no such preset.
    """
    if name not in preset_names():
        raise ConfigError(f"There is no preset '{name}'.", hint=nearest_hint(name, preset_names()))
    return (_PRESETS / f"{name}.toml").read_text(encoding="utf-8")


def write_preset(name: str, path: Path, *, force: bool) -> None:
    """Write a preset's TOML to a file to edit; with `force` a file that was edited gets another name.

    Raises
    ------
    ConfigError
        If there is no such preset, or without `force` the file is already there.
    """
    text = preset_text(name)
    if path.exists() and not force:
        raise ConfigError(f"{path} is already there.", hint="Use --force to replace it, or --path for another name.")
    if path.exists() and path.read_bytes() not in [preset_text(known).encode() for known in preset_names()]:
        kept = move_to_free_name(path, path.with_name(f"{path.stem}-old{path.suffix}"))
        status(f"{path} was edited: it is kept as {kept}")
    write_text(path, text)
