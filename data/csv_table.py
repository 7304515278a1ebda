"""CSV bytes to columns of strings: nothing guessed, nothing dropped, every bad line named.

Polars is fast but either refuses a file with one ragged line or silently cuts it. So a NumPy scan first checks
that the quoting is sound and all records are equally wide; then Polars reads the file. Any other file goes through
`_read_leniently`, a regular expression per field, which knows the line each record starts on.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import polars as pl

from .raw_table import RawTable, Rejections

_QUOTE, _NEWLINE, _RETURN = 0x22, 0x0A, 0x0D


def parse_csv(data: bytes, delimiter: str | None) -> RawTable:
    """Parse UTF-8 CSV bytes.

    A field is quoted when it starts with a quote whose partner stands before a delimiter or line end; all other
    quotes are part of the text (``5" screen``, ``"Great" product``). Empty fields become null.

    Parameters
    ----------
    data : bytes
        UTF-8 without byte order mark. Lines end with LF, CRLF, or (if there is no LF) CR.
    delimiter : str or None
        None: one column, and commas belong to the text.

    Returns
    -------
    RawTable
        All columns are strings. Records that are blank or of another width than the header are rejected.
    """
    if b"\n" not in data:
        data = data.replace(b"\r", b"\n")
    start = len(data) - len(data.lstrip(b"\r\n"))
    header, _, end = next(_records(data, start, delimiter), ([], start, start))
    names = _unique_names(header)
    # Blank lines at the end are nobody's rows, unless there is nothing else to tell the user about.
    body = data.rstrip(b"\r\n")
    if len(body) < end:
        body = data.removesuffix(b"\n").removesuffix(b"\r")
    if len(body) <= end:
        return RawTable(pl.DataFrame(schema=dict.fromkeys(names, pl.String)), *_nothing())
    return _read_fast(body, end, delimiter, names) or _read_leniently(body, end, delimiter, names)


def _nothing() -> tuple[pl.Series, pl.DataFrame]:
    return pl.Series("line", [], pl.Int64), Rejections().frame()


def _field_pattern(delimiter: str | None) -> re.Pattern[bytes]:
    # 0xFF never occurs in UTF-8: a delimiter that is never found makes one column.
    mark = re.escape(delimiter.encode()) if delimiter else rb"\xff"
    return re.compile(
        rb'(?:"((?:[^"]++|"")*+)"(?=%b|\r?\n|\r?\Z)|([^%b\n]*+))(%b|\r?\n|\r?\Z)' % (mark, mark, mark),
    )


def _records(data: bytes, start: int, delimiter: str | None) -> Iterator[tuple[list[str], int, int]]:
    """Yield the fields of each record after `start`, and the bytes it spans, line end included."""
    mark = (delimiter or "\0").encode()
    fields: list[str] = []
    for match in _field_pattern(delimiter).finditer(data, start):
        fields.append(_value(match, delimiter))
        terminator = match.group(3)
        if terminator == mark:
            continue
        yield fields, start, match.end()
        if not terminator.endswith(b"\n"):
            return  # the end of the data, where the pattern would match once more
        fields, start = [], match.end()


def _value(match: re.Match[bytes], delimiter: str | None) -> str:
    quoted, bare, mark = match.groups()
    if quoted is not None:
        return str(quoted.replace(b'""', b'"'), "utf-8")
    if bare.endswith(b"\r") and (delimiter is None or mark != delimiter.encode()):
        bare = bare[:-1]  # the CR of CRLF
    return str(bare, "utf-8")


def _read_fast(data: bytes, start: int, delimiter: str | None, names: list[str]) -> RawTable | None:
    """Cut out the records of wrong width and let Polars read the rest; None if that is not safe."""
    if delimiter is None:
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
    return pl.read_csv(body, has_header=False, separator=delimiter, schema=schema)


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
        is_blank_line = fields == [""] and not data[first:last].strip()
        if len(fields) == len(names) and not is_blank_line:
            rows.append(fields)
            lines.append(line)
        else:
            _reject(bad, line, len(fields), len(names), data[first:last])
        line += data.count(b"\n", first, last)
    columns = zip(*rows, strict=True) if rows else ([] for _ in names)
    frame = pl.DataFrame([pl.Series(name, column, pl.String) for name, column in zip(names, columns, strict=True)])
    return RawTable(_blank_to_null(frame), pl.Series("line", lines, pl.Int64), bad.frame())


def _blank_to_null(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(pl.when(pl.all() != "").then(pl.all()))


def _unique_names(header: list[str]) -> list[str]:
    """Name nameless columns after their position (pandas writes its index so) and number repeated names."""
    names: list[str] = []
    for position, name in enumerate(header, start=1):
        base = unique = name.strip() or f"column_{position}"
        copy = 1
        while unique in names:
            copy += 1
            unique = f"{base}_{copy}"
        names.append(unique)
    return names
