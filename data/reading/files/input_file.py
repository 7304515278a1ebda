"""Any input as a plain file of this machine: what is piped or packed is copied to a temporary one first."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

from ...digests import file_digest
from ...errors import InputError
from .archive import unpack
from .encoding import detect_encoding, utf8_chunks
from .format_detection import SAMPLE, binary_kind
from .problems import empty, format_of, reading_file, reading_stdin

READ_BYTES = 1 << 20
"""Bytes that are read at once."""


@dataclass(frozen=True)
class InputFile:
    """A plain file, which can be read as often as needed; make one with `open_file`.

    Parameters
    ----------
    name : str
        What it is called in messages: the path as given, or ``<stdin>``.
    path : Path
        Where its bytes are, unpacked.
    kind : str
        ``parquet`` or ``xlsx``, or of a text what its name implies: a value of `FORMATS`, or empty.
    """

    name: str
    path: Path
    kind: str

    @cached_property
    def encoding(self) -> str:
        """The encoding of a text, detected in all of it once: one of several files is opened more than once."""
        with reading_file(self.name), self.path.open("rb") as file:
            return detect_encoding(file, source=self.name)

    def chunks(self) -> Iterator[bytes]:
        """Yield up to `READ_BYTES` bytes at a time."""
        with reading_file(self.name), self.path.open("rb") as file:
            while chunk := file.read(READ_BYTES):
                yield chunk

    def digest(self) -> str:
        """Return ``blake2b:`` and the hex digest of all bytes."""
        with reading_file(self.name):
            return file_digest(self.path).digest


@dataclass(frozen=True)
class InputText:
    """The text of a file of any encoding, as `utf8_chunks` makes it; make one with `open_text`.

    Parameters
    ----------
    file : InputFile
    encoding : str
        As `detect_encoding` names it, or the user's choice.
    head : bytes
        The beginning of the text as UTF-8: `SAMPLE` bytes or more if there are as many.
    notes : tuple of str
        Notes for the user.
    """

    file: InputFile
    encoding: str
    head: bytes
    notes: tuple[str, ...]

    def __iter__(self) -> Iterator[bytes]:
        """Yield the text as UTF-8, chunk by chunk."""
        return utf8_chunks(self.file.chunks(), self.encoding, source=self.file.name)


def open_file(source: str | Path, stack: ExitStack, *, name: str | None = None) -> InputFile:
    """Find a file, or copy a pipe or what an archive holds to a temporary one, which is there until `stack` closes.

    Parameters
    ----------
    source : str or Path
        A file, a named pipe, or ``-`` for standard input.
    stack : ExitStack
        Removes temporary files.
    name : str, optional
        What to call it in messages instead.

    Raises
    ------
    InputError
        If it is missing, a folder, unreadable, of an unknown format, has no bytes, or is an archive without one table.
    """
    is_stdin = str(source) == "-"
    name = name or ("<stdin>" if is_stdin else str(source))
    path = Path(source)
    kind = "" if is_stdin else format_of(path)
    with reading_stdin() if is_stdin else reading_file(path):
        if is_stdin:
            path = _copy(sys.stdin.buffer, stack)
        elif not path.is_file():
            with path.open("rb") as pipe:
                path = _copy(pipe, stack)
        with path.open("rb") as file:
            packed = binary_kind(file.read(4))
            file.seek(0)
            if packed in ("gzip", "zip"):
                inner, promised = unpack(file, packed, name)
                kind = promised or kind
                if inner is not file:
                    with inner:
                        path = _copy(inner, stack)
        with path.open("rb") as file:
            head = file.read(4)
    if not head:
        raise empty(name)
    return InputFile(name, path, _checked_kind(name, head, kind))


def open_text(file: InputFile, encoding: str | None = None) -> InputText:
    """Look at a file as text, of the encoding given or else detected in all of it.

    Raises
    ------
    InputError
        If the encoding is unknown, or the text is blank.
    """
    found = encoding or file.encoding
    head = b""
    for chunk in utf8_chunks(file.chunks(), found, source=file.name):
        head += chunk
        if len(head) >= SAMPLE and head.strip():
            break
    if not head.strip():
        raise empty(file.name)
    expected = encoding or found in ("utf-8", "utf-8-sig")
    return InputText(file, found, head, () if expected else (f"{file.name} was read as {found}.",))


def _copy(file: BinaryIO, stack: ExitStack) -> Path:
    copy = Path(stack.enter_context(TemporaryDirectory(prefix="labeler-"))) / "input"
    with copy.open("wb") as target:
        shutil.copyfileobj(file, target, READ_BYTES)
    return copy


def _checked_kind(name: str, head: bytes, named: str) -> str:
    """Detect a binary format by the content; otherwise keep what the name of a text implies."""
    kind = binary_kind(head)
    if kind == "xls":
        raise InputError(f"{name} is a workbook of an old Excel (.xls).", hint="Save it as .xlsx or CSV.")
    if kind == "zip":
        return "xlsx"
    return kind or ("" if named == "xlsx" else named)
