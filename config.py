"""``labeler.toml``: one pydantic model, composed from the sections that live beside their users."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import tomli_w
from pydantic import Field, ValidationError, ValidationInfo, field_validator

from .data.errors import ConfigError, LabelerError
from .data.presets import preset_names, preset_text
from .data.reading.settings import DataSection
from .data.settings import Section
from .data.settings_errors import as_validation, mistakes_in, raise_together
from .data.types.task import TaskSection
from .labeling.label_models.class_balance import given_balance
from .labeling.settings import LabelModelSection, RefineSection, VoterSection
from .models.training.settings import TrainSection, of_earlier_version
from .reports.settings import ReportSection

T = TypeVar("T", bound=Section)

CONFIG_FILE = "labeler.toml"
DEFAULT_PRESET = "kaspi-sentiment"

TaskSource: TypeAlias = "str | Path | Task | None"
"""The name of a preset, a ``labeler.toml``, or a task; None takes ``labeler.toml`` here, or the default preset."""

Check: TypeAlias = Callable[[Mapping[str, Any]], Sequence[LabelerError]]
"""Looks for further mistakes in what was written, such as voters that cannot vote."""


class Task(Section):
    """The classes and the voters, and all that may be set for labelling, training and reporting.

    Attributes
    ----------
    task : TaskSection
        The classes.
    data : DataSection
        Where the input has texts, ids and ratings.
    voters : tuple of VoterSection
    label_model : LabelModelSection
    refine : RefineSection
    train : TrainSection
    report : ReportSection

    Examples
    --------
    >>> task = Task.preset("kaspi-sentiment")
    >>> task.classes
    ('negative', 'positive')
    """

    task: TaskSection
    data: DataSection = DataSection()
    voters: tuple[VoterSection, ...] = Field(min_length=1)
    label_model: LabelModelSection = LabelModelSection()
    refine: RefineSection = RefineSection()
    train: TrainSection = TrainSection()
    report: ReportSection = ReportSection()

    @field_validator("voters")
    @classmethod
    def _voter_names_are_unique(cls, voters: tuple[VoterSection, ...]) -> tuple[VoterSection, ...]:
        names = [voter.name for voter in voters]
        if repeated := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"two voters are called '{min(repeated)}'\nGive every voter its own name.")
        return voters

    @field_validator("label_model")
    @classmethod
    def _class_balance_fits_the_classes(cls, section: LabelModelSection, info: ValidationInfo) -> LabelModelSection:
        task = info.data.get("task")  # none if it is wrong itself
        if task is not None and not isinstance(section.class_balance, str):
            with as_validation():
                given_balance(section.class_balance, task.label_space)
        return section

    @classmethod
    def preset(cls, name: str) -> Task:
        """Return a built-in task.

        Raises
        ------
        ConfigError
            If there is none of this name; the hint names the nearest one.
        """
        return parse_config(preset_text(name), source=f"preset {name}")

    @classmethod
    def from_toml(cls, path: str | Path) -> Task:
        """Read a ``labeler.toml``.

        Raises
        ------
        ConfigError
            If it cannot be read, is not TOML, or holds a wrong key or value; all mistakes are listed.
        """
        return load_config(Path(path))

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the k classes, in index order."""
        return self.task.label_space.names

    def with_data(self, **given: object) -> Task:
        """Return the task with keys of ``[data]`` given otherwise; None where not given. Raises as `with_flags`."""
        return self.model_copy(update={"data": with_flags(self.data, given)})

    def with_llm_budget(self, rows: int | None) -> Task:
        """Return the task with another budget for the voters that cost money; None where not given.

        Raises
        ------
        ConfigError
            If there is no such voter.
        """
        if rows is None:
            return self
        voters = tuple(v.model_copy(update={"budget_rows": rows}) if v.kind == "llm" else v for v in self.voters)
        if all(voter.kind != "llm" for voter in voters):
            raise ConfigError(
                "--llm-budget was given, but no voter asks a language model.",
                hint='Add a [[voters]] section with kind = "llm"; `labeler voters llm` shows its options.',
            )
        return self.model_copy(update={"voters": voters})

    def dumps(self) -> str:
        """Return the resolved configuration as TOML."""
        return tomli_w.dumps(self.model_dump(mode="json", exclude_none=True))


def load_config(task: TaskSource = None, *, check: Check | None = None) -> Task:
    """Return a task, or read what gives it: see `TaskSource`.

    Raises
    ------
    ConfigError
        If the file or preset is not there, is not TOML, or holds a wrong key or value; see `parse_config`.
    """
    if isinstance(task, Task):
        raise_together(check(task.model_dump(mode="json", exclude_none=True)) if check else [], "The task")
        return task
    path, preset = task_places(task)
    path = config_path(path, preset)
    if path is None:
        name = DEFAULT_PRESET if preset is None else preset
        return parse_config(preset_text(name), source=f"preset {name}", check=check)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise ConfigError(f"Cannot read {path}: {reason}.", hint="Make one with `labeler init`.") from error
    return parse_config(text, source=str(path), check=check, of_run=path.with_name("manifest.json").is_file())


def task_places(task: TaskSource) -> tuple[Path | None, str | None]:
    """Return the file, or the name of the preset, that a task is given by; neither for a task itself.

    Raises
    ------
    ConfigError
        If it is something else.
    """
    if task is None or isinstance(task, Task):
        return None, None
    if isinstance(task, Path):
        return task, None
    if not isinstance(task, str):
        raise ConfigError(
            f"A task cannot be made of {type(task).__name__}.",
            hint=f"Give the name of a preset ({', '.join(preset_names())}), a path, or a labeler.Task.",
        )
    is_file = task not in preset_names() and (task.endswith(".toml") or Path(task).is_file())
    return (Path(task), None) if is_file else (None, task)


def config_path(path: Path | None, preset: str | None = None) -> Path | None:
    """Return the configuration file that counts: the one named, or without a preset ``labeler.toml`` here, if any."""
    return Path(CONFIG_FILE) if path is None and preset is None and Path(CONFIG_FILE).is_file() else path


def run_config(task: TaskSource, run: Path) -> Task:
    """Return a task that was named, ``labeler.toml`` here, or a run's own task."""
    return load_config(run / "config.toml" if task is None and not Path(CONFIG_FILE).is_file() else task)


def parse_config(text: str, *, source: str, check: Check | None = None, of_run: bool = False) -> Task:
    """Parse and check a configuration.

    Parameters
    ----------
    text : str
    source : str
        Where it is from, for messages.
    check : callable, optional
        Finds further mistakes in the tables of the file, which may have others.
    of_run : bool
        Whether it was written into a run, perhaps by an earlier version.

    Raises
    ------
    ConfigError
        If it is not TOML, or holds a wrong key or value; unknown keys name the nearest known one. All mistakes are
        listed.
    """
    mistakes: list[LabelerError] = []
    try:
        given = tomllib.loads(text)
        if of_run and "train" in given:
            given["train"] = of_earlier_version(given["train"])
        config = Task.model_validate(given)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(
            f"{source} is not valid TOML: {error}.",
            hint="Repair it there; `labeler init --path example.toml` writes a valid file to compare with.",
        ) from error
    except ValidationError as error:
        mistakes += mistakes_in(error, Task, given, source)
    if check is not None:
        mistakes += check(given)
    raise_together(mistakes, source)
    return config


def with_flags(section: T, given: Mapping[str, Any]) -> T:
    """Return a section with the values that were given otherwise; None means not given.

    Raises
    ------
    ConfigError
        If a value is out of range.
    """
    flags = {name: value for name, value in given.items() if value is not None}
    try:
        return type(section).model_validate(section.model_dump() | flags)
    except ValidationError as error:
        raise_together(mistakes_in(error, type(section), flags, "the options"), "The options")
        raise
