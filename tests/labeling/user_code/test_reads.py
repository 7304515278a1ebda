"""Votes of a user's functions are used again only while all that they depend on is the same, and known."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from labeler.labeling.user_code.imports import doubts
from labeler.labeling.user_code.reads import Reads, recording, unchanged

from ...conftest import App

OPENING = "from pathlib import Path\nWORDS = {}\n"
READ = "Path('words.txt').read_text().split()"


def test_files_and_folders_that_are_read_are_recorded(tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("a")
    reads = Reads()
    with recording(reads):
        (tmp_path / "words.txt").read_text()
        (tmp_path / "new.txt").write_text("b")
        list(tmp_path.iterdir())
        with pytest.raises(FileNotFoundError):
            (tmp_path / "missing.txt").read_text()
    assert {Path(path).name for path in reads.files} == {"words.txt", "missing.txt", tmp_path.name}
    assert unchanged(reads.files)
    for change in ("words.txt", "missing.txt", "further.txt"):
        again = Reads(dict.fromkeys(reads.files, ""))
        with recording(again):
            pass
        (tmp_path / change).write_text("changed")
        assert not unchanged(again.files)


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("import re, json, csv, numpy as np\nfrom snorkel.labeling import labeling_function", set()),
        ("import words\nfrom . import more", set()),
        ("def f(x):\n    import polars", {"it imports polars"}),
        ("import random", {"it imports random"}),
        ("import numpy as np\nnp.random.rand()", {"it uses random numbers"}),
        ("import unknown_package.deep", {"it imports unknown_package"}),
        ("from datetime import date\ndate.fromisoformat('2024-01-01')", set()),
        ("from datetime import date\ndate.today()", {"it reads the clock"}),
        ("import os\nos.environ['A']", {"it reads environment variables"}),
    ],
)
def test_code_that_may_answer_differently_is_doubted(code: str, found: set[str]) -> None:
    assert doubts(code.encode(), lambda name: name == "words") == found


@pytest.mark.parametrize(
    ("files", "changed"),
    [
        ({"own.py": "from words import GOOD\ndef lf_good(x): return GOOD in x.text or None"}, "words.py"),
        ({"own.py": "def lf_good(x):\n    import words\n    return words.GOOD in x.text or None"}, "words.py"),
        ({"own.py": f"{OPENING.format(READ)}def lf_good(x): return WORDS[0] in x.text or None"}, "words.txt"),
        ({"own.py": f"{OPENING.format('None')}def lf_good(x): return {READ}[0] in x.text or None"}, "words.txt"),
    ],
    ids=["imported", "imported by the function", "opened", "opened by the function"],
)
def test_an_edited_file_beside_the_code_is_noticed(
    label: App, workdir: Path, files: dict[str, str], changed: str
) -> None:
    (workdir / "own.py").write_text(files["own.py"].replace("or None", "and 'positive' or None"), encoding="utf-8")
    for word, rows in (("рахмет", 2), ("рахмет", 2), ("Жаман", 1)):
        content = f"GOOD = '{word}'" if changed == "words.py" else word
        fresh = not (workdir / changed).exists()
        edited = fresh or (workdir / changed).read_text(encoding="utf-8") != content
        (workdir / changed).write_text(content, encoding="utf-8")
        result = label("reviews.csv", "--code", "own.py")
        assert ("lf_good: voted" in result.stderr) == edited, result.stderr
        votes = (workdir / "run" / "labels.csv").read_text(encoding="utf-8")
        assert votes.count("lf_good=positive") == rows


def test_votes_that_may_change_are_not_used_again(label: App, workdir: Path) -> None:
    (workdir / "own.py").write_text("import random\ndef lf_any(x): return 'positive'\n", encoding="utf-8")
    for labels in (False, True):
        result = label("reviews.csv", "--code", "own.py")
        assert re.search(r"lf_any: voted in .* \(not cached: it imports random\)", result.stderr)
        assert ("labels: unchanged" in result.stderr) == labels  # the votes were the same
