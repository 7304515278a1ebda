"""Which encoding and which delimiter a text table uses, decided from its bytes alone."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import chain
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from ...errors import InputError
from .code_pages import CODE_PAGES, cyrillic_code_page

DELIMITERS = (",", ";", "\t", "|")
"""CSV delimiters that are recognised, in order of preference."""

_SAMPLE = 1 << 20


def detect_encoding(file: BinaryIO, *, source: str = "The input") -> str:
    """Name the Python codec that decodes a file, holding one chunk of it at a time.

    Parameters
    ----------
    file : BinaryIO
        Seekable; where it stands afterwards is not defined.
    source : str
        Name used in the message.

    Returns
    -------
    str
        ``utf-8``, ``utf-8-sig``, ``utf-16`` (with byte order mark), ``utf-16-le``, ``utf-16-be``, or one of
        `CODE_PAGES`.

    Raises
    ------
    InputError
        If it is none of these; the message names the first bad byte.
    """
    file.seek(0)
    head = file.read(_SAMPLE)
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    marked = head.startswith(codecs.BOM_UTF8)
    if not marked and (wide := _utf16_without_mark(head)):
        return wide
    bad = _first_bad_byte(file)
    if bad is None:
        return "utf-8-sig" if marked else "utf-8"
    file.seek(max(0, bad - _SAMPLE // 2))
    if legacy := cyrillic_code_page(file.read(_SAMPLE)):
        return legacy
    raise _bad_byte(file, bad, source)


def utf8_chunks(chunks: Iterable[bytes], encoding: str, *, source: str = "The input") -> Iterator[bytes]:
    """Re-encode a text file as UTF-8 without byte order mark, NULs replaced by spaces.

    A NUL cannot be part of a review, but CSV and JSON parsers stop at it; as a space it costs nothing. Bytes that are
    meant to be UTF-8 are not checked.

    Raises
    ------
    InputError
        If bytes in another encoding do not follow it.
    """
    if encoding not in ("utf-8", "utf-8-sig"):
        chunks = _encoded_anew(chunks, encoding, source)
    mark = len(codecs.BOM_UTF8) if encoding == "utf-8-sig" else 0
    for chunk in chunks:
        yield chunk[mark:].replace(b"\0", b" ")
        mark = max(0, mark - len(chunk))


def _encoded_anew(chunks: Iterable[bytes], encoding: str, source: str) -> Iterator[bytes]:
    try:
        for text in _decoded(chunks, encoding):
            yield text.encode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{source} looks like {encoding} but breaks off or is damaged at byte {error.start:,}.",
            hint="Save the file again as UTF-8.",
        ) from None


def _decoded(chunks: Iterable[bytes], encoding: str) -> Iterator[str]:
    """Decode chunk by chunk; the place in an error is that in the whole file."""
    decoder = codecs.getincrementaldecoder(encoding)()
    position = 0
    for chunk, final in chain(((chunk, False) for chunk in chunks), [(b"", True)]):
        pending = len(decoder.getstate()[0])
        try:
            yield decoder.decode(chunk, final)
        except UnicodeDecodeError as error:
            error.start += position - pending
            raise
        position += len(chunk)


def best_delimiter(sample: bytes) -> tuple[str | None, float]:
    """Find the delimiter of a CSV from the beginning of its UTF-8 bytes.

    The header decides which delimiters are possible; among them wins the one which splits most lines into as many
    fields as the header, then the one that makes more columns.

    Returns
    -------
    tuple
        One of `DELIMITERS`; None when the header holds none of them, so that there is only one column. And the share
        of the lines that have as many fields as the header.
    """
    # Quoted fields may hold anything, also line ends.
    bare = re.sub(rb'(?<![^,;\t|\r\n])\x20*"(?:[^"]++|"")*+"(?=\x20*(?:[,;\t|\r\n]|\Z))', b"", sample)
    lines = [line for line in re.split(rb"\r\n|\n|\r", bare) if line.strip()]
    if not lines:
        return None, 0.0
    body = lines[1:-1] or lines[1:]  # the last line of a sample may be cut
    best: tuple[float, int] = (-1.0, 0)
    found = None
    for delimiter in DELIMITERS:
        width = lines[0].count(delimiter.encode())
        if width:
            share = sum(line.count(delimiter.encode()) == width for line in body) / max(len(body), 1)
            if (share, width) > best:
                best, found = (share, width), delimiter
    return found, max(best[0], 0.0)


def _first_bad_byte(file: BinaryIO) -> int | None:
    """Offset of the first byte that is not UTF-8, None if there is none."""
    file.seek(0)
    try:
        for _ in _decoded(iter(partial(file.read, _SAMPLE), b""), "utf-8"):
            pass
    except UnicodeDecodeError as error:
        return error.start
    return None


def _utf16_without_mark(sample: bytes) -> str | None:
    """Recognise UTF-16 by its high bytes: 0 for ASCII, 4 for Cyrillic, and nearly nothing else."""
    codes = np.frombuffer(sample, np.uint8)[: len(sample) // 2 * 2]
    if not len(codes) or 0 not in codes:
        return None

    def share(values: npt.NDArray[np.uint8]) -> float:
        return float(np.isin(values, (0x00, 0x04)).mean())

    even, odd = share(codes[0::2]), share(codes[1::2])
    if odd > 0.8 and even < 0.3:
        return "utf-16-le"
    return "utf-16-be" if even > 0.8 and odd < 0.3 else None


def _bad_byte(file: BinaryIO, offset: int, source: str) -> InputError:
    file.seek(0)
    line, left = 1, offset
    while left > 0:
        chunk = file.read(min(left, _SAMPLE))
        line += chunk.count(b"\n")
        left -= len(chunk)
    return InputError(
        f"{source} is not UTF-8, UTF-16 or Cyrillic text ({', '.join(CODE_PAGES)}): byte 0x{file.read(1)[0]:02X} at "
        f"offset {offset:,} (line {line:,}) is not UTF-8, and what stands around it are no Cyrillic words.",
        hint="Name its encoding with --encoding, save it as UTF-8 (in Excel: 'CSV UTF-8'), or repair that line.",
    )
