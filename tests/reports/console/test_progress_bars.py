"""Bars on a terminal: how much is done of how much, time left, a spinner meanwhile, and messages above them."""

from __future__ import annotations

import re

import pytest

from labeler.data.progress import progress, status
from labeler.reports.console.progress_bars import showing_progress, showing_status


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")


def plain(text: str) -> str:
    return re.sub(r"\x1b\[[\d;?]*[a-zA-Z]", "", text)


def test_no_bar_is_drawn_where_stderr_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with showing_progress(), progress("work", total=2) as advance:
        advance(2)
    assert capsys.readouterr() == ("", "")


@pytest.mark.usefixtures("terminal")
def test_a_terminal_gets_a_bar_with_the_time_left(capsys: pytest.CaptureFixture[str]) -> None:
    with showing_status(), showing_progress(), progress("voters", total=5) as advance:
        advance(3)
    out, err = capsys.readouterr()
    assert out == ""
    assert re.search(r"voters .*3 of 5 .*left", plain(err))


@pytest.mark.usefixtures("terminal")
def test_a_spinner_runs_while_nothing_says_how_long_it_takes(capsys: pytest.CaptureFixture[str]) -> None:
    with showing_progress():
        pass
    assert re.search(r"working .*0:00:00", plain(capsys.readouterr().err))


@pytest.mark.usefixtures("terminal")
def test_work_without_a_known_end_shows_what_is_done(capsys: pytest.CaptureFixture[str]) -> None:
    with showing_progress(), progress("reading") as advance:
        advance(100_000)
    assert re.search(r"reading .*100,000 .*0:00:00", plain(capsys.readouterr().err))


@pytest.mark.usefixtures("terminal")
def test_messages_appear_above_the_bar_and_bars_within_bars(capsys: pytest.CaptureFixture[str]) -> None:
    with showing_status(), showing_progress(), progress("voters", total=2), progress("embedding", total=9):
        status("emoji: voted")
    lines = plain(capsys.readouterr().err).splitlines()
    assert [line.strip() for line in lines if "emoji" in line] == ["emoji: voted"]
    assert any("embedding" in line for line in lines)
