"""What a user sees when a command fails before, or after, its work."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ...conftest import App

SCRIPT = Path(sys.executable).with_name("labeler")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize(
    "args", [("--help",), ("voters",), ("label", "reviews.csv", "--config", "rules.toml", "--run", "run", "--json")]
)
def test_a_full_disk_behind_standard_output_is_one_line(workdir: Path, args: tuple[str, ...]) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run([SCRIPT, *args], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-2] == "Error: The disk is full: the output could not be written."


@pytest.mark.parametrize(
    ("args", "name"),
    [
        (("label", ""), "An argument"),
        (("label", "reviews.csv", "--run", ""), "--run"),
        (("label", "reviews.csv", "--run="), "--run"),
        (("report", "--gold", ""), "--gold"),
        (("predict", "reviews.csv", "--output", ""), "--output"),
    ],
)
def test_empty_arguments_are_refused(app: App, workdir: Path, args: tuple[str, ...], name: str) -> None:
    before = set(workdir.iterdir())
    done = app(*args)
    assert done.exit_code == 1
    assert f"Error: {name} is empty." in done.stderr
    assert set(workdir.iterdir()) == before
