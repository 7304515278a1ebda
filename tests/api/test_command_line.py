"""The command line is a cover of the Python interface."""

from __future__ import annotations

import ast
from pathlib import Path

import labeler.cli


def test_the_command_line_calls_nothing_else() -> None:
    tree = ast.parse(Path(labeler.cli.__file__).read_text(encoding="utf-8"))
    own = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.level}
    assert {module for module in own if not module.startswith(("api.", "reports.console"))} == {"data.errors"}
