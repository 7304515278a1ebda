"""Processes that ``torchrun`` or ``accelerate launch`` starts: the main process writes and speaks for all."""

from __future__ import annotations

import os


def is_distributed() -> bool:
    """Return whether this process is one of several."""
    return "LOCAL_RANK" in os.environ and int(os.environ.get("WORLD_SIZE", "1")) > 1


def is_main_process() -> bool:
    """Return whether this process is the only one, or the main one of several."""
    return not is_distributed() or os.environ.get("RANK") == "0"
