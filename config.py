"""``labeler.toml``: one pydantic model, composed from the sections that live beside their users."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import tomli_w
from pydantic import Field, ValidationError, ValidationInfo, field_validator

from .data.errors import ConfigError, LabelerError
from .data.presets import preset_names, preset_text
from .data.progress import status
from .data.reading.settings import DataSection
from .data.settings import Section
from .data.settings_errors import as_validation, mistakes_in, raise_together
from .data.types.task import TaskSection
from .labeling.label_models.class_balance import given_balance
from .labeling.settings import LabelModelSection, VoterSection
from .models.training.settings import TrainSection
from .reports.settings import ReportSection

if TYPE_CHECKING:
    from .data.runs.label_options import LabelOptions
    from .labeling.explain import Trial
    from .labeling.label import LabelJob
    from .labeling.voting.executor import Executor

T = TypeVar("T", bound=Section)

CONFIG_FILE = "labeler.toml"
DEFAULT_PRESET = "kaspi-sentiment"


class Task(Section):
    """Everything a run can be told."""

    task: TaskSection
    data: DataSection = DataSection()
    voters: tuple[VoterSection, ...] = Field(min_length=1)
    label_model: LabelModelSection = LabelModelSection()
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

    def with_data(self, **given: object) -> Task:
        """Return the configuration with keys of ``[data]`` given on the command line; None where not given."""
        data = self.data.model_dump() | {name: value for name, value in given.items() if value is not None}
        return self.model_copy(update={"data": DataSection.model_validate(data)})

    def with_code(self, path: Path | None) -> Task:
        """Return the configuration with a voter for each labeling function in a Python file.

        Raises
        ------
        ConfigError
            If the file cannot be used.
        """
        if path is None:
            return self
        from .labeling.user_code.loading import load_code

        taken = {voter.name for voter in self.voters}
        known = {(voter.options.get("path"), voter.options.get("function")) for voter in self.voters}
        place = str(path.absolute())
        added = tuple(
            VoterSection.model_validate(
                {
                    "name": name if name not in taken else f"{name} ({path.name})",
                    "kind": "python",
                    "path": place,
                    "function": name,
                }
            )
            for name in load_code(path).functions
            if (place, name) not in known
        )
        return self.model_copy(update={"voters": (*self.voters, *added)})

    def with_llm_budget(self, rows: int | None) -> Task:
        """Return the configuration with a budget named on the command line for the voters that cost money.

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

    def label_job(
        self,
        told: LabelOptions,
        *,
        force: bool,
        executor: Executor,
    ) -> LabelJob:
        """Open the input and put together what `label_reviews` needs; without a source, the bundled sample.

        Raises
        ------
        LabelerError
            If the input or the gold rows cannot be read.
        """
        from .data.gold.gold_rows import read_gold
        from .data.reading.reviews import open_stream
        from .data.sample import sample_of
        from .data.writing.parquet_parts import PART_ROWS
        from .labeling.label import LabelJob
        from .models.loading.choice import ModelChoice

        source, gold = told.input, told.gold
        if source is None:
            sample = sample_of(self.task.name)
            source, gold = str(sample.reviews), gold or str(sample.gold)
            status(f"No INPUT given: labelling the bundled sample of {self.task.name}.")
        return LabelJob(
            task=self.task,
            voters=self.voters,
            label_model=self.label_model,
            gold=read_gold(gold, self.task.label_space, likely=self.data.text_column) if gold else None,
            table=open_stream(
                source,
                text_column=self.data.text_column,
                id_column=self.data.id_column,
                chunk_rows=PART_ROWS,
                options=self.data.read_options,
            ),
            limit=told.limit,
            models=ModelChoice(told.models or "auto"),
            rating_column=self.data.rating_column,
            config_toml=self.dumps(),
            force=force,
            executor=executor,
        )

    def try_voter(self, kind: str | None, text: str, *, models: str) -> Trial:
        """Let the zero-shot voter judge one review; raises as `labeling.trial.try_zero_shot` does."""
        from .labeling.explain import try_zero_shot
        from .models.loading.choice import ModelChoice

        return try_zero_shot(self.task, self.voters, kind, text, ModelChoice(models))

    def dumps(self) -> str:
        """Return the resolved configuration as TOML."""
        return tomli_w.dumps(self.model_dump(mode="json", exclude_none=True))


def load_config(path: Path | None = None, preset: str | None = None, *, with_voters: bool = False) -> Task:
    """Load a configuration file, a preset, ``labeler.toml`` of the working directory, or the default preset.

    Raises
    ------
    ConfigError
        If the file or preset is not there, is not TOML, or holds a wrong key or value; see `parse_config`.
    """
    if path is not None and preset is not None:
        raise ConfigError("Both a configuration file and a preset were given.", hint="Choose --config or --preset.")
    path = config_path(path, preset)
    if path is None:
        name = DEFAULT_PRESET if preset is None else preset
        return parse_config(preset_text(name), source=f"preset {name}", with_voters=with_voters)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise ConfigError(f"Cannot read {path}: {reason}.", hint="Make one with `labeler init`.") from error
    return parse_config(text, source=str(path), with_voters=with_voters)


def config_path(path: Path | None, preset: str | None = None) -> Path | None:
    """Return the configuration file that counts: the one named, or without a preset ``labeler.toml`` here, if any."""
    return Path(CONFIG_FILE) if path is None and preset is None and Path(CONFIG_FILE).is_file() else path


def told_config(given: LabelOptions, run: Path | None) -> tuple[LabelOptions, Task]:
    """Return what `labeler label` is told, or was told of a run that is named alone, and the configuration of that.

    Raises
    ------
    LabelerError
        See `with_earlier`, `load_config` and the methods of `Task`.
    """
    from .data.runs.directory import RunDirectory
    from .data.runs.label_options import with_earlier
    from .labeling.user_code.loading import load_code

    told = with_earlier(given, RunDirectory(run)) if run else given
    told = replace(told, config=config_path(told.config, told.preset))
    mistakes: list[LabelerError] = []
    try:
        settings = load_config(told.config, told.preset, with_voters=True)
    except ConfigError as error:
        mistakes.append(error)
    try:
        if told.code:
            load_code(told.code)
    except ConfigError as error:
        mistakes.append(error)
    raise_together(mistakes, "The configuration")
    settings = settings.with_data(**told.data)
    return told, settings.with_code(told.code).with_llm_budget(told.llm_budget)


def run_config(path: Path | None, run: Path) -> Task:
    """Load the configuration that was named, a ``labeler.toml`` here, or the run's own."""
    return load_config(run / "config.toml" if path is None and not Path(CONFIG_FILE).is_file() else path)


def parse_config(text: str, *, source: str, with_voters: bool = False) -> Task:
    """Parse and check a configuration.

    Parameters
    ----------
    text : str
    source : str
        Where it is from, for messages.
    with_voters : bool
        Make its voters too, to see that they can vote.

    Raises
    ------
    ConfigError
        If it is not TOML, or holds a wrong key or value; unknown keys name the nearest known one. All mistakes are
        listed.
    """
    mistakes: list[LabelerError] = []
    try:
        given = tomllib.loads(text)
        config = Task.model_validate(given)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(
            f"{source} is not valid TOML: {error}.",
            hint="Repair it there; `labeler init --path example.toml` writes a valid file to compare with.",
        ) from error
    except ValidationError as error:
        mistakes += mistakes_in(error, Task, given, source)
    if with_voters:
        from .labeling.voting.voter_errors import usable_parts, voter_mistakes

        parts = usable_parts(given) if mistakes else (config.task, config.voters)
        mistakes += voter_mistakes(*parts) if parts else []
    raise_together(mistakes, source)
    return config


def add_keywords(path: Path, keywords: Mapping[str, Mapping[str, Sequence[str]]], made_with: Task) -> None:
    """Add lexicon entries to a configuration file; without it, to a copy of the preset or configuration of a run.

    Parameters
    ----------
    path : Path
        The file; its comments stay.
    keywords : mapping of str to mapping of str to sequence of str
        Entries by class and language.
    made_with : Task
        The configuration of the run.

    Raises
    ------
    ConfigError
        If the file cannot be read, or describes other classes.
    RunError
        If it cannot be written.
    """
    from .data.writing.atomic import write_text
    from .reports.suggest_apply import with_keywords

    preset = preset_text(made_with.task.name) if made_with.task.name in preset_names() else ""
    if path.is_file():
        load_config(path)
        text = path.read_text(encoding="utf-8-sig")
    elif preset and parse_config(preset, source="preset").task == made_with.task:
        text = preset
    else:
        text = made_with.dumps()
    text = with_keywords(text, keywords, source=str(path))
    parse_config(text, source=str(path))
    write_text(path, text)


def with_flags(section: T, given: Mapping[str, Any]) -> T:
    """Return a section with the values given on the command line; None means not given.

    Raises
    ------
    ConfigError
        If a value is out of range.
    """
    flags = {name: value for name, value in given.items() if value is not None}
    try:
        return type(section).model_validate(section.model_dump() | flags)
    except ValidationError as error:
        raise_together(mistakes_in(error, type(section), flags, "the command line"), "The command line")
        raise
