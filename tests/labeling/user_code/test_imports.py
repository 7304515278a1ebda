"""Votes of a user's functions are used again only while all that they depend on is the same, and known."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from labeler.labeling.user_code.imports import doubts

from ...conftest import App

OPENING = "from pathlib import Path\nWORDS = {}\n"
READ = "Path('words.txt').read_text().split()"


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
        ("import json\nwith open('a') as file: json.loads(file.read())", {"it reads files"}),
        ("import pandas as pd\npd.read_csv('a')", {"it reads files"}),
        ("from pathlib import Path\nPath('a').read_text()", {"it reads files"}),
        ("import socket", {"it imports socket"}),
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
        again = edited or changed == "words.txt"  # what reads files votes every time
        assert ("lf_good: voted" in result.stderr) == again, result.stderr
        assert ("labels: unchanged" in result.stderr) == (not edited)
        votes = (workdir / "run" / "labels.csv").read_text(encoding="utf-8")
        assert votes.count("lf_good=positive") == rows


def test_votes_that_may_change_are_not_used_again(label: App, workdir: Path) -> None:
    (workdir / "own.py").write_text("import random\ndef lf_any(x): return 'positive'\n", encoding="utf-8")
    for labels in (False, True):
        result = label("reviews.csv", "--code", "own.py")
        assert re.search(r"lf_any: voted in .* \(not cached: it imports random\)", result.stderr)
        assert ("labels: unchanged" in result.stderr) == labels  # the votes were the same
