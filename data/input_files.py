"""Which files an input names: one, those of a folder or of a pattern, or those behind a URL."""

from __future__ import annotations

import glob
from pathlib import Path
from typing import Any

from .errors import InputError
from .remote import explaining_remote
from .source import FORMATS

_ENDINGS = ", ".join(ending for ending in FORMATS)


def is_url(source: str | Path) -> bool:
    """Whether an input lies in a remote file system: ``s3://...``."""
    return isinstance(source, str) and "://" in source


def find_files(source: str | Path) -> list[Path] | None:
    """List the files of a folder or of a pattern with ``*``, ``?`` or ``[...]``, sorted.

    Returns
    -------
    list of Path or None
        None if `source` is neither, or no file fits. In a folder only tables count, by their ending, and no hidden
        ones; folders in it only where the pattern has ``**``.

    Raises
    ------
    InputError
        If the folder holds no table.
    """
    path = Path(source)
    if path.is_dir():
        found = [file for file in path.iterdir() if file.suffix.lower() in FORMATS and file.name[0] not in "._"]
        if not found:
            raise InputError(f"The folder {path} holds no table.", hint=f"Labeler reads files that end in {_ENDINGS}.")
        return sorted(found)
    if not glob.has_magic(str(source)) or path.exists():
        return None
    names = glob.glob(str(source), recursive=True)  # noqa: PTH207 - Path.glob takes no absolute pattern
    found = [file for name in names if (file := Path(name)).is_file()]
    return sorted(found) or None


def fetch_files(url: str, folder: Path) -> list[tuple[str, Path]]:
    """Copy the files behind a URL, which may name a folder or a pattern, into a folder of this machine.

    Any file system of fsspec will do. Copied because a table is read up to four times.

    Returns
    -------
    list of (str, Path)
        Address and copy of each file, sorted by address.

    Raises
    ------
    ConfigError
        If a package for this kind of URL is missing.
    InputError
        If there is nothing, or it cannot be fetched.
    """
    from fsspec.core import url_to_fs

    copies = []
    with explaining_remote(url, "cannot be read", InputError):
        files, path = url_to_fs(url)
        for number, name in enumerate(_remote_files(files, path)):
            copy = folder / str(number) / Path(name).name
            copy.parent.mkdir()
            files.get_file(name, str(copy))
            copies.append((files.unstrip_protocol(name), copy))
    if not copies:
        raise InputError(f"There is nothing at {url}.", hint=f"Labeler reads files that end in {_ENDINGS}.")
    return copies


def _remote_files(files: Any, path: str) -> list[str]:
    """List files as `find_files` does."""
    if glob.has_magic(path) and not files.exists(path):
        return sorted(name for name in files.glob(path) if files.isfile(name))
    if not files.isdir(path):
        return [path]
    found = (Path(entry["name"]) for entry in files.ls(path, detail=True) if entry["type"] == "file")
    return sorted(str(file) for file in found if file.suffix.lower() in FORMATS and file.name[0] not in "._")
