"""Status messages on stderr, one line each."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from ...data.distributed import is_main_process
from ...data.progress import LOGGER
from ..printable import printable
from .progress_bars import live_console, plain_console


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
        console = live_console() or plain_console(stderr=True)
        console.print(printable(record.getMessage()), style="dim", soft_wrap=True)
