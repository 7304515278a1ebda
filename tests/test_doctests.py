"""The examples in docstrings of the public names do what they show."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

import labeler
from labeler.config import parse_config

from .conftest import RULES

MODULES = sorted({getattr(labeler, name).__module__ for name in labeler.__all__ if name != "__version__"})


def test_examples_are_not_lost() -> None:
    finder = doctest.DocTestFinder()
    found = {test.name for module in MODULES for test in finder.find(importlib.import_module(module)) if test.examples}
    assert {name.rpartition(".")[2] for name in found} >= {
        "LabelModel",
        "Run",
        "Task",
        "apply_voters",
        "label",
        "lf_summary",
    }


@pytest.mark.parametrize("module", [*MODULES, "labeler.data.types.votes"])
def test_examples_do_what_they_show(module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    task = parse_config(RULES, source="rules")
    found = doctest.testmod(
        importlib.import_module(module),
        extraglobs={"task": task, "labeler": labeler},
        optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS,
    )
    assert found.failed == 0
