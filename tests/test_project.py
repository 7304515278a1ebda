"""What must hold for the source as a whole: layers, packaging, style that no linter checks."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
HEAVY = {"torch", "transformers", "snorkel", "sklearn", "sentence_transformers"}
MAX_LINES = 300
MAX_FILES = 14
"""At one level of a folder."""
MAX_LINES_OF = {"cli.py": 450}  # one function a command


def ignored(path: Path) -> bool:
    parts = path.relative_to(ROOT).parts
    if parts[0] in {"build", "dist", "runs", "shared"}:
        return True
    return any(part.startswith(".") or part == "__pycache__" or part.endswith(".egg-info") for part in parts[:-1])


def python_files(*, tests: bool = False) -> list[Path]:
    found = [path for path in sorted(ROOT.rglob("*.py")) if not ignored(path)]
    if tests:
        return found
    tools = {"docs", "tests"}
    return [p for p in found if p.relative_to(ROOT).parts[0] not in tools and not p.name.startswith("test_")]


SOURCES = python_files()
NAMES = [path.relative_to(ROOT).as_posix() for path in SOURCES]
OUTSIDE = {
    path.parent.relative_to(ROOT) for path in SOURCES if path.relative_to(ROOT).parts[0] in {"benchmarks", "docs"}
}


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def imported(path: Path) -> Iterator[str]:
    """Yield the absolute names of all modules a file imports, inside functions too."""
    package = ("labeler", *path.relative_to(ROOT).parts[:-1])
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) + 1 - node.level]) if node.level else ""
            module = ".".join(filter(None, (base, node.module)))
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def test_the_walk_sees_the_project() -> None:
    assert {
        "cli.py",
        "config.py",
        "data/runs/directory.py",
        "labeling/voters/keyword.py",
        "models/loading/hub.py",
    } <= set(NAMES)
    assert "labeler.data.errors" in set(imported(ROOT / "config.py"))  # inside a function
    assert "labeler.data.errors" in set(imported(ROOT / "labeling" / "voters" / "keyword.py"))


def test_no_level_has_many_files() -> None:
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:  # an archive without its history
        listed.stdout = "\n".join(path.relative_to(ROOT).as_posix() for path in python_files(tests=True))
    levels = Counter(str(Path(name).parent) for name in listed.stdout.splitlines() if (ROOT / name).is_file())
    assert {level: files for level, files in levels.items() if files > MAX_FILES} == {}


def test_packages_are_those_in_the_tree() -> None:
    listed = pyproject()["tool"]["setuptools"]["packages"]
    folders = {path.parent.relative_to(ROOT) for path in SOURCES} - OUTSIDE  # these stay out of the wheel
    assert sorted(listed) == sorted(".".join(("labeler", *folder.parts)) for folder in folders)
    assert all((ROOT / folder / "__init__.py").is_file() for folder in folders)


def pyproject() -> dict[str, dict[str, dict[str, list[str]]]]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_it_is_typed() -> None:
    assert (ROOT / "py.typed").is_file()


@pytest.mark.parametrize(
    "code",
    [
        "import labeler.cli",
        "import sys; sys.argv = ['labeler', '--help']\n"
        "import labeler.cli\ntry: labeler.cli.main()\nexcept SystemExit: pass",
        "import labeler; labeler.Task.preset('kaspi-sentiment')",
    ],
    ids=["import", "--help", "configuration"],
)
def test_nothing_heavy_is_loaded(code: str, tmp_path: Path) -> None:
    report = "\nimport sys; print('modules:', *sorted({name.partition('.')[0] for name in sys.modules}))"
    done = subprocess.run(
        [sys.executable, "-c", code + report], capture_output=True, text=True, cwd=tmp_path, check=True, timeout=60
    )
    loaded = set(done.stdout.rpartition("modules: ")[2].split())
    assert "labeler" in loaded
    assert not loaded & HEAVY
    if "cli" in code:
        assert not loaded & {"polars", "numpy", "pydantic"}


@pytest.mark.parametrize("path", SOURCES, ids=NAMES)
def test_the_source_keeps_the_rules(path: Path) -> None:
    text, module = path.read_text(encoding="utf-8"), tree(path)
    relative = path.relative_to(ROOT)
    assert len(text.splitlines()) <= MAX_LINES_OF.get(path.name, MAX_LINES)
    assert ast.get_docstring(module)
    names = {name.split(".")[0] for name in imported(path)}
    assert not names & {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
    for node in ast.walk(module):
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func)
        assert called != "print" or relative.parts[0] == "benchmarks", f"print in line {node.lineno}"
        assert called not in {"eval", "exec"}, f"{called} in line {node.lineno}"
        assert called != "torch.load", f"torch.load may unpickle, in line {node.lineno}"
        for keyword in node.keywords:
            harmless = isinstance(keyword.value, ast.Constant) and keyword.value.value is False
            assert keyword.arg not in {"trust_remote_code", "allow_pickle"} or harmless, f"in line {node.lineno}"


def undocumented(node: ast.AST, prefix: str = "") -> Iterator[str]:
    """Yield the public functions, classes and methods without a docstring; what is nested in functions is private."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) or child.name.startswith("_"):
            continue
        overload = any(ast.unparse(decorator).endswith("overload") for decorator in child.decorator_list)
        if not ast.get_docstring(child) and not overload:
            yield prefix + child.name
        if isinstance(child, ast.ClassDef):
            yield from undocumented(child, f"{prefix}{child.name}.")


@pytest.mark.parametrize("path", SOURCES, ids=NAMES)
def test_everything_public_is_documented(path: Path) -> None:
    assert list(undocumented(tree(path))) == []


def copy_of_the_checkout(target: Path) -> Path:
    def skip(folder: str, names: list[str]) -> set[str]:
        hidden = {name for name in names if name.startswith(".") or name in {"__pycache__", "build", "dist"}}
        if Path(folder) == ROOT:
            hidden |= {"runs", "shared"} & set(names)
        return hidden | {name for name in names if name.endswith(".egg-info")}

    return Path(shutil.copytree(ROOT, target / "copy", ignore=skip))


@pytest.mark.slow
def test_the_wheel_holds_one_package(tmp_path: Path) -> None:
    pytest.importorskip("setuptools", minversion="77")
    copy = copy_of_the_checkout(tmp_path)
    command = [sys.executable, "-m", "pip", "wheel", ".", "--no-deps", "--no-build-isolation", "--no-index", "-w", ".."]
    subprocess.run(command, cwd=copy, check=True, capture_output=True, timeout=120)
    (wheel,) = tmp_path.glob("labeler-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        entry_points = archive.read(next(name for name in names if name.endswith("entry_points.txt"))).decode()
    tops = {name.split("/")[0] for name in names}
    assert len(tops) == 2
    assert "labeler" in tops
    assert all(top == "labeler" or top.endswith(".dist-info") for top in tops)
    data = [path for path in (ROOT / "data").rglob("*") if path.suffix in {".toml", ".csv", ".md"}]
    shown = {".md", ".j2", ".css", ".js", ".html", ".json", ".txt"}
    pages = [
        path
        for folder in ("labeling", "models", "reports")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in shown
    ]
    data += [path for path in pages if path.name != "example.html"]
    code = [name for name in NAMES if not name.startswith(("benchmarks/", "docs/"))]
    wanted = {*(f"labeler/{name}" for name in code), "labeler/py.typed"}
    wanted |= {f"labeler/{path.relative_to(ROOT).as_posix()}" for path in data}
    assert {name for name in names if name.startswith("labeler/")} == wanted
    assert "labeler = labeler.cli:main" in entry_points


def test_the_makefile_has_what_ci_calls() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    assert {"demo", "test", "lint", "types", "bench"} <= targets
    called = re.findall(r"make ([a-z ]+)", (ROOT / ".ci" / "run").read_text(encoding="utf-8"))
    assert {target for line in called for target in line.split()} <= targets


def text_files() -> list[Path]:
    """List what may be tracked: text files outside the folders that .gitignore names."""
    kinds = {".py", ".toml", ".md", ".txt", ".yaml", ".yml", ".csv", ".cfg", ".json", "", ".typed"}
    found = [path for path in ROOT.rglob("*") if path.is_file() and path.suffix in kinds and not ignored(path)]
    found = [path for path in found if path.name != ".git"]  # a file in a worktree
    return [*found, ROOT / ".ci" / "run", ROOT / ".pre-commit-config.yaml", ROOT / ".gitignore"]


def test_nothing_is_tied_to_one_machine() -> None:
    # Written in pieces, so that this file does not find itself.
    pieces = (r"pypi\." + "org", "files.python" + "hosted", "index" + "-url", r"pip\." + "conf", "artifact" + "ory")
    hosts = "|".join(pieces)
    places = "|".join("/" + name + "/" for name in ("work", "home", "root", "Users", "mnt", "opt"))
    pattern = re.compile(rf"{hosts}|(?<![\w.\-/~{{}}])(?:{places})")
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}"
        for path in text_files()
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1)
        if pattern.search(line)
    ]
    assert found == []
