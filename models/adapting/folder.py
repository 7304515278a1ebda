"""The folder of an adapted model: whether it may be written, who writes it, what it says of itself."""

from __future__ import annotations

import glob
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from pathlib import Path

from ...data.adapt_summary import AdaptSummary
from ...data.atomic import TEMPORARY_SUFFIX, write_json
from ...data.errors import RunError

RECORD = "adaptation.json"


def check_output(folder: Path, *, force: bool) -> None:
    """Refuse to replace what `labeler adapt` did not write.

    Raises
    ------
    RunError
        If the place is taken, by a file in any case.
    """
    if folder.name in ("", ".."):
        raise RunError(f"'{folder}' does not name a new folder.", hint="Choose another --output.")
    if folder.exists() and not folder.is_dir():
        raise RunError(f"{folder} is a file.", hint="Choose another --output.")
    ours = not folder.exists() or not any(folder.iterdir()) or (folder / RECORD).is_file()
    if not ours and not force:
        raise RunError(
            f"{folder} is there already and is not an adapted model (it has no {RECORD}).",
            hint="Choose another --output, or use --force to replace all that is in it.",
        )


def finished(folder: Path, key: str) -> AdaptSummary | None:
    """Return what was done if the folder holds the result of the same work, else None."""
    try:
        summary = AdaptSummary(**json.loads((folder / RECORD).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    complete = any(folder.glob("*.safetensors")) and (folder / "tokenizer.json").is_file()
    return replace(summary, folder=str(folder)) if complete and summary.key == key else None


def write_record(folder: Path, summary: AdaptSummary) -> None:
    """Write ``adaptation.json``, the same for the same work."""
    volatile = ("folder", "seconds", "texts_per_second")
    write_json(folder / RECORD, {name: value for name, value in asdict(summary).items() if name not in volatile})


@contextmanager
def held_checkpoints(output: Path) -> Iterator[Path]:
    """Yield the folder of checkpoints beside `output`, for this process alone; it is gone when the block ends well.

    Raises
    ------
    RunError
        If another process works on the same output, or the place cannot be written to.
    """
    from filelock import FileLock, Timeout

    folder = output.with_name(f"{output.name}.checkpoints")
    lock = FileLock(folder / ".lock", timeout=0)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise RunError(
            f"Another process is adapting a model into {output}.",
            hint="Wait until it ends, or choose another --output.",
        ) from None
    except (OSError, NotImplementedError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise RunError(f"{folder} cannot be written to ({reason}).", hint="Choose another --output.") from error
    try:
        for left in output.parent.glob(f".{glob.escape(output.name[:40])}.????????{TEMPORARY_SUFFIX}"):
            shutil.rmtree(left, ignore_errors=True)  # of a process killed while it wrote
        yield folder
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        lock.release()
        with suppress(OSError):  # checkpoints stay
            (folder / ".lock").unlink()
            folder.rmdir()
