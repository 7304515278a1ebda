"""The bytes of an input, block by block: those of a file as often as needed, those of a pipe once, as they come."""

from __future__ import annotations

import hashlib
import io
import select
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager
from itertools import chain
from pathlib import Path
from typing import BinaryIO, cast

from ...errors import InputError
from .archive import unpack
from .encoding import detect_file_encoding
from .format_detection import binary_kind
from .open_input import empty, format_of, open_stdin, reading_file, reading_stdin

BLOCK = 1 << 20
"""Bytes that are read at once."""

PATIENCE = 1.0
"""Seconds after which what a pipe has given so far is passed on."""


class ByteStream:
    """A file or a pipe that is open for reading.

    Parameters
    ----------
    source : str or Path
        As for `read_source`.
    spool : bool
        Copy a pipe to a temporary file first, so that it can be read like a file.
    name : str, optional
        What to call it in messages instead.

    Attributes
    ----------
    name : str
        Path as given, or ``<stdin>``; used in messages.
    path : Path or None
        The file; None for standard input, for pipes, and where the file is packed.
    kind : str
        ``parquet`` or ``xlsx``, or of a text what its name promises: a value of `FORMATS`, or empty.
    rereadable : bool
        Whether it can be read again from its beginning: a file, also as standard input, but not a pipe.

    Raises
    ------
    InputError
        If it is missing, a folder, unreadable, of an unknown format, has no bytes, or is an archive without one table.
    """

    def __init__(self, source: str | Path, *, spool: bool = False, name: str | None = None) -> None:
        self._is_stdin = str(source) == "-"
        self.name = name or ("<stdin>" if self._is_stdin else str(source))
        self._path = Path(source)
        self.kind = "" if self._is_stdin else format_of(self._path)
        self._file = open_stdin() if self._is_stdin else self._open()
        self._open_files = [] if self._is_stdin else [self._file]
        try:
            self.rereadable = self._file.seekable() and self._file.tell() == 0
            if spool and not self.rereadable:
                self._spool()
            self.path = self._path if self.rereadable and not self._is_stdin else None
            self._unpack()
            self._once = iter(()) if self.rereadable else self._read_pipe()
            head = self._peek()
            self.kind = _checked_kind(self.name, head, self.kind)
        except BaseException:
            self.close()
            raise

    def blocks(self) -> Iterator[bytes]:
        """Yield up to `BLOCK` bytes at a time; from a pipe ``b""`` when nothing has come for `PATIENCE` seconds."""
        return self._read_file() if self.rereadable else self._once

    def encoding(self) -> str:
        """Name the encoding of the whole file, which must be rereadable; see `detect_encoding`."""
        with self._reading():
            return detect_file_encoding(self._file, source=self.name)

    def digest(self) -> str:
        """Return ``blake2b:`` and the hex digest of all bytes, which must be rereadable."""
        digest = hashlib.blake2b(digest_size=20)
        for block in self.blocks():
            digest.update(block)
        return f"blake2b:{digest.hexdigest()}"

    def close(self) -> None:
        """Close the file; standard input is not ours to close."""
        for file in reversed(self._open_files):
            file.close()

    def _open(self) -> BinaryIO:
        with reading_file(self._path):
            return self._path.open("rb")

    def _spool(self) -> None:
        copy = cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115 - `close` closes it
        self._open_files.append(copy)
        with self._reading():
            shutil.copyfileobj(self._file, copy, BLOCK)
        self._file, self.rereadable = copy, True

    def _unpack(self) -> None:
        """Replace a packed file by what it holds."""
        with self._reading():
            kind = binary_kind(self._start())
            if kind == "zip" and not self.rereadable:
                self._spool()
            if kind in ("gzip", "zip"):
                packed = self._file
                self._file, inner = unpack(packed, kind, self.name)
                self.kind, self.path = inner or self.kind, None
                if self._file is not packed:
                    self._open_files.append(self._file)

    def _start(self) -> bytes:
        """Return the first bytes, without using them up."""
        if not self.rereadable:
            return self._file.peek(4) if isinstance(self._file, io.BufferedReader) else b""
        self._file.seek(0)
        start = self._file.read(4)
        self._file.seek(0)
        return start

    def _reading(self) -> AbstractContextManager[None]:
        return reading_stdin() if self._is_stdin else reading_file(self._path)

    def _peek(self) -> bytes:
        """Return the first block, without using up that of a pipe."""
        head = next(self.blocks(), b"")
        if not head:
            raise empty(self.name)
        if not self.rereadable:
            self._once = chain([head], self._once)
        return head

    def _read_file(self) -> Iterator[bytes]:
        position = 0
        while True:
            with self._reading():
                self._file.seek(position)
                block = self._file.read(BLOCK)
            if not block:
                return
            position += len(block)
            yield block

    def _read_pipe(self) -> Iterator[bytes]:
        """Gather what comes until it is a block, or until nothing more comes."""
        parts: list[bytes] = []
        size = 0
        started = False
        while True:
            pauses = started and not self._is_ready()
            if parts and (pauses or size >= BLOCK):
                yield b"".join(parts)
                parts, size = [], 0
            if pauses:
                yield b""
            with self._reading():
                part = self._file.read1(BLOCK - size)  # type: ignore[attr-defined]
            if not part:
                break
            parts.append(part)
            size += len(part)
            started = True
        if parts:
            yield b"".join(parts)

    def _is_ready(self) -> bool:
        try:
            return bool(select.select([self._file.fileno()], [], [], PATIENCE)[0])
        except (io.UnsupportedOperation, OSError, ValueError):  # on Windows only sockets can be asked
            return True


def _checked_kind(name: str, head: bytes, named: str) -> str:
    """Tell a binary format by the content; what is text, and what a text's name promises, shows later."""
    kind = binary_kind(head)
    if kind == "xls":
        raise InputError(f"{name} is a workbook of an old Excel (.xls).", hint="Save it as .xlsx or CSV.")
    if kind == "zip":
        return "xlsx"
    return kind or ("" if named == "xlsx" else named)
