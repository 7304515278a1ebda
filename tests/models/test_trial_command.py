"""`labeler voters zero_shot --try TEXT`, with a tiny model that fills gaps."""

from __future__ import annotations

import re
from pathlib import Path

from ..conftest import App

TASK = """\
[task]
cloze = ["{text} Жалпы айтқанда, бұл <mask>."]

[[task.labels]]
name = "negative"
verbalizers = ["нашар", "ыңғайсыздау"]

[[task.labels]]
name = "positive"
verbalizers = ["жақсы"]

[[voters]]
name = "words"
kind = "length"
label = "positive"
max_words = 1
"""


def test_every_word_is_shown_with_its_tokens_and_scores(app: App, workdir: Path, roberta: Path) -> None:
    (workdir / "task.toml").write_text(TASK, encoding="utf-8")
    done = app("voters", "zero_shot", "--try", "тауар \x1b[31m", "--models", roberta, "--config", "task.toml")
    assert done.exit_code == 0, done.stderr
    assert "engine cloze" in done.stdout
    assert r"тауар \x1b[31m Жалпы айтқанда, бұл <mask>." in done.stdout
    for label, word in (("negative", "нашар"), ("negative", "ыңғайсыздау"), ("positive", "жақсы")):
        assert re.search(rf"{label} +{word} +.*-\d+\.\d+ +[+-]\d+\.\d+", done.stdout)
    assert "votes " in done.stdout
    assert "warning: 'ыңғайсыздау' is " in done.stdout


def test_only_zero_shot_voters_judge_a_review(app: App) -> None:
    for kind in ((), ("keyword",)):
        done = app("voters", *kind, "--try", "x")
        assert done.exit_code == 1
        assert "labeler voters zero_shot --try" in done.stderr
