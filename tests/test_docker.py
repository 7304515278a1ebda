"""The image: what it is built from is there, and its commands are those of this package."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
INSTRUCTIONS = [line.partition(" ")[::2] for line in DOCKERFILE.splitlines() if line and not line.startswith("#")]
SENT = {line[1:] for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line[:1] == "!"}


def test_all_of_the_package_and_nothing_else_is_sent() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    packages = {name.split(".")[1] for name in project["tool"]["setuptools"]["packages"] if "." in name}
    modules = {path.name for path in ROOT.glob("*.py")}
    built_with = {"LICENSE", "README.md", "constraints.txt", "py.typed", "pyproject.toml"}
    assert packages | modules | built_with == SENT
    assert all((ROOT / name).exists() for name in SENT)


def test_extras_exist() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (extras,) = re.findall(r"\.\[([\w,]+)\]", DOCKERFILE)
    assert set(extras.split(",")) <= set(project["project"]["optional-dependencies"])


def test_it_runs_labeler_without_being_root_or_asking_a_hub() -> None:
    last = dict(INSTRUCTIONS)
    assert (last["ENTRYPOINT"], last["CMD"], last["USER"]) == ('["labeler"]', '["--help"]', "labeler")
    assert "HF_HUB_OFFLINE=1" in last["ENV"]
    caches = {found for name, value in INSTRUCTIONS if name == "ENV" for found in re.findall(r"_CACHE=(/\S+)", value)}
    assert len(caches) == 1


def test_the_encoder_is_converted_by_a_function_that_exists(tmp_path: Path) -> None:
    (code,) = re.findall(r'python -c "(.*?); print\((\w+)\(\)\)"', DOCKERFILE)
    command = [sys.executable, "-c", f"{code[0]}; assert callable({code[1]})"]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, text=True).stderr == ""
