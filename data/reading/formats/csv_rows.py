"""CSV bytes to columns of strings: nothing guessed, nothing dropped, every bad line named.

Polars is fast but either refuses a file with one ragged line or silently cuts it. So a NumPy scan first checks
that the quoting is sound and all records are equally wide; then Polars reads the file. Any other file goes through
`_read_leniently`, a regular expression per field, which knows the line each record starts on.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import polars as pl

from ...types.raw_table import NOT_UTF8, RawTable, Rejections, numbered
from ..files.input_file import READ_BYTES
from .csv_headers import lines_above, unique_names, without_headers

_QUOTE, _NEWLINE, _RETURN = 0x22, 0x0A, 0x0D
_LINE_END = re.compile(rb"\r?\n")
_MAX_FIELD = 1 << 24  # bytes of a quoted field


def parse_csv(chunks: Iterable[bytes], delimiter: str | None, above: int = 0) -> Iterator[RawTable]:
    """Parse a CSV of UTF-8 bytes chunk by chunk.

    A field is quoted when it starts with a quote whose partner stands before a delimiter or line end, spaces around
    them aside; all other quotes are part of the text (``5" screen``, ``"Great" product``). Empty fields become null.

    The rows do not depend on the chunks, with one exception: a quoted field longer than 16 MiB. Its quote is taken for
    part of the text, because the partner of a stray quote could be anywhere in a file that is not held in memory.

    Parameters
    ----------
    chunks : iterable of bytes
        UTF-8 without byte order mark. Lines end with LF or CRLF.
    delimiter : str or None
        None: one column, and commas belong to the text.
    above : int
        Lines above the header.

    Yields
    ------
    RawTable
        All columns are strings. Records that are blank, of another width than the header, or the header once more are
        rejected.
    """
    parser = _Parser(delimiter, above)
    parts: list[bytes] = []
    size = enough = 0
    for chunk in chunks:
        parts.append(chunk)
        size += len(chunk)
        if size < enough:
            continue
        table, rest = parser.parse(b"".join(parts), final=False)
        yield table
        parts, size = [rest], len(rest)
        # A row longer than a chunk is not looked through again for every chunk of it.
        enough = 2 * size if size >= READ_BYTES else 0
    yield parser.parse(b"".join(parts), final=True)[0]


class _Parser:
    """What is known of a CSV between two chunks."""

    def __init__(self, delimiter: str | None, above: int = 0) -> None:
        self._delimiter = delimiter
        self._above = above
        self._header: list[str] = []
        self._names: list[str] = []
        self._lines = 0  # line ends before the next record
        self._started = False  # whether there was a record below the header

    def parse(self, data: bytes, *, final: bool) -> tuple[RawTable, bytes]:
        """Parse the records that no later byte can change; return what is left over for the next call, too."""
        start = 0 if self._names else self._parse_header(data, final=final)
        body, end = self._split(data, start, final=final) if self._names else (None, 0)
        if body is None:
            table = numbered(pl.DataFrame(schema=dict.fromkeys(self._names, pl.String)))
        else:
            arguments = (body, start, self._delimiter, self._names)
            table = _read_fast(*arguments) or _read_leniently(*arguments)
            table = without_headers(table, self._header).moved(self._lines)
            self._started = True
        if start and self._above:
            table = replace(table, rejected=pl.concat([lines_above(data, self._above), table.rejected]))
            self._above = 0
        self._lines += data.count(b"\n", 0, end)
        return table, data[end:]

    def _parse_header(self, data: bytes, *, final: bool) -> int:
        """Find the names of the columns, if they are all there, and where they end."""
        start = 0
        for _ in range(self._above):
            start = data.find(b"\n", start) + 1
            if not start:
                return 0
        start = len(data) - len(data[start:].lstrip(b"\r\n"))
        records = _records(data, start, self._delimiter, final=final or len(data) > _MAX_FIELD)
        header, _, end = next(records, ([], 0, 0))
        self._header = [str(name, "utf-8", "replace").strip(" \t\r\n\xa0\ufeff") for name in header]
        self._names = unique_names(self._header)
        return end

    def _split(self, data: bytes, start: int, *, final: bool) -> tuple[bytes | None, int]:
        """Find where the last record ends that is sure.

        Return the data to there without its line end, or None if there is no record after `start`; and the place.
        """
        content = data.rstrip(b"\r\n")
        if final:
            # Blank lines at the end are no rows, unless there is nothing else to report.
            if len(content) <= start and not self._started:
                content = data.removesuffix(b"\n").removesuffix(b"\r")
            return (content if len(content) > start else None), len(data)
        # Whether blank lines are at the end is not known before something follows them.
        line_end = _LINE_END.match(data, len(content)) if len(content) > start else None
        end = start + _last_end(data[start : line_end.end() if line_end else len(content)], self._delimiter)
        return (data[: end - 1] if end > start else None), end


def count_misread(sample: bytes, delimiter: str | None) -> int:
    """Count the records that are not as wide as the header, and the fields that begin with a quote of the text."""
    wrong = width = 0
    for fields, _, _ in _records(sample, 0, delimiter, final=False):
        width = width or len(fields)
        wrong += (len(fields) != width) + sum(field.lstrip(b" ").startswith(b'"') for field in fields)
    return wrong


def _mark(delimiter: str | None) -> bytes:
    # 0xFF never occurs in UTF-8: a delimiter that is never found makes one column.
    return delimiter.encode() if delimiter else b"\xff"


def _field_pattern(delimiter: str | None) -> re.Pattern[bytes]:
    mark = re.escape(_mark(delimiter))
    return re.compile(
        rb'(?:\x20*"((?:[^"]++|"")*+)"\x20*(?=%b|\r?\n|\r?\Z)|([^%b\n]*+))(%b|\r?\n|\r?\Z)' % (mark, mark, mark)
    )


_UNCLOSED = re.compile(rb'\x20*"(?:[^"]++|"")*+\x20*\Z')


def _records(
    data: bytes, start: int, delimiter: str | None, *, final: bool = True
) -> Iterator[tuple[list[bytes], int, int]]:
    """Yield the fields of each record after `start`, and the bytes it spans, line end included.

    If `data` is not the end of the file, stop before the first record that what follows could change.
    """
    mark = _mark(delimiter)
    fields: list[bytes] = []
    for match in _field_pattern(delimiter).finditer(data, start):
        quoted, _, terminator = match.groups()
        if not final and quoted is None and _UNCLOSED.match(data, match.start()):
            return
        fields.append(_value(match, mark))
        if terminator == mark:
            continue
        if not terminator.endswith(b"\n"):  # the end of the data, where the pattern would match once more
            if final:
                yield fields, start, match.end()
            return
        yield fields, start, match.end()
        fields, start = [], match.end()


def _value(match: re.Match[bytes], mark: bytes) -> bytes:
    quoted, bare, terminator = match.groups()
    if quoted is not None:
        return bytes(quoted.replace(b'""', b'"'))
    return bytes(bare.removesuffix(b"\r") if terminator != mark else bare)  # the CR of CRLF


def _last_end(data: bytes, delimiter: str | None) -> int:
    """Where the last record ends that is complete, whatever follows `data`; 0 if there is none."""
    codes = np.frombuffer(data, np.uint8)
    quotes = np.flatnonzero(codes == _QUOTE)
    if not len(quotes):
        return data.rfind(b"\n") + 1
    newlines = np.flatnonzero(codes == _NEWLINE)
    ends = newlines[np.searchsorted(quotes, newlines) % 2 == 0] + 1
    if delimiter and len(ends) and _quotes_are_sound(codes[: ends[-1]], quotes[quotes < ends[-1]], ord(delimiter)):
        return int(ends[-1])
    end = max((end for _, _, end in _records(data, 0, delimiter, final=False)), default=0)
    if not end and len(data) > _MAX_FIELD:  # a stray quote
        _, _, end = next(_records(data, 0, delimiter))
    return end if data[end - 1 : end] == b"\n" else 0


def _read_fast(data: bytes, start: int, delimiter: str | None, names: list[str]) -> RawTable | None:
    """Cut out the records of wrong width and let Polars read the rest; None if that is not safe."""
    if delimiter is None or len(names) == 1:  # a blank line would be a row with an empty field
        return None
    codes = np.frombuffer(data, np.uint8)[start:]
    quotes = np.flatnonzero(codes == _QUOTE)
    if not _quotes_are_sound(codes, quotes, ord(delimiter)):
        return None

    def outside(positions: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        return positions[np.searchsorted(quotes, positions) % 2 == 0] if len(quotes) else positions

    newlines = np.flatnonzero(codes == _NEWLINE)
    ends = outside(newlines)
    record_of = np.searchsorted(ends, outside(np.flatnonzero(codes == ord(delimiter))))
    widths = np.bincount(record_of, minlength=len(ends) + 1) + 1  # the caller cut the last line end off
    bounds = start + np.concatenate([[0], ends + 1, [len(codes)]])
    lines = np.searchsorted(newlines, bounds[:-1] - start) + data.count(b"\n", 0, start) + 1
    good = widths == len(names)
    frame = _read_with_polars(_join_runs(data, bounds, good), delimiter, names)
    if frame is None or len(frame) != good.sum():
        return None
    bad = Rejections()
    for record in np.flatnonzero(~good).tolist():
        _reject(bad, int(lines[record]), int(widths[record]), len(names), data[bounds[record] : bounds[record + 1]])
    return RawTable(_blank_to_null(frame), pl.Series("line", lines[good], pl.Int64), bad.frame())


def _read_with_polars(body: bytes, delimiter: str, names: list[str]) -> pl.DataFrame | None:
    schema = dict.fromkeys(names, pl.String)
    if not body:
        return pl.DataFrame(schema=schema)
    if body.startswith(codecs.BOM_UTF8) or b"\r" + delimiter.encode() in body:  # Polars would take these away
        return None
    try:
        return pl.read_csv(body, has_header=False, separator=delimiter, schema=schema)
    except pl.exceptions.ComputeError:  # not UTF-8
        return None


def _join_runs(data: bytes, bounds: npt.NDArray[np.int64], good: npt.NDArray[np.bool_]) -> bytes:
    """Concatenate the records that are good, copying runs of them at once."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], good, [False]]).astype(np.int8)))
    return b"".join(data[bounds[a] : bounds[b]] for a, b in edges.reshape(-1, 2))


def _reject(bad: Rejections, line: int, width: int, expected: int, raw: bytes) -> None:
    if raw.strip(b"\r\n"):
        text = raw[:1000].decode("utf-8", "ignore")
        bad.add(line, f"{width} field{'s' * (width > 1)} where the header has {expected}", text)
    else:
        bad.add(line, "blank line")


def _quotes_are_sound(codes: npt.NDArray[np.uint8], quotes: npt.NDArray[np.int64], delimiter: int) -> bool:
    """Whether every quote opens at the start of a field, closes at its end, or is half of a doubled one."""
    if len(quotes) % 2:
        return False
    opening, closing = quotes[0::2], quotes[1::2]
    around = np.concatenate([[_NEWLINE], codes, [_NEWLINE, _NEWLINE]])
    before, after = around[opening], around[closing + 2]
    ends_line = (after == _NEWLINE) | ((after == _RETURN) & (around[closing + 3] == _NEWLINE))
    return bool(
        np.all((before == delimiter) | (before == _NEWLINE) | (before == _QUOTE))
        and np.all((after == delimiter) | ends_line | (after == _QUOTE))
    )


def _read_leniently(data: bytes, start: int, delimiter: str | None, names: list[str]) -> RawTable:
    rows: list[list[str]] = []
    lines: list[int] = []
    bad = Rejections()
    line = data.count(b"\n", 0, start) + 1
    for fields, first, last in _records(data, start, delimiter):
        is_blank_line = fields == [b""] and not data[first:last].strip()
        if len(fields) != len(names) or is_blank_line:
            _reject(bad, line, len(fields), len(names), data[first:last])
        else:
            try:
                rows.append([str(field, "utf-8") for field in fields])
                lines.append(line)
            except UnicodeDecodeError:
                bad.add(line, NOT_UTF8, data[first:last][:1000].decode("utf-8", "ignore"))
        line += data.count(b"\n", first, last)
    columns = zip(*rows, strict=True) if rows else ([] for _ in names)
    frame = pl.DataFrame([pl.Series(name, column, pl.String) for name, column in zip(names, columns, strict=True)])
    return RawTable(_blank_to_null(frame), pl.Series("line", lines, pl.Int64), bad.frame())


def _blank_to_null(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(pl.when(pl.all() != "").then(pl.all()))
