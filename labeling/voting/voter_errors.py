"""What is wrong with the voters of a configuration, all of it, before a model is loaded or a review is read."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from ...data.errors import ConfigError, LabelerError
from ...data.types.task import Label, TaskSection
from ...models.loading.resolve import ModelRef
from ..settings import VoterSection
from .configured import build_voters


def voter_mistakes(given: Mapping[str, Any]) -> list[LabelerError]:
    """Make every voter of a configuration with models that are not there, and return what goes wrong.

    Code of the user's is loaded; nothing votes. Sections that are wrong in themselves are left out.
    """
    usable = _usable_parts(given)
    if usable is None:
        return []
    task, sections = usable
    k = task.label_space.k
    resources = {**task.resources, "class_balance": (1 / k,) * k}
    found: list[LabelerError] = []
    for section in sections:
        try:
            build_voters([section], resources, _some_model)
        except LabelerError as error:
            found += [_named(each, section.name) for each in error.errors or (error,)]
    return found


def _usable_parts(given: Mapping[str, Any]) -> tuple[TaskSection, list[VoterSection]] | None:
    """Return what is right in itself in a wrong configuration: the task and voters; None if there is no such task."""
    written = given.get("task")
    if not isinstance(written, Mapping):
        return None
    try:
        labels = [_usable(label, Label) for label in written.get("labels", ())]
        task = TaskSection.model_validate({"labels": labels, "cloze": written.get("cloze", ())})
    except (ValidationError, TypeError, AttributeError):  # labels may be anything
        return None
    sections = []
    for section in given.get("voters", ()):
        with suppress(ValidationError):  # reported already
            sections.append(VoterSection.model_validate(section))
    return task, sections


def _usable(label: Mapping[str, Any], model: type[BaseModel]) -> dict[str, Any]:
    """Leave out what is wrong in a section."""
    try:
        model.model_validate(label)
    except ValidationError as error:
        wrong = {each["loc"][0] for each in error.errors() if each["loc"]}
        return {key: value for key, value in label.items() if key not in wrong}
    return dict(label)


def _named(error: LabelerError, voter: str) -> LabelerError:
    named = f"Voter '{voter}'"
    return error if str(error).startswith(named) else ConfigError(f"{named}: {error}", hint=error.hint)


def _some_model(field: str, written: str | None) -> ModelRef:
    return ModelRef(written or "auto", Path(), "", "folder")
