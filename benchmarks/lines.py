"""How much production code there is: lines that are neither blank nor docstring, by folder.

``python benchmarks/lines.py [CHECKOUT]``. Comments count, tests, documentation and benchmarks do not.
"""

from __future__ import annotations

import ast
import sys
from collections import Counter
from pathlib import Path

FOLDERS = ("api", "data", "labeling", "models", "reports")
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def code_lines(path: Path) -> int:
    """Count the lines of a file that are neither blank nor part of a docstring."""
    text = path.read_text(encoding="utf-8")
    documented: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and ast.get_docstring(
            node
        ):
            documented |= set(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
    return sum(1 for number, line in enumerate(text.splitlines(), start=1) if line.strip() and number not in documented)


def count(checkout: Path) -> Counter[str]:
    """Count by folder; files at the top level are under ``.``."""
    files = [path for folder in FOLDERS for path in (checkout / folder).rglob("*.py")]
    lines: Counter[str] = Counter()
    for path in [*files, *checkout.glob("*.py")]:
        lines[path.parent.relative_to(checkout).as_posix()] += code_lines(path)
    return lines


if __name__ == "__main__":
    found = count(Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parents[1]))
    for folder, lines in sorted(found.items()):
        print(f"{lines:6,}  {folder}")
    print(f"{found.total():6,}")
