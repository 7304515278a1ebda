"""The folder of voters is the registry."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import labeler.labeling.voters
from labeler.data.errors import ConfigError
from labeler.data.types.label_space import LabelSpace
from labeler.labeling.voting.registry import (
    ENTRY_POINT_GROUP,
    OFFERED,
    build_voter,
    declarations,
    needs,
    voter_class,
    voter_kinds,
    voter_options,
)

KINDS = sorted(path.stem for path in Path(labeler.labeling.voters.__path__[0]).glob("[!_]*.py"))
RESOURCES = {"labels": LabelSpace(("negative", "positive"))}


@dataclass(frozen=True, kw_only=True)
class ThirdParty:
    """Stands in for a voter of another package."""

    labels: LabelSpace
    keywords: Any = None
    weight: float = 1.0


@pytest.fixture
def third_party(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Announce `ThirdParty` as kind "other", and as "keyword", which is taken."""
    sys.modules["third_party_voter"] = sys.modules[__name__]
    points = [
        importlib.metadata.EntryPoint(name, "third_party_voter:ThirdParty", ENTRY_POINT_GROUP)
        for name in ("other", "keyword")
    ]
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: points if group == ENTRY_POINT_GROUP else [])
    voter_kinds.cache_clear()
    yield
    voter_kinds.cache_clear()


def test_kinds_are_the_files_of_the_folder() -> None:
    assert sorted(voter_kinds()) == KINDS


@pytest.mark.parametrize("kind", KINDS)
def test_every_file_defines_a_frozen_dataclass_with_documented_options(kind: str) -> None:
    cls = voter_class(kind)
    assert cls.__dataclass_params__.frozen
    assert cls.__name__ == kind.title().replace("_", "") + "Voter"
    documentation = cls.__doc__ or ""
    assert [name for name in voter_options(kind) if name not in documentation] == []


def test_listing_the_kinds_imports_no_voter() -> None:
    code = (
        "import sys; from labeler.labeling.voting.registry import voter_kinds; voter_kinds();"
        "print([m for m in sys.modules if m.startswith('labeler.labeling.voters.') or m in ('torch', 'snorkel')])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_an_unknown_kind_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match="no voter kind 'keywords'") as caught:
        voter_class("keywords")
    assert caught.value.hint.startswith("Did you mean 'keyword'? Known: ")


@pytest.mark.usefixtures("third_party")
def test_an_entry_point_adds_a_kind() -> None:
    assert "other" in voter_kinds()
    assert build_voter("mine", "other", {"weight": 2}, RESOURCES).weight == 2.0  # type: ignore[attr-defined]


@pytest.mark.usefixtures("third_party")
def test_an_entry_point_cannot_replace_a_kind_of_ours() -> None:
    assert voter_class("keyword").__name__ == "KeywordVoter"


def test_the_labels_are_no_option() -> None:
    assert list(voter_options("length")) == ["label", "min_words", "max_words"]


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        ("regex", {"label": "positive", "patern": "a"}, "'v' .regex. has no option 'patern'"),
        ("regex", {"labels": "positive", "pattern": "a"}, "has no option 'labels'"),
        ("regex", {"pattern": "a"}, "'v' .regex. needs 'label'"),
        ("regex", {"label": 3, "pattern": "a"}, "label = 3 is not valid: Input should be a valid string"),
        ("regex", {"label": "positive", "pattern": "a", "on": "both"}, "on = 'both' is not valid"),
        ("zero_shot", {"coverage": 80}, "coverage = 80 is not valid"),
        ("rating", {"ranges": {"positive": [1]}}, r"ranges = \{'positive': \[1\]\} is not valid"),
        ("length", {"label": "positive", "min_words": -1}, "min_words = -1 is not valid"),
        ("keyword", {"min_margin": float("nan")}, "min_margin = nan is not valid"),
        ("embedding", {"coverage": 0}, "coverage = 0 is not valid"),
        ("embedding", {"nearest": 1.5}, "nearest = 1.5 is not valid"),
    ],
)
def test_wrong_options_are_refused(kind: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build_voter("v", kind, options, RESOURCES | {"keywords": {}})


def test_an_unknown_option_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match="no option") as caught:
        build_voter("v", "regex", {"patern": "a"}, RESOURCES)
    assert caught.value.hint.startswith("Did you mean 'pattern'?")


def test_a_section_wins_over_the_task() -> None:
    mine = {"negative": {"kk": ["x"]}}
    voter = build_voter("v", "keyword", {"keywords": mine}, RESOURCES | {"keywords": {}})
    assert voter.keywords == {"negative": {"kk": ("x",)}}  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_declares_which_of_its_options_are_taken_from_the_run(kind: str) -> None:
    cls = voter_class(kind)
    assert "needs" in vars(cls)
    assert set(cls.needs) <= set(OFFERED) & set(voter_options(kind))


def test_all_that_a_run_offers_is_needed_by_some_kind() -> None:
    assert {name for kind in KINDS for name in needs(kind)} >= set(OFFERED)


@pytest.mark.usefixtures("third_party")
def test_a_kind_that_declares_nothing_takes_what_its_fields_name() -> None:
    assert needs("other") == {"keywords"}
    voter: Any = build_voter("mine", "other", {}, RESOURCES | {"keywords": {"negative": ("x",)}, "emoji": {}})
    assert voter.keywords == {"negative": ("x",)}
    assert declarations(voter) == declarations(voter_class("other"))
    assert not declarations(voter).runs_user_code
    assert not declarations(voter).on_demand
