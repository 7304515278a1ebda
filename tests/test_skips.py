"""Where LABELER_NO_SKIPS is set, a test is skipped for the operating system or processor only."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = """\
import pytest

@pytest.mark.skipif(True, reason="not on this platform: named pipes")
def test_platform() -> None: ...

@pytest.mark.skipif(True, reason="there is no browser")
def test_missing() -> None: ...

@pytest.fixture
def library() -> None:
    pytest.importorskip("no_such_library")

def test_in_a_fixture(library: None) -> None: ...

@pytest.mark.xfail(reason="known")
def test_known() -> None:
    assert False
"""


@pytest.mark.parametrize(
    ("setting", "outcome"),
    [("", {"skipped": 4, "xfailed": 1}), ("1", {"errors": 3, "skipped": 1, "xfailed": 1})],
)
def test_what_ci_takes_for_a_reason(tmp_path: Path, setting: str, outcome: dict[str, int]) -> None:
    shutil.copy(Path(__file__).with_name("conftest.py"), tmp_path)
    (tmp_path / "test_some.py").write_text(TESTS, "utf-8")
    (tmp_path / "test_whole_file.py").write_text("import pytest\npytest.importorskip('no_such_library')\n", "utf-8")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--continue-on-collection-errors", "."]
    environment = {**os.environ, "LABELER_NO_SKIPS": setting}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
    counts = {name: int(count) for count, name in re.findall(r"(\d+) (\w+)", done.stdout.splitlines()[-1])}
    assert outcome.items() <= counts.items(), done.stdout
    assert (done.returncode == 0) is not bool(setting)
