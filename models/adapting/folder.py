"""The folder of an adapted model: whether it may be written, who writes it, what it says of itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from pathlib import Path

from jinja2 import Template

from ...data.digests import file_digest
from ...data.errors import RunError
from ...data.runs.summaries import AdaptSummary, read_adapt_summary
from ...data.writing.atomic import remove_leftovers_of, write_json, write_text
from ...data.writing.lock import file_lock, not_writable
from ..embedded.model import HUB_EQUIVALENT

RECORD = "adaptation.json"

_OTHER = "Choose another --output, or move it away."


def check_output(folder: Path) -> AdaptSummary | None:
    """Refuse to replace what `labeler adapt` did not write, or what was changed since; return what is there.

    Raises
    ------
    RunError
        If the place is taken.
    """
    if folder.name in ("", ".."):
        raise RunError(f"'{folder}' does not name a new folder.", hint=_OTHER)
    if folder.exists() and not folder.is_dir():
        raise RunError(f"{folder} is a file.", hint=_OTHER)
    if not folder.exists() or not any(folder.iterdir()):
        return None
    summary = read_adapt_summary(folder)
    if summary is None:
        raise RunError(f"{folder} is there already and is not an adapted model (it has no {RECORD}).", hint=_OTHER)
    changed = sorted(name for name, _ in _digests(folder).items() ^ summary.files.items())
    if changed:
        raise RunError(f"{folder / changed[0]} is not as labeler wrote it, so {folder} is not replaced.", hint=_OTHER)
    return summary


def describe(folder: Path, summary: AdaptSummary) -> AdaptSummary:
    """Write the model card and, when all other files are there, ``adaptation.json``; return what is in it."""
    base = {"embedded": HUB_EQUIVALENT, "hub": summary.backbone}.get(summary.source)
    template = Template(Path(__file__).with_name("card.md.j2").read_text(encoding="utf-8"), keep_trailing_newline=True)
    write_text(folder / "README.md", template.render(asdict(summary), base_model=base))
    summary = replace(summary, files=_digests(folder))
    volatile = ("folder", "seconds", "texts_per_second")  # the same for the same work
    write_json(folder / RECORD, {name: value for name, value in asdict(summary).items() if name not in volatile})
    return summary


@contextmanager
def held_checkpoints(output: Path) -> Iterator[Path]:
    """Yield the folder of checkpoints beside `output`, for this process alone; an empty one is removed in the end.

    Raises
    ------
    RunError
        If another process works on the same output, or the place cannot be written to.
    """
    folder = output.with_name(f"{output.name}.checkpoints")
    hint = "Wait until it ends, or choose another --output."
    busy = RunError(f"Another process is adapting a model into {output}.", hint=hint)
    with file_lock(folder / ".lock", busy=lambda: busy, unusable=not_writable(folder, "Choose another --output.")):
        remove_leftovers_of(output)
        try:
            yield folder
        finally:
            with suppress(OSError):  # checkpoints stay
                (folder / ".lock").unlink()
                folder.rmdir()


def _digests(folder: Path) -> dict[str, str]:
    """Digest all files but the record, by name."""
    files = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
    return {name: file_digest(path).digest for name, path in files.items() if name != RECORD}
