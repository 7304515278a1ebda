"""A text file or pipe of any encoding as blocks of UTF-8."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from ...errors import InputError
from .byte_stream import ByteStream
from .code_pages import CODE_PAGES
from .encoding import detect_encoding, utf8_blocks
from .format_detection import SAMPLE
from .open_input import empty, encoding_notes


class TextStream:
    """The text of an input, as `to_utf8` makes it, without holding it.

    The encoding of a file is found by looking through all of it. That of a pipe is the encoding of its first block
    with anything but ASCII; bytes that do not follow it are left for the parsers to reject, if it is UTF-8.

    Parameters
    ----------
    source : ByteStream
        The bytes.
    encoding : str, optional
        The user's choice; by default it is detected.

    Attributes
    ----------
    head : bytes
        The beginning of the text: `SAMPLE` bytes or more if there are as many; at least two lines of a slow pipe.
    encoding : str
        As `detect_encoding` names it; of a pipe, as far as it is known.

    Raises
    ------
    InputError
        If the encoding is unknown, or the text is blank.
    """

    def __init__(self, source: ByteStream, encoding: str | None = None) -> None:
        self.name = source.name
        self.rereadable = source.rereadable
        self._source = source
        self._given = encoding
        self.encoding = encoding or (source.encoding() if source.rereadable else "utf-8")
        blocks = self._decode()
        first = _first_blocks(blocks)
        self.head = b"".join(first)
        if not self.head.strip():
            raise empty(self.name)
        pause = [] if first[-1] else [b""]
        self._once = iter(()) if self.rereadable else chain([self.head, *pause], blocks)

    @property
    def notes(self) -> tuple[str, ...]:
        """What to tell the user."""
        return () if self._given else encoding_notes(self.name, self.encoding)

    def blocks(self) -> Iterator[bytes]:
        """Yield the text; from a pipe only once, and ``b""`` where it pauses."""
        return self._decode() if self.rereadable else self._once

    def has_line_feeds(self) -> bool:
        """Whether lines end with LF or CRLF rather than CR; judged by a pipe's head."""
        return b"\n" in self.head or (self.rereadable and any(b"\n" in block for block in self._decode()))

    def _decode(self) -> Iterator[bytes]:
        blocks = self._source.blocks()
        if self.rereadable or self._given:
            yield from utf8_blocks(blocks, self.encoding, source=self.name)
            return
        first = True
        for block in blocks:
            if block.isascii() and b"\0" not in block:
                yield block
            else:
                self.encoding = self._guess(block, first=first)
                yield from utf8_blocks(chain([block], blocks), self.encoding, source=self.name)
            first = False

    def _guess(self, block: bytes, *, first: bool) -> str:
        """Guess the encoding of a pipe that was ASCII so far."""
        try:
            guess = detect_encoding(block, source=self.name)
        except InputError:
            if first:
                raise
            return "utf-8"
        return guess if first or guess in CODE_PAGES else "utf-8"


def _first_blocks(blocks: Iterator[bytes]) -> list[bytes]:
    first: list[bytes] = []
    size = lines = 0
    blank = True
    for block in blocks:
        first.append(block)
        size += len(block)
        lines += block.count(b"\n")
        blank = blank and not block.strip()
        if not blank and (size >= SAMPLE or (not block and lines >= 2)):
            break
    return first
