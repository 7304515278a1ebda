"""What can be wrong with a file or standard input, said clearly."""

from __future__ import annotations

import difflib
import gzip
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl

from ...errors import InputError
from ...types.raw_table import RawTable
from .format_detection import ENDINGS, named_kind

_ACCEPTED = f"Labeler reads {ENDINGS}, these also as .gz or .zip, and - for standard input."
_DAMAGED = (EOFError, zlib.error, zipfile.BadZipFile, gzip.BadGzipFile)


@contextmanager
def reading_file(path: str | Path) -> Iterator[None]:
    """Turn errors of the system into an `InputError` that names the file."""
    try:
        yield
    except _DAMAGED as error:
        raise InputError(f"{path} is a damaged archive ({error}).", hint="Make it again, or unpack it.") from None
    except OSError as error:
        raise InputError(
            f"{path} cannot be read ({error.strerror or error}).", hint="Check the file's permissions."
        ) from None


@contextmanager
def reading_stdin() -> Iterator[None]:
    """Turn errors of standard input into an `InputError`, also where it is closed or has no bytes."""
    try:
        yield
    except (OSError, AttributeError, ValueError, *_DAMAGED) as error:  # closed, or without bytes, or damaged
        raise InputError(f"Standard input cannot be read ({error}).", hint="Pipe a table in, or name a file.") from None


@contextmanager
def reading_parquet(name: str) -> Iterator[None]:
    """Turn errors of Polars into an `InputError` that names the file."""
    try:
        yield
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError) as error:
        reason = str(error).split("\n", 1)[0]
        raise InputError(
            f"{name} is not a readable Parquet file ({reason}).", hint="Write it again, or export it as CSV."
        ) from None


def format_of(path: Path) -> str:
    """Return the format by the file's ending; empty for pipes and archives, whose content decides.

    Raises
    ------
    InputError
        If there is no such file, it is a folder, or its ending is unknown.
    """
    with reading_file(path):
        if path.is_dir():
            raise InputError(f"{path} is a folder, not a file.", hint=_folder_hint(path))
        if not path.exists():
            raise InputError(f"There is no file {path}.", hint=_missing_hint(path))
        if not path.is_file():
            return ""
    kind = named_kind(path)
    if kind is None:
        raise InputError(f"{path} has the unknown file ending '{path.suffix}'.", hint=_ACCEPTED)
    return kind


def empty(name: str) -> InputError:
    """Make the error for an input without content."""
    return InputError(f"{name} is empty.", hint="It should hold a table with one review per row.")


def header_only(name: str, raw: RawTable) -> InputError:
    """Make the error for a table without rows."""
    columns = ", ".join(raw.frame.columns) or "none"
    return InputError(f"{name} has no rows, only a header (columns: {columns}).", hint="Add reviews below it.")


def _folder_hint(path: Path) -> str:
    tables = sorted(file.name for file in path.iterdir() if named_kind(file) is not None)[:3]
    return f"It holds {', '.join(tables)}: name one." if tables else _ACCEPTED


def _missing_hint(path: Path) -> str:
    folder = path.parent
    if not folder.is_dir():
        return f"The folder {folder} does not exist either."
    nearest = difflib.get_close_matches(path.name, [file.name for file in folder.iterdir()], n=1, cutoff=0.5)
    return f"Did you mean '{folder / nearest[0]}'?" if nearest else "Check the name and the folder you are in."
