"""How a CSV is laid out: its delimiter, lines above its header, and how quotes inside quotes are written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from ...types.raw_table import RawTable
from ..files.encoding import best_delimiter
from ..files.format_detection import SAMPLE, first_line, split_fields, usual_names
from .csv_rows import count_misread, parse_csv

SEPARATOR_LINE = re.compile(rb'[\r\n]*"?sep=([^\r\n"])"?[ ,;\t]*(?:\r\n|\n|\r)', re.IGNORECASE)
"""Excel's first line with the delimiter."""

_LINE_END = re.compile(rb"\r\n|\n|\r")
_MAX_ABOVE = 20
_SAME_WIDTH = 0.8
_WIDE = 3  # fields; with two, one usual name may be a word of a review
_ESCAPED = re.compile(rb'\\(["\\])')


@dataclass(frozen=True)
class CsvLayout:
    r"""What must be known of a CSV before it is parsed.

    Parameters
    ----------
    delimiter : str or None
        None: one column, and commas belong to the text.
    above : int
        Lines above the header.
    backslashes : bool
        Whether quotes inside quoted fields are written ``\"`` instead of ``""``.
    """

    delimiter: str | None
    above: int = 0
    backslashes: bool = False

    def parse(self, text: Iterable[bytes]) -> Iterator[RawTable]:
        """Parse a CSV of this layout, chunk by chunk; see `parse_csv`. Its lines may also end with CR alone."""
        if not any(b"\n" in chunk for chunk in text):
            text = (chunk.replace(b"\r", b"\n") for chunk in text)
        return parse_csv(_doubled(text) if self.backslashes else text, self.delimiter, self.above)


def csv_layout(head: bytes, kind: str = "csv", delimiter: str | None = None) -> CsvLayout:
    """Find the layout.

    Parameters
    ----------
    head : bytes
        The beginning of the file as UTF-8, of which `SAMPLE` bytes are looked at.
    kind : str
        ``tsv`` prefers tabs.
    delimiter : str, optional
        The user's choice.
    """
    sample = head[:SAMPLE]
    given = SEPARATOR_LINE.match(sample)
    if given and delimiter is None:
        delimiter = given.group(1).decode("latin-1")
    start = given.end() if given else 0
    start += _header_start(sample[start:], delimiter)
    body = sample[start:]
    if delimiter is None:
        delimiter = "\t" if kind == "tsv" and b"\t" in first_line(body) else best_delimiter(body)[0]
    backslashes = b'\\"' in body and count_misread(_double(body), delimiter) < count_misread(body, delimiter)
    return CsvLayout(delimiter, len(_LINE_END.findall(sample[:start])), backslashes)


def _header_start(sample: bytes, delimiter: str | None) -> int:
    """Where the header begins: at the first line, unless titles stand above a line with more usual names.

    That line must be wider than the first, and as wide as the lines below it.
    """
    first = first_line(sample)
    usual = usual_names(first)
    if usual and len(split_fields(first)) > 1:
        return 0
    for end in islice(_LINE_END.finditer(sample), _MAX_ABOVE):
        line = _LINE_END.split(sample[end.end() :], maxsplit=1)[0]
        if usual_names(line) < max(usual + 1, 1 if len(split_fields(line)) >= _WIDE else 2):
            continue
        found, share = best_delimiter(sample[end.end() :])
        mark = (delimiter or found or "").encode()
        if mark and share >= _SAME_WIDTH and first.count(mark) < line.count(mark):
            return end.end()
    return 0


def _doubled(chunks: Iterable[bytes]) -> Iterator[bytes]:
    r"""Write ``\"`` as ``""`` and ``\\`` as ``\``, also where a chunk ends between the two."""
    rest = b""
    for chunk in chunks:
        data = rest + chunk
        odd = (len(data) - len(data.rstrip(b"\\"))) % 2
        data, rest = data[: len(data) - odd], data[len(data) - odd :]
        yield _double(data)
    if rest:
        yield rest


def _double(data: bytes) -> bytes:
    return _ESCAPED.sub(lambda match: b'""' if match.group(1) == b'"' else b"\\", data)
