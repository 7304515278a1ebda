"""Processes that ``torchrun`` or ``accelerate launch`` starts together: the first of them writes and speaks for all."""

from __future__ import annotations

import os


def started_together() -> bool:
    """Whether this process is one of several."""
    return "LOCAL_RANK" in os.environ and int(os.environ.get("WORLD_SIZE", "1")) > 1


def is_first() -> bool:
    """Whether this process is the only one, or the first of several."""
    return not started_together() or os.environ.get("RANK") == "0"
