"""Files and folders that may not be read or written, tried as an ordinary user even when the tests run as root."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import filelock  # noqa: F401 - loaded here, because an ordinary user may not be able to read root's Python
import pytest

from labeler.data.errors import InputError, RunError
from labeler.data.runs.directory import claim_folder, open_run
from labeler.data.writing.atomic import write_text

from ...tables import read_table


@pytest.fixture
def as_ordinary_user() -> Iterator[Path]:
    """Make a folder and, for root, become somebody whom permissions stop."""
    root = os.geteuid() == 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o777)
        if root:
            os.seteuid(65534)
        try:
            (folder / "mine").mkdir()
            yield folder / "mine"
        finally:
            if root:
                os.seteuid(0)
            for path in [folder / "mine", *(folder / "mine").rglob("*")]:
                path.chmod(0o700)


def test_a_read_only_folder(as_ordinary_user: Path) -> None:
    write_text(as_ordinary_user / "a.txt", "old")
    as_ordinary_user.chmod(0o500)
    with pytest.raises(RunError, match=r"Writing failed .Permission denied"):
        write_text(as_ordinary_user / "a.txt", "new")
    assert (as_ordinary_user / "a.txt").read_text(encoding="utf-8") == "old"


def test_a_read_only_run_directory(as_ordinary_user: Path) -> None:
    claim_folder(as_ordinary_user / "run")
    (as_ordinary_user / "run" / "votes").mkdir()
    (as_ordinary_user / "run").chmod(0o500)
    as_ordinary_user.chmod(0o500)
    for path in (as_ordinary_user / "run", as_ordinary_user / "new"):
        with pytest.raises(RunError, match=r"cannot be written to .Permission denied"), open_run(path):
            pass


def test_an_unreadable_file(as_ordinary_user: Path) -> None:
    path = as_ordinary_user / "a.csv"
    path.write_text("text\na\n", encoding="utf-8")
    path.chmod(0)
    with pytest.raises(InputError, match=r"a.csv cannot be read .Permission denied") as caught:
        read_table(path)
    assert "permissions" in caught.value.hint
    as_ordinary_user.chmod(0)
    with pytest.raises(InputError, match=r"a.csv cannot be read .Permission denied"):
        read_table(path)
