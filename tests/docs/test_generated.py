"""The generated pages say what the commands and models say now."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import Field

from labeler.cli import app
from labeler.config import Task
from labeler.docs.generate import pages, type_words
from labeler.labeling.voting.registry import voter_kinds

PAGES = pages()


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.name))
def test_it_is_fresh(path: Path) -> None:
    assert path.is_file(), "run `make docs`"
    assert path.read_text(encoding="utf-8") == PAGES[path], f"{path.name} is stale: run `make docs`"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.name))
def test_every_option_is_explained(path: Path) -> None:
    rows = [line for line in PAGES[path].splitlines() if line.startswith("| `")]
    assert not [row for row in rows if row.endswith("|  |")]


def test_every_command_section_and_kind_is_there() -> None:
    cli, config = PAGES.values()
    for info in app.registered_commands:
        assert f"\n## labeler {info.name or info.callback.__name__}\n" in cli  # type: ignore[union-attr]
    for name in Task.model_fields:
        assert f"\n## [{name}]\n" in config or f"\n## [[{name}]]\n" in config
    for kind in voter_kinds():
        assert f"\n### {kind}\n" in config


@pytest.mark.parametrize(
    ("hint", "words"),
    [
        (str | None, "string"),
        (Path, "path"),
        (Literal["a", "b"], "`a`, `b`"),
        (dict[str, tuple[str, ...]], "table of lists of strings"),
        (tuple[float, float], "list of 2 numbers"),
        (Annotated[int, Field(ge=0, lt=5)], "integer, ≥ 0, < 5"),
    ],
    ids=str,
)
def test_types_are_said_in_plain_words(hint: object, words: str) -> None:
    assert type_words(hint) == words
