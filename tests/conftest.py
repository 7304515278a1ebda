"""A small task of rules only, some reviews for it, and the app: what all end-to-end tests start from."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import settings
from typer.testing import CliRunner, Result

from labeler.data.progress import LOGGER

RULES = """\
[task]
name = "rules"

[[task.labels]]
name = "negative"
keywords = { kk = ["нашар^2", "жаман"], ru = ["плохо"] }
emoji = ["👎"]

[[task.labels]]
name = "positive"
keywords = { kk = ["керемет^2", "жақсы"], ru = ["отличн"] }
emoji = ["👍"]

[[voters]]
name = "keywords"
kind = "keyword"

[[voters]]
name = "emoji"
kind = "emoji"

[[voters]]
name = "thanks"
kind = "regex"
label = "positive"
pattern = "рахмет|спасибо"

[label_model]
method = "majority"  # loads no torch
"""

REVIEWS = """\
id,text,stars
r1,Керемет зат рахмет 👍,5
r2,Өте нашар 👎,1
r3,жақсы,4
r4,Плохо плохо,2
r5,ештеңе жоқ,3
r6,Жаман емес рахмет,4
r7,отлично 👎,5
r8,нашар спасибо,1
"""

App = Callable[..., Result]
Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)

settings.register_profile("labeler", deadline=None)  # a busy machine must not fail a test
settings.load_profile("labeler")


PLATFORM = "not on this platform: "
"""How the reason of a skip begins that lies in the operating system or processor: the only ones CI takes."""


def _without_skips(report: Report) -> Report:
    """Turn a skip for any other reason into a failure where LABELER_NO_SKIPS is set, as in CI."""
    if os.environ.get("LABELER_NO_SKIPS") and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if PLATFORM not in reason:
            report.outcome = "failed"
            report.longrepr = f"{reason}. LABELER_NO_SKIPS allows only reasons that begin with '{PLATFORM}'."
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Look at every test."""
    return _without_skips((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Look at every file, which may be skipped as a whole."""
    return _without_skips((yield))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that have slow tests: a worker takes a whole file, and at the end all wait."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture
def workdir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder far from the checkout that holds ``rules.toml`` and ``reviews.csv``."""
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "rules.toml").write_text(RULES, encoding="utf-8")
    (folder / "reviews.csv").write_text(REVIEWS, encoding="utf-8")
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def app(workdir: Path) -> App:
    """Call the real app in this process, in `workdir`; exceptions that are bugs come through."""
    from labeler.cli import app as commands

    def call(*args: str | Path, stdin: str | bytes | None = None) -> Result:
        result = CliRunner().invoke(commands, [str(arg) for arg in args], input=stdin)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return call


@pytest.fixture
def label(app: App) -> App:
    """Call ``labeler label`` with ``rules.toml`` and the run directory ``run``."""

    def call(*args: str | Path, stdin: str | bytes | None = None) -> Result:
        return app("label", "--config", "rules.toml", "--run", "run", *args, stdin=stdin)

    return call


class _Listener(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


@contextmanager
def status_messages() -> Iterator[list[str]]:
    """Collect what is logged for the user inside the block."""
    listener, level = _Listener(), LOGGER.level
    LOGGER.addHandler(listener)
    LOGGER.setLevel(logging.INFO)
    try:
        yield listener.messages
    finally:
        LOGGER.removeHandler(listener)
        LOGGER.setLevel(level)


@pytest.fixture
def said() -> Iterator[list[str]]:
    """Hold the status messages of a test."""
    with status_messages() as messages:
        yield messages
