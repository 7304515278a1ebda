"""Which folder may become a run."""

from __future__ import annotations

from pathlib import Path

from ..errors import RunError
from ..writing.ownership import is_run, mark_run
from .manifest import Manifest


def claim_folder(folder: Path) -> None:
    """Make a folder, or take an empty one, and mark it as a run; so is one of an earlier version, by its manifest.

    Hidden files do not count: nothing of a run is called like them.

    Raises
    ------
    RunError
        If it holds files that labeler did not write.
    OSError
        If it cannot be made or marked.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if is_run(folder):
        return
    manifest = Manifest.load(folder / "manifest.json")
    found = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
    if found and (manifest.note or not manifest.path.exists()):
        raise RunError(
            f"{folder} is not a run of labeler: it holds '{found[0]}', and nothing says that labeler wrote it.",
            hint="Name a new folder with --run, such as --run runs/reviews.",
        )
    mark_run(folder, [file.digest for stage in manifest.stages.values() for file in stage.outputs.values()])
