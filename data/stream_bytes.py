"""The bytes of an input, block by block: those of a file as often as needed, those of a pipe once, as they come."""

from __future__ import annotations

import hashlib
import io
import select
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from itertools import chain
from pathlib import Path
from typing import BinaryIO, cast

from .encoding import detect_file_encoding
from .source import empty, format_of, open_stdin, reading_file, reading_stdin, sniff_format

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
        The file; None for standard input and for pipes.
    kind : str
        A value of `FORMATS`.
    rereadable : bool
        Whether it can be read again from its beginning: a file, also as standard input, but not a pipe.

    Raises
    ------
    InputError
        If it is missing, a folder, unreadable, of an unknown format, or has no bytes.
    """

    def __init__(self, source: str | Path, *, spool: bool = False, name: str | None = None) -> None:
        self._is_stdin = str(source) == "-"
        self.name = name or ("<stdin>" if self._is_stdin else str(source))
        self._path = Path(source)
        kind = "" if self._is_stdin else format_of(self._path)
        self.path = self._path if kind else None
        self._file = open_stdin() if self._is_stdin else self._open()
        self._is_ours = not self._is_stdin
        try:
            self.rereadable = self._file.seekable() and self._file.tell() == 0
            if spool and not self.rereadable:
                self._file, self._is_ours, self.rereadable = self._spooled(), True, True
            self._once = iter(()) if self.rereadable else self._read_pipe()
            head = self._peek()
            self.kind = kind or sniff_format(head)
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
        if self._is_ours:
            self._file.close()

    def _open(self) -> BinaryIO:
        with reading_file(self._path):
            return self._path.open("rb")

    def _spooled(self) -> BinaryIO:
        copy = tempfile.TemporaryFile()  # noqa: SIM115 - `close` closes it
        try:
            with self._reading(), self._file if self._is_ours else nullcontext(self._file) as pipe:
                shutil.copyfileobj(pipe, copy, BLOCK)
        except BaseException:
            copy.close()
            raise
        return cast(BinaryIO, copy)

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
