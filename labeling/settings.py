"""The ``[[voters]]``, ``[label_model]`` and ``[refine]`` sections."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from ..data.settings import Section
from .label_models.build import Method


class VoterSection(Section):
    """A voter; one entry for each. All other keys are options of its kind."""

    model_config = ConfigDict(extra="allow", frozen=True)

    name: Annotated[str, Field(min_length=1)] = Field(description="A unique name for the voter.")
    kind: str = Field(description="What it does; `labeler voters` lists the kinds.")
    optional: bool = Field(default=False, description="Leave the voter out when the input lacks the column it reads.")

    @property
    def options(self) -> dict[str, Any]:
        """The keys that belong to the voter's kind."""
        return dict(self.model_extra or {})


class LabelModelSection(Section):
    """How votes become labels."""

    method: Method = Field(default="snorkel", description="The label model.")
    class_balance: Literal["auto", "gold", "estimate"] | dict[str, float] | tuple[float, ...] = Field(
        default="auto",
        description='"gold", "estimate", "auto" (gold when there is a gold file), or each class\'s share by name.',
    )
    scores: Literal["graded", "votes"] = Field(
        default="graded",
        description='"graded": a confident vote counts more, as far as other voters bear it out; "votes": all votes of '
        "a voter for a class count alike, as they always do for the majority vote.",
    )
    group_correlated: bool = Field(default=True, description="Let voters that repeat one another share one weight.")
    seed: int = Field(default=0, ge=0, description="Seed of everything random.")


class RefineSection(Section):
    """How the labels are corrected by models that have read the texts."""

    enabled: bool = Field(
        default=True,
        description="Correct each label by text models that were trained on the labels of other rows, and make its "
        "probability one that holds.",
    )
    min_texts: int = Field(
        default=1_000, ge=10, description="With fewer distinct texts labels stay as the label model gives them."
    )
