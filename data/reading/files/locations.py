"""Which files an input names: one, those of a folder or of a pattern, or those behind a URL."""

from __future__ import annotations

import glob
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ...errors import InputError
from .format_detection import ENDINGS, named_kind
from .problems import reading_file
from .remote import explaining_remote


def is_url(source: object) -> bool:
    """Whether an input lies in a remote file system: ``s3://...``."""
    return isinstance(source, str) and "://" in source


def find_files(source: str | Path) -> list[Path] | None:
    """List the files of a folder or of a pattern with ``*``, ``?`` or ``[...]``, sorted.

    Returns
    -------
    list of Path or None
        None if `source` is neither, or no file fits. In a folder only tables count, by their ending, and no hidden
        ones; .txt only if there is nothing else; folders in it only where the pattern has ``**``.

    Raises
    ------
    InputError
        If the folder holds no table.
    """
    path = Path(source)
    with reading_file(path):
        inside = list(path.iterdir()) if path.is_dir() else None
    if inside is not None:
        found = _tables(inside)
        if not found:
            raise InputError(f"The folder {path} holds no table.", hint=f"Labeler reads files that end in {ENDINGS}.")
        return sorted(found)
    if not glob.has_magic(str(source)) or path.exists():
        return None
    names = glob.glob(str(source), recursive=True)  # noqa: PTH207 - Path.glob takes no absolute pattern
    found = [file for name in names if (file := Path(name)).is_file()]
    return sorted(found) or None


def fetch_files(url: str, stack: ExitStack) -> list[tuple[str, Path]]:
    """Copy the files behind a URL, which may name a folder or a pattern, into a temporary folder of this machine.

    Any file system of fsspec will do. Copied because a table is read up to four times; `stack` removes the copies.

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

    folder = Path(stack.enter_context(TemporaryDirectory(prefix="labeler-")))
    copies = []
    with explaining_remote(url, "cannot be read", InputError):
        files, path = url_to_fs(url)
        for number, name in enumerate(_remote_files(files, path)):
            copy = folder / str(number) / Path(name).name
            copy.parent.mkdir()
            files.get_file(name, str(copy))
            copies.append((files.unstrip_protocol(name), copy))
    copies = [copy for copy in copies if copy[1].stat().st_size] or copies  # an empty file has no columns
    if not copies:
        raise InputError(f"There is nothing at {url}.", hint=f"Labeler reads files that end in {ENDINGS}.")
    return copies


def _remote_files(files: Any, path: str) -> list[str]:
    """List files as `find_files` does."""
    if glob.has_magic(path) and not files.exists(path):
        return sorted(name for name in files.glob(path) if files.isfile(name))
    if not files.isdir(path):
        return [path]
    found = (Path(entry["name"]) for entry in files.ls(path, detail=True) if entry["type"] == "file")
    return sorted(map(str, _tables(found)))


def _tables(files: Iterable[Path]) -> list[Path]:
    found = [file for file in files if named_kind(file) is not None and file.name[0] not in "._~"]
    return [file for file in found if named_kind(file) != "txt"] or found  # beside tables a .txt is a note
