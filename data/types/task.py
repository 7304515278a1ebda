"""The ``[task]`` section: the classes and everything the voters know about them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any

from pydantic import Field, field_validator

from ..settings import Section
from ..settings_errors import as_validation
from .label_space import LabelSpace

Text = Annotated[str, Field(min_length=1)]
Keywords = Mapping[str, Mapping[str, tuple[str, ...]]]
"""Class name -> language -> lexicon entries."""
Sentences = Mapping[str, tuple[str, ...]]
"""Class name -> sentences, words or emoji."""


class Label(Section):
    """A class in the user's words; one entry for each class."""

    name: Text = Field(description="The class name, as it will stand in the output.")
    description: str = Field("", description="One line for people and language models.")
    keywords: dict[str, tuple[Text, ...]] = Field({}, description="Language -> lexicon entries of the keyword voter.")
    emoji: tuple[Text, ...] = Field((), description="Emoji and emoticons of the emoji voter.")
    prototypes: tuple[Text, ...] = Field((), description="Typical reviews, for the embedding voter.")
    hypotheses: tuple[Text, ...] = Field((), description="Statements that hold for the class, for zero-shot voters.")
    verbalizers: tuple[Text, ...] = Field((), description="Words a masked model may fill in for the class.")
    catch_all: bool = Field(False, description="Takes what no other class claims; one class at most.")


class TaskSection(Section):
    """The classes, in index order, and everything the voters know about them."""

    name: Text = Field("task", description="A short name of the task.")
    labels: tuple[Label, ...] = Field(description="The classes, in index order.")
    cloze: tuple[Text, ...] = Field((), description="Templates with {text} and <mask> for zero-shot voters (cloze).")

    @field_validator("labels")
    @classmethod
    def _names_form_a_label_space(cls, labels: tuple[Label, ...]) -> tuple[Label, ...]:
        with as_validation():
            LabelSpace(tuple(label.name for label in labels))
        if len(several := [label.name for label in labels if label.catch_all]) > 1:
            raise ValueError(f"only one class may have catch_all = true, found {', '.join(several)}")
        return labels

    @cached_property
    def label_space(self) -> LabelSpace:
        """The class names as a `LabelSpace`."""
        return LabelSpace(tuple(label.name for label in self.labels))

    @property
    def catch_all(self) -> str:
        """Name of the class that takes what no other one claims; empty without one."""
        return next((label.name for label in self.labels if label.catch_all), "")

    @property
    def resources(self) -> dict[str, Any]:
        """What voters may take from the task, by field: the classes, `Label`'s fields, and `cloze`."""
        by_class = ("keywords", "emoji", "prototypes", "hypotheses", "verbalizers")
        return {name: {label.name: getattr(label, name) for label in self.labels} for name in by_class} | {
            "labels": self.label_space,
            "descriptions": {label.name: label.description for label in self.labels},
            "cloze": self.cloze,
            "catch_all": self.catch_all,
        }
