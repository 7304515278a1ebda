"""What stderr shows while a command works: status messages, a spinner from the first moment, bars for long work."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import timedelta

from rich.console import Console, RenderableType
from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, Task, TaskID, TextColumn
from rich.text import Text

from ...data.distributed import is_main_process
from ...data.progress import LOGGER, Advance, reporting
from ..printable import printable

_live: ContextVar[Console | None] = ContextVar("live", default=None)
"""The console that bars are drawn on, if any: what is printed to it appears above them."""


def plain_console(*, stderr: bool = False) -> Console:
    """Make a console that prints text as it is: ``[red]`` in a class name is no markup and ``:heart:`` no emoji."""
    console = Console(stderr=stderr, markup=False, emoji=False, highlight=False)
    if not console.is_terminal:
        console.width = 1000  # a table in a file or a pipe is never cut
    return console


@contextmanager
def showing_progress(*, enabled: bool = True) -> Iterator[None]:
    """Draw bars for the work inside the block, and a spinner where none runs; nothing where stderr is no terminal.

    Of distributed processes only the main one draws. Results are printed after the block.
    """
    console = plain_console(stderr=True)
    if not (enabled and is_main_process() and console.is_terminal):
        yield
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), _Bar(bar_width=30), _Count(), _Time())
    with Progress(*columns, console=console, transient=True, redirect_stdout=False) as live:
        idle = live.add_task("working", total=None)

        @contextmanager
        def bar(description: str, total: int | None) -> Iterator[Advance]:
            task = live.add_task(description, total=total)
            live.update(idle, visible=False)
            try:
                yield lambda steps: live.advance(task, steps)
            finally:
                live.refresh()
                live.remove_task(task)
                live.reset(idle, visible=len(live.task_ids) == 1)

        token = _live.set(console)
        try:
            with reporting(bar):
                yield
        finally:
            _live.reset(token)


class _Bar(BarColumn):
    """A bar, for work whose end is known."""

    def __call__(self, task: Task) -> RenderableType:
        """Draw it."""
        return Text() if task.total is None else super().__call__(task)


class _Count(ProgressColumn):
    """``3 of 5``."""

    def render(self, task: Task) -> Text:
        """Write it."""
        if task.total is None:
            return Text(f"{task.completed:,.0f}" if task.completed else "")
        return Text(f"{task.completed:,.0f} of {task.total:,.0f}")


class _Time(ProgressColumn):
    """Rate and time left, by the mean rate when the last step was done: it counts down evenly until the next one.

    Of work without a known end, the time taken.
    """

    max_refresh = 1.0

    def __init__(self) -> None:
        super().__init__()
        self._ends: dict[TaskID, tuple[float, float]] = {}  # steps done, and when the last one would be

    def render(self, task: Task) -> Text:
        """Write it."""
        elapsed = task.elapsed or 0.0
        if not task.total:
            return Text(_clock(elapsed), style="dim")
        if not task.completed:
            return Text("")
        if self._ends.get(task.id, (0.0, 0.0))[0] != task.completed:
            self._ends[task.id] = task.completed, elapsed * task.total / task.completed
        rate = task.completed / max(elapsed, 1e-9)
        left = f"{_clock(max(0.0, self._ends[task.id][1] - elapsed))} left"
        return Text(f"{rate:,.0f}/s, {left}" if rate >= 10 else left, style="dim")


def _clock(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))


@contextmanager
def showing_status() -> Iterator[None]:
    """Print what is logged inside the block; of distributed processes only the main one speaks."""
    handler, level = _Stderr(), LOGGER.level
    if is_main_process():
        LOGGER.addHandler(handler)
        LOGGER.setLevel(logging.INFO)
    try:
        yield
    finally:
        LOGGER.removeHandler(handler)
        LOGGER.setLevel(level)


class _Stderr(logging.Handler):
    """Prints above the bars where some are drawn, and in colour-blind grey."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one message."""
        console = _live.get() or plain_console(stderr=True)
        console.print(printable(record.getMessage()), style="dim", soft_wrap=True)
