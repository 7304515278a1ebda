from __future__ import annotations

import shlex
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from labeler.data.command import command


def test_plain_words_stay_readable() -> None:
    assert command("report", "--run", Path("runs/mine")) == "labeler report --run runs/mine"


@given(st.text(min_size=1))
def test_a_shell_takes_any_path_as_one_word(path: str) -> None:
    assert shlex.split(command("report", "--run", path)) == ["labeler", "report", "--run", path]
