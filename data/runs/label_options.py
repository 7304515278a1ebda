"""What `labeler label` was told about a run, so that it need not be told again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from ..command import command
from ..errors import InputError
from ..progress import status
from .directory import RunDirectory
from .manifest import StageDetails, stage_key

_STAGE = "label"
_DATA = ("text_column", "id_column", "rating_column", "encoding", "delimiter")


@dataclass(frozen=True)
class LabelOptions:
    """The input and the options of `labeler label` that decide about the labels; None where not given.

    A table in memory is called ``<DataFrame>``, after its type (see `named_source`): it cannot be read again.
    """

    input: str | None = None
    config: Path | None = None
    preset: str | None = None
    gold: str | None = None
    models: str | None = None
    code: Path | None = None
    llm_budget: int | None = None
    refine: bool | None = None
    text_column: Sequence[str] | None = None
    id_column: str | None = None
    rating_column: str | None = None
    limit: int | None = None
    encoding: str | None = None
    delimiter: str | None = None

    @property
    def data(self) -> dict[str, object]:
        """Keys of the ``[data]`` section."""
        return {name: getattr(self, name) for name in _DATA}


def read_label_options(run: RunDirectory) -> LabelOptions | None:
    """Read what was last recorded; None if nothing was, or not by this version."""
    stage = run.read_manifest().stages.get(_STAGE)
    try:
        told = dict(stage.settings if stage else {})
        return LabelOptions(**told | {name: Path(told[name]) for name in ("config", "code") if told[name]})
    except (KeyError, TypeError):
        return None


def record_label_options(run: RunDirectory, options: LabelOptions) -> None:
    """Remember options in the manifest, paths as absolute ones.

    Raises
    ------
    RunError
        If they cannot be written.
    """
    places = {name: _absolute(getattr(options, name)) for name in ("input", "config", "gold", "code")}
    settings = asdict(options) | places
    key = stage_key(**settings)
    stage = run.read_manifest().stages.get(_STAGE)
    if stage is None or stage.key != key:
        run.record_stage(_STAGE, key, details=StageDetails(settings=settings))


def with_earlier(given: LabelOptions, run: RunDirectory) -> LabelOptions:
    """Fill in what `labeler label` was told about a run before, where it is given no input.

    Raises
    ------
    InputError
        If the reviews, or hand labels, came from standard input or were a table in memory.
    """
    told = read_label_options(run) if given.input is None else None
    if told is None:
        return given
    if told.input == "-":
        raise InputError(
            f"The reviews of {run.path} came from standard input.",
            hint=f"Send them again to: {command('label', '-', '--run', run.path)}",
        )
    if in_memory(told.input):
        raise InputError(
            f"The reviews of {run.path} were a table in memory: {told.input}.",
            hint=f"Give it again, in Python: labeler.label(data, run_dir={str(run.path)!r})",
        )
    if given.gold is None and (told.gold == "-" or in_memory(told.gold)):
        where = "came from standard input" if told.gold == "-" else f"were a table in memory: {told.gold}"
        raise InputError(f"Hand labels of {run.path} {where}.", hint="Give them again with --gold.")
    if given.config or given.preset:
        told = replace(told, config=None, preset=None)
    told = replace(told, **{name: value for name, value in asdict(given).items() if value is not None})
    if told.input is not None:
        given_now = ((name, value) for name, value in asdict(told).items() if name != "input" and value is not None)
        words = (word for name, value in given_now for word in _flag(name.replace("_", "-"), value))
        status(f"as before: {command('label', told.input, *words, '--run', run.path)}")
    return told


def named_source(source: object) -> str | None:
    """Return what is recorded of an input: the path, URL or ``-``, or the type of a table in memory."""
    if source is None or isinstance(source, str | Path):
        return None if source is None else str(source)
    return f"<{type(source).__name__}>"


def in_memory(source: str | None) -> bool:
    """Whether a recorded input was a table in memory, which cannot be read again."""
    return source is not None and source.startswith("<") and source.endswith(">")


def _flag(name: str, value: object) -> list[object]:
    """Write an option as on the command line, once for each of its values."""
    if isinstance(value, bool):
        return [f"--{name}" if value else f"--no-{name}"]
    values = value if isinstance(value, tuple | list) else (value,)
    return [word for each in values for word in (f"--{name}", each)]


def _absolute(path: str | Path | None) -> str | None:
    if path is None:
        return None
    fixed = str(path) == "-" or "://" in str(path) or in_memory(str(path))
    return str(path) if fixed else str(Path(path).absolute())
