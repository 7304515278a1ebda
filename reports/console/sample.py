"""What `labeler sample` prints."""

from __future__ import annotations

from pathlib import Path

from ...data.command import command
from ...data.progress import status
from ..printable import printable
from ..sampling.draw import Drawn
from .terminal import stdout_console

_ELSEWHERE = {
    ".json": "In Label Studio: paste {1} under Settings > Labeling Interface > Code, import {0}, label, and export as "
    "JSON to export.json.",
    ".jsonl": "In Argilla: make a dataset with the settings {1}, log the records {0}, label, and save them with "
    "dataset.records.to_json('export.json').",
}
"""What to do with a sample of a format that is labelled elsewhere, by the ending of its file."""


def print_sample(drawn: Drawn, run: Path) -> None:
    """Print the files of a sample on stdout, and on stderr how to go on."""
    for note in drawn.notes:
        status(note)
    for file in drawn.files:
        stdout_console().print(printable(str(file)), soft_wrap=True)
    status(f"{len(drawn.frame):,} reviews to label")
    elsewhere = _ELSEWHERE.get(drawn.files[0].suffix.lower())
    if elsewhere is None:
        status(f"next: {command('annotate', '--run', run)}")
    else:
        status(elsewhere.format(*drawn.files))
        status(f"then: {command('label', '--gold', 'export.json', '--run', run)}")
