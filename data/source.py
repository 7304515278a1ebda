"""From a path or standard input to a `RawTable`: finding the file, its format, and saying clearly what is wrong."""

from __future__ import annotations

import difflib
import hashlib
import io
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from .csv_table import parse_csv
from .encoding import detect_delimiter, to_utf8
from .errors import InputError
from .json_table import parse_json_array, parse_jsonl
from .raw_table import RawTable, Rejections

FORMATS = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".parquet": "parquet",
    ".pq": "parquet",
}
"""File endings that are read, and as what."""

_SAMPLE = 1 << 16
_ACCEPTED = "Labeler reads .csv, .tsv, .jsonl, .ndjson, .json and .parquet files, and - for standard input."


@dataclass(frozen=True, eq=False)
class Source:
    """A parsed input.

    Parameters
    ----------
    name : str
        Path as given, or ``<stdin>``; used in messages.
    digest : str
        ``blake2b:`` and the hex digest of the raw bytes.
    raw : RawTable
        Its columns and rejected rows.
    notes : tuple[str, ...]
        Things worth telling the user, such as an encoding other than UTF-8.
    """

    name: str
    digest: str
    raw: RawTable
    notes: tuple[str, ...] = ()


def read_source(source: str | Path) -> Source:
    """Read a CSV, TSV, JSONL, JSON or Parquet file, or standard input for ``-``.

    Raises
    ------
    InputError
        If it is missing, a folder, unreadable, empty, of an unknown format or encoding, corrupt, or has no rows.
    """
    if str(source) == "-":
        name, data, kind = "<stdin>", _read_stdin(), ""
    else:
        name, path = str(source), Path(source)
        kind = _format_of(path)
        data = _read_file(path)
    if not data:
        raise _empty(name)
    kind = kind or _sniff(data)
    digest = f"blake2b:{hashlib.blake2b(data, digest_size=20).hexdigest()}"
    raw, notes = _parse(data, kind, name)
    if not len(raw.frame) and not len(raw.rejected):
        columns = ", ".join(raw.frame.columns) or "none"
        raise InputError(f"{name} has no rows, only a header (columns: {columns}).", hint="Add reviews below it.")
    return Source(name, digest, raw, notes)


def _format_of(path: Path) -> str:
    """Format by the file's ending; empty for pipes, whose content must tell."""
    try:
        if path.is_dir():
            raise InputError(f"{path} is a folder, not a file.", hint=_folder_hint(path))
        if not path.exists():
            raise InputError(f"There is no file {path}.", hint=_missing_hint(path))
        if not path.is_file():
            return ""
    except OSError as error:
        raise _unreadable(path, error) from None
    kind = FORMATS.get(path.suffix.lower())
    if kind is None:
        raise InputError(f"{path} has the unknown file ending '{path.suffix}'.", hint=_ACCEPTED)
    return kind


def _read_file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from None


def _read_stdin() -> bytes:
    try:
        return sys.stdin.buffer.read()
    except (OSError, AttributeError, ValueError) as error:  # closed, or replaced by something without bytes
        raise InputError(f"Standard input cannot be read ({error}).", hint="Pipe a table in, or name a file.") from None


def _sniff(data: bytes) -> str:
    if data[:4] == b"PAR1":
        return "parquet"
    # Works for UTF-16 too: byte order mark and NULs are skipped.
    start = data[:_SAMPLE].lstrip(b"\xef\xbb\xbf\xff\xfe\0 \t\r\n")[:1]
    return {b"{": "jsonl", b"[": "json"}.get(start, "csv")


def _parse(data: bytes, kind: str, name: str) -> tuple[RawTable, tuple[str, ...]]:
    if kind == "parquet":
        return _parse_parquet(data, name), ()
    text, encoding = to_utf8(data, source=name)
    if not text.strip():
        raise _empty(name)
    notes = () if encoding in ("utf-8", "utf-8-sig") else (f"{name} was read as {encoding}.",)
    if kind == "jsonl":
        return parse_jsonl(text), notes
    if kind == "json":
        is_array = text.lstrip()[:1] == b"["
        return (parse_json_array(text, name) if is_array else parse_jsonl(text)), notes
    delimiter = "\t" if kind == "tsv" and b"\t" in _first_line(text) else detect_delimiter(text[:_SAMPLE])
    return parse_csv(text, delimiter), notes


def _first_line(text: bytes) -> bytes:
    return re.split(rb"[\r\n]", text.lstrip(b"\r\n")[:_SAMPLE], maxsplit=1)[0]


def _parse_parquet(data: bytes, name: str) -> RawTable:
    try:
        frame = pl.read_parquet(io.BytesIO(data))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError) as error:
        reason = str(error).split("\n", 1)[0]
        raise InputError(
            f"{name} is not a readable Parquet file ({reason}).", hint="Write it again, or export it as CSV."
        ) from None
    rows = pl.Series("line", range(1, len(frame) + 1), pl.Int64)
    return RawTable(frame, rows, Rejections().frame())


def _empty(name: str) -> InputError:
    return InputError(f"{name} is empty.", hint="It should hold a table with one review per row.")


def _unreadable(path: Path, error: OSError) -> InputError:
    return InputError(f"{path} cannot be read ({error.strerror or error}).", hint="Check the file's permissions.")


def _folder_hint(path: Path) -> str:
    tables = sorted(file.name for file in path.iterdir() if file.suffix.lower() in FORMATS)[:3]
    return f"It holds {', '.join(tables)}: name one." if tables else _ACCEPTED


def _missing_hint(path: Path) -> str:
    folder = path.parent
    if not folder.is_dir():
        return f"The folder {folder} does not exist either."
    nearest = difflib.get_close_matches(path.name, [file.name for file in folder.iterdir()], n=1, cutoff=0.5)
    return f"Did you mean '{folder / nearest[0]}'?" if nearest else "Check the name and the folder you are in."
