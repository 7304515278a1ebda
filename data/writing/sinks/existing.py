"""What an output file holds already: its columns, and the values of some block by block."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import polars as pl

from ...errors import InputError
from .formats import DELIMITERS, FileFormat, TextKind
from .values import Schema

_BLOCK = 1 << 22


def read_schema(path: Path, form: FileFormat) -> Schema:
    """Read the columns of a finished file; those of text files are strings. Of JSONL the first line counts.

    Returns
    -------
    dict
        Column names and types; empty for an empty file.

    Raises
    ------
    InputError
        If the file cannot be read as what its ending says.
    """
    with _explaining(path):
        if form.kind == "parquet":
            return dict(pl.scan_parquet(path, glob=False).collect_schema())
        with form.open(path) as stream:
            first = _first_record(stream, form.kind)
        return dict.fromkeys(_names(first, form.kind), pl.String())


def read_columns(path: Path, form: FileFormat, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
    """Read columns of a finished file in constant memory; those of text files are strings.

    Raises
    ------
    InputError
        If the file cannot be read as what its ending says.
    """
    with _explaining(path):
        if form.kind == "parquet":
            yield from pl.scan_parquet(path, glob=False).select(columns).collect_batches(maintain_order=False)
            return
        with form.open(path) as stream:
            yield from _text_columns(stream, form.kind, columns)


def _text_columns(stream: IO[bytes], kind: TextKind, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
    if kind == "jsonl":
        for block in _blocks(stream, kind):
            yield pl.read_ndjson(block, schema=dict.fromkeys(columns, pl.String))
        return
    header = _first_record(stream, kind)
    names = _names(header, kind)
    positions = sorted(names.index(name) for name in columns)
    for block in _blocks(stream, kind):
        # With the header before it a block that starts with a byte order mark keeps it.
        table = header + b"\n" + block
        frame = pl.read_csv(table, columns=positions, infer_schema=False, separator=DELIMITERS[kind])
        frame.columns = [names[position] for position in positions]
        yield frame


def _first_record(stream: IO[bytes], kind: TextKind) -> bytes:
    """Read up to the end of the first record and return it without its line end."""
    lines, quotes = [], 0
    for line in stream:
        lines.append(line)
        quotes += line.count(b'"')
        if kind == "jsonl" or quotes % 2 == 0:
            break
    return b"".join(lines).rstrip(b"\r\n")


def _names(record: bytes, kind: TextKind) -> list[str]:
    if not record:
        return []
    if kind == "jsonl":
        value = json.loads(record)
        return list(value) if isinstance(value, dict) else []
    # Read as a row: in names Polars would leave quotes doubled.
    row = pl.read_csv(record, has_header=False, infer_schema=False, separator=DELIMITERS[kind]).row(0)
    return ["" if name is None else name for name in row]


def _blocks(stream: IO[bytes], kind: TextKind) -> Iterator[bytes]:
    """Cut a stream where records end."""
    rest = b""
    while data := stream.read(_BLOCK):
        block = rest + data
        end = block.rfind(b"\n") + 1 if kind == "jsonl" else _last_end(block)
        if end:
            yield block[:end]
        rest = block[end:]
    if rest.strip():
        yield rest


def _last_end(block: bytes) -> int:
    """Position after the last line end that is outside quotes; 0 if there is none."""
    end = block.rfind(b"\n") + 1
    quotes = block.count(b'"', 0, end)
    while end and quotes % 2:
        before = block.rfind(b"\n", 0, end - 1) + 1
        quotes -= block.count(b'"', before, end)
        end = before
    return end


@contextmanager
def _explaining(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, EOFError, ValueError, zlib.error, pl.exceptions.PolarsError) as error:
        reason = getattr(error, "strerror", None) or str(error).split("\n", 1)[0]
        raise InputError(
            f"{path} exists, but its rows cannot be read ({reason}).",
            hint="Choose another --output, or replace the file with --force.",
        ) from error
