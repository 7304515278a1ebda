"""An input of any format as `RawTable` after `RawTable`, all with the same columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar

import polars as pl

from ..types.raw_table import FileLines, RawTable, concat_tables
from .files.byte_stream import BLOCK, ByteStream
from .files.format_detection import DETECT, ReadOptions, text_kind
from .files.open_input import numbered, parse_parquet, reading_parquet
from .files.text_stream import TextStream
from .formats.csv_layout import CsvLayout, csv_layout
from .formats.csv_rows import CsvParser
from .formats.json_records import (
    JsonlParser,
    Kinds,
    Records,
    kinds_of,
    parse_json_array,
    parse_json_document,
    reject_misfits,
    to_table,
)
from .formats.txt_lines import TxtParser
from .formats.workbook import parse_workbook

Pieces = Iterator[RawTable | None]
"""Tables of some rows each; None where a pipe pauses."""

_CHUNK_BYTES = 1 << 25
_Piece_co = TypeVar("_Piece_co", covariant=True)


class _Parse(Protocol[_Piece_co]):
    def __call__(self, data: bytes, *, final: bool) -> tuple[_Piece_co, bytes]: ...


@dataclass(frozen=True, eq=False)
class RowStream:
    """The rows of an input.

    Parameters
    ----------
    name : str
        Path as given, or ``<stdin>``.
    read : callable
        Reads it from the start, or a pipe from where it is; gives at least one table.
    rereadable : bool
        Whether `read` can be called again.
    text : TextStream or None
        Its text, if it is text.
    late : list[str]
        Columns that a pipe of JSON Lines brought too late.
    digest : callable
        Reads it once more for the digest of its bytes, if it is `rereadable`.
    files : FileLines
        Where lines are, if it is several files.
    remarks : list[str]
        What else to tell the user.
    """

    name: str
    read: Callable[[], Pieces]
    rereadable: bool = True
    text: TextStream | None = None
    late: list[str] = field(default_factory=list)
    digest: Callable[[], str] = str
    files: FileLines = field(default_factory=FileLines)
    remarks: list[str] = field(default_factory=list)

    @property
    def notes(self) -> tuple[str, ...]:
        """What to tell the user, as far as it has been read."""
        notes = (*(self.text.notes if self.text else ()), *self.remarks)
        if not self.late:
            return notes
        names = ", ".join(f"'{name}'" for name in self.late)
        return (*notes, f"{self.name} has columns that its first rows do not have; they are left out: {names}.")


@contextmanager
def open_rows(
    source: str | Path,
    *,
    rows: int,
    spool: bool = False,
    name: str | None = None,
    kinds: Kinds | None = None,
    options: ReadOptions = DETECT,
) -> Iterator[RowStream]:
    """Open an input that is one file or pipe.

    Parameters
    ----------
    source, spool, name
        For `ByteStream`.
    rows : int
        How many rows of a Parquet file are read at once.
    kinds : Kinds, optional
        The columns of JSON Lines and what they hold, where that is known already.
    options : ReadOptions

    Raises
    ------
    InputError
        If it cannot be read: see `ByteStream` and `TextStream`; unless what is wrong shows only later.
    """
    with closing(ByteStream(source, spool=spool, name=name)) as data:
        yield replace(_rows_of(data, rows, kinds, options), digest=data.digest)


def _rows_of(data: ByteStream, rows: int, kinds: Kinds | None, options: ReadOptions) -> RowStream:
    if data.kind == "parquet":
        if data.path:
            return RowStream(data.name, partial(_parquet_pieces, data.path, data.name, rows))
        return held_rows(data.name, parse_parquet(b"".join(data.blocks()), data.name))
    if data.kind == "xlsx":
        return held_rows(data.name, *parse_workbook(b"".join(data.blocks()), data.name))
    text = TextStream(data, options.encoding)
    kind = text_kind(text.head, data.kind)
    if kind == "array":
        return replace(held_rows(data.name, parse_json_array(b"".join(text.blocks()), data.name)), text=text)
    if kind == "document":
        return replace(held_rows(data.name, *parse_json_document(b"".join(text.blocks()), data.name)), text=text)
    if kind == "jsonl":
        return _jsonl_rows(text, kinds)
    if kind == "txt":
        return RowStream(data.name, partial(_txt_pieces, text), text.rereadable, text)
    layout = csv_layout(text.head, kind, options.delimiter)
    return RowStream(data.name, partial(_csv_pieces, text, layout), text.rereadable, text)


def held_rows(name: str, table: RawTable, notes: tuple[str, ...] = (), *, digest: Callable[[], str] = str) -> RowStream:
    """Rows that are in memory already."""
    return RowStream(name, lambda: iter([table]), remarks=list(notes), digest=digest)


def rechunk(pieces: Pieces, rows: int) -> Iterator[RawTable]:
    """Join and part tables so that they have `rows` rows: fewer at the end, at a pause, and where rows are huge."""
    held: list[RawTable] = []
    for piece in pieces:
        if piece is not None:
            held.append(piece)
        ready = sum(map(len, held))
        full = piece is None or sum(table.frame.estimated_size() for table in held) > _CHUNK_BYTES
        if not ready or (ready < rows and not full):
            continue
        table = concat_tables(held)
        while len(table.frame) > rows:
            chunk, table = table.split(rows)
            yield chunk
        held = [table]
        if full or len(table) >= rows:
            yield table
            held = []
    if held:
        yield concat_tables(held)


def _parse_blocks(blocks: Iterable[bytes], parse: _Parse[_Piece_co]) -> Iterator[_Piece_co | None]:
    """Parse what has come whenever a block has come."""
    parts: list[bytes] = []
    size = enough = 0
    for block in blocks:
        if not block:
            yield None
            continue
        parts.append(block)
        size += len(block)
        if size < enough:
            continue
        piece, rest = parse(b"".join(parts), final=False)
        yield piece
        parts, size = [rest], len(rest)
        # A row longer than a block is not looked through again for every block of it.
        enough = 2 * size if size >= BLOCK else 0
    yield parse(b"".join(parts), final=True)[0]


def _csv_pieces(text: TextStream, layout: CsvLayout) -> Pieces:
    blocks = text.blocks()
    if not text.has_line_feeds():
        blocks = (block.replace(b"\r", b"\n") for block in blocks)
    return _parse_blocks(layout.plain(blocks), CsvParser(layout.delimiter, layout.above).parse)


def _txt_pieces(text: TextStream) -> Pieces:
    return _parse_blocks(text.blocks(), TxtParser().parse)


def _jsonl_rows(text: TextStream, kinds: Kinds | None) -> RowStream:
    late: list[str] = []
    if not text.rereadable:
        return RowStream(text.name, partial(_jsonl_pipe, text, late), rereadable=False, text=text, late=late)
    if kinds is None:
        add_kinds(kinds := {}, text)
    return RowStream(text.name, partial(_jsonl_pieces, text, kinds), text=text)


def add_kinds(kinds: Kinds, text: TextStream) -> None:
    """Add the columns of a file of JSON Lines, and what they hold."""
    for records in _parse_blocks(text.blocks(), JsonlParser().parse):
        for name, found in kinds_of(records or Records()).items():
            kinds.setdefault(name, set()).update(found)


def _jsonl_pieces(text: TextStream, kinds: Kinds) -> Pieces:
    for records in _parse_blocks(text.blocks(), JsonlParser().parse):
        yield None if records is None else to_table(records, kinds)


def _jsonl_pipe(text: TextStream, late: list[str]) -> Pieces:
    """Take the columns and their types from the first block with an object, and hold the later ones to them."""
    kinds: Kinds = {}
    waiting: list[Records] = []
    for records in _parse_blocks(text.blocks(), JsonlParser().parse):
        if records is None:
            yield None
            continue
        own = kinds_of(records)
        kinds = kinds or own
        late.extend(name for name in own if name not in kinds and name not in late)
        waiting.append(reject_misfits(records, own, kinds))
        if kinds:
            yield from (to_table(each, kinds) for each in waiting)
            waiting.clear()
    yield from (to_table(each, kinds) for each in waiting)


def _parquet_pieces(path: Path, name: str, rows: int) -> Pieces:
    """Read slices of a Parquet file; Polars holds the compressed bytes of one of its row groups at a time."""
    with reading_parquet(name):
        scan = pl.scan_parquet(path.absolute(), glob=False, hive_partitioning=False)
        height = scan.select(pl.len()).collect().item()
        step = max(1, min(rows, height * _CHUNK_BYTES // (8 * path.stat().st_size)))
    for first in range(0, max(height, 1), step):
        with reading_parquet(name):
            frame = scan.slice(first, step).collect()
        yield numbered(frame, first=first + 1)
