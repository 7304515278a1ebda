"""The cells of docs/api.md run, and show what stands below them."""

from __future__ import annotations

import ast
import re
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import polars as pl
import pytest

PAGE = Path(__file__).parents[2] / "docs" / "api.md"
CELLS = re.findall(r"```python\n(.*?)```\n(?:\n```text\n(.*?)```\n)?", PAGE.read_text(encoding="utf-8"), re.DOTALL)
TASK = re.findall(r"```toml\n(.*?)```\n", PAGE.read_text(encoding="utf-8"), re.DOTALL)[0]


def shown(code: str, names: dict[str, Any]) -> str:
    """Run a cell as a notebook does: what it prints, and the value of its last line."""
    *body, last = ast.parse(code).body
    with redirect_stdout(StringIO()) as printed:
        if isinstance(last, ast.Expr):
            exec(compile(ast.Module(body, []), "cell", "exec"), names)
            if (value := eval(compile(ast.Expression(last.value), "cell", "eval"), names)) is not None:
                print(repr(value))  # noqa: T201
        else:
            exec(compile(ast.Module([*body, last], []), "cell", "exec"), names)
    return printed.getvalue()


def test_cells_show_what_stands_below_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("labeler.toml").write_text(TASK, encoding="utf-8")
    names: dict[str, Any] = {}
    with pl.Config(tbl_width_chars=100):
        for code, output in CELLS:
            assert shown(code, names) == output, code
