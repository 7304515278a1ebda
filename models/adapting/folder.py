"""The folder of an adapted model: whether it may be written, who writes it, what it says of itself."""

from __future__ import annotations

import glob
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from pathlib import Path

from ...data.digests import file_digest
from ...data.errors import RunError
from ...data.runs.summaries import AdaptSummary, read_adapt_summary
from ...data.writing.atomic import TEMPORARY_SUFFIX, write_json, write_text
from ...data.writing.lock import file_lock, reason_of
from ..embedded.model import HUB_EQUIVALENT
from ..training.fit.checkpoints import remove_checkpoints

RECORD = "adaptation.json"

_OTHER = "Choose another --output, or move it away."


def check_output(folder: Path) -> None:
    """Refuse to replace what `labeler adapt` did not write, or what was changed since.

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
        return
    summary = read_adapt_summary(folder)
    if summary is None:
        raise RunError(f"{folder} is there already and is not an adapted model (it has no {RECORD}).", hint=_OTHER)
    changed = sorted(name for name, _ in _digests(folder).items() ^ summary.files.items())
    if changed:
        raise RunError(f"{folder / changed[0]} is not as labeler wrote it, so {folder} is not replaced.", hint=_OTHER)


def finished(folder: Path, key: str) -> AdaptSummary | None:
    """Return what was done if the folder holds the result of the same work, else None."""
    summary = read_adapt_summary(folder)
    return replace(summary, folder=str(folder)) if summary and summary.key == key else None


def describe(folder: Path, summary: AdaptSummary) -> AdaptSummary:
    """Write the model card and, when all other files are there, ``adaptation.json``; return what is in it."""
    from huggingface_hub import ModelCard, ModelCardData

    head = ModelCardData(
        library_name="transformers",
        pipeline_tag="fill-mask",
        tags=["labeler", "domain-adaptation", *(["lora"] if summary.mode == "lora" else [])],
        base_model={"embedded": HUB_EQUIVALENT, "hub": summary.backbone}.get(summary.source),
    )
    template = Path(__file__).with_name("card.md.j2")
    write_text(folder / "README.md", str(ModelCard.from_template(head, str(template), **asdict(summary))))
    summary = replace(summary, files=_digests(folder))
    volatile = ("folder", "seconds", "texts_per_second")  # the same for the same work
    write_json(folder / RECORD, {name: value for name, value in asdict(summary).items() if name not in volatile})
    return summary


@contextmanager
def held_checkpoints(output: Path) -> Iterator[Path]:
    """Yield the folder of checkpoints beside `output`, for this process alone; it is gone when the block ends well.

    Raises
    ------
    RunError
        If another process works on the same output, or the place cannot be written to.
    """
    folder = output.with_name(f"{output.name}.checkpoints")
    with file_lock(
        folder / ".lock",
        busy=lambda: RunError(
            f"Another process is adapting a model into {output}.",
            hint="Wait until it ends, or choose another --output.",
        ),
        unusable=lambda error: RunError(
            f"{folder} cannot be written to ({reason_of(error)}).", hint="Choose another --output."
        ),
    ):
        for left in output.parent.glob(f".{glob.escape(output.name[:40])}.????????{TEMPORARY_SUFFIX}"):
            shutil.rmtree(left, ignore_errors=True)  # of a process killed while it wrote
        try:
            yield folder
            remove_checkpoints(folder)
        finally:
            with suppress(OSError):  # checkpoints stay
                (folder / ".lock").unlink()
                folder.rmdir()


def _digests(folder: Path) -> dict[str, str]:
    """Digest all files but the record, by name."""
    files = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
    return {name: file_digest(path).digest for name, path in files.items() if name != RECORD}
