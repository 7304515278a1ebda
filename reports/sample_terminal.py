"""What `labeler sample` prints."""

from __future__ import annotations

from pathlib import Path

from ..data.command import command
from .printable import printable
from .sampling import Drawn
from .terminal import say, stdout_console

_ELSEWHERE = {
    ".json": "Label Studio: paste {1} under Settings > Labeling Interface > Code, import {0}, label, export as JSON",
    ".jsonl": "Argilla: make a dataset with the settings {1}, log the records {0}, label, save id and label as CSV",
}


def print_sample(drawn: Drawn, files: tuple[Path, ...], run: Path) -> None:
    """Print the files of a sample on stdout, and on stderr how to go on."""
    for note in drawn.notes:
        say(note)
    for file in files:
        stdout_console().print(printable(str(file)), soft_wrap=True)
    say(f"{len(drawn.frame):,} reviews to label")
    if files[0].suffix.lower() not in _ELSEWHERE:
        say(f"next: {command('annotate', '--run', run)}")
        return
    say(_ELSEWHERE[files[0].suffix.lower()].format(*files))
    export = "export.json" if files[0].suffix.lower() == ".json" else "export.csv"
    say(f"then: {command('label', '--gold', export, '--run', run)}")
