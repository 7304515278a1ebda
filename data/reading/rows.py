"""An input of any format as `RawTable` after `RawTable`, all with the same columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol, TypeVar

import polars as pl

from ..types.raw_table import FileLines, RawTable, concat_tables, numbered
from .files.format_detection import DETECT, ReadOptions, text_kind
from .files.input_file import READ_BYTES, InputFile, InputText, open_text
from .files.problems import reading_parquet
from .formats.csv_layout import CsvLayout, csv_layout
from .formats.csv_rows import CsvParser
from .formats.json_records import JsonlParser, Kinds, kinds_of, parse_json_array, parse_json_document, to_table
from .formats.txt_lines import TxtParser
from .formats.workbook import parse_workbook

_CHUNK_BYTES = 1 << 25
_Parsed_co = TypeVar("_Parsed_co", covariant=True)


class _Parse(Protocol[_Parsed_co]):
    def __call__(self, data: bytes, *, final: bool) -> tuple[_Parsed_co, bytes]: ...


@dataclass(frozen=True, eq=False)
class InputRows:
    """The rows of an input, which can be read as often as needed.

    Parameters
    ----------
    name : str
        Path as given, or ``<stdin>``; used in messages.
    read : callable
        Reads it from the start; gives at least one table.
    digest : callable
        Returns ``blake2b:`` and the hex digest of its bytes.
    notes : list[str]
        Notes for the user; reading may add some.
    files : FileLines
        Where lines are, if it is several files.
    """

    name: str
    read: Callable[[], Iterator[RawTable]]
    digest: Callable[[], str]
    notes: list[str] = field(default_factory=list)
    files: FileLines = field(default_factory=FileLines)


def open_rows(file: InputFile, *, rows: int, kinds: Kinds | None = None, options: ReadOptions = DETECT) -> InputRows:
    """Look at a file as rows.

    Parameters
    ----------
    file : InputFile
    rows : int
        How many rows of a Parquet file are read at once.
    kinds : Kinds, optional
        The columns of JSON Lines and what they hold, where that is known already.
    options : ReadOptions

    Raises
    ------
    InputError
        If it cannot be read, unless what is wrong shows only later.
    """
    if file.kind == "parquet":
        return InputRows(file.name, partial(_read_parquet, file, rows), file.digest)
    if file.kind == "xlsx":
        return _held(file, *parse_workbook(b"".join(file.chunks()), file.name))
    text = open_text(file, options.encoding)
    kind = text_kind(text.head, file.kind)
    if kind == "array":
        return _held(file, parse_json_array(b"".join(text.chunks()), file.name), text.notes)
    if kind == "document":
        table, notes = parse_json_document(b"".join(text.chunks()), file.name)
        return _held(file, table, (*text.notes, *notes))
    if kind == "jsonl":
        known = add_kinds({}, text) if kinds is None else kinds
        read: Callable[[], Iterator[RawTable]] = partial(_read_jsonl, text, known)
    elif kind == "txt":
        read = partial(_read_txt, text)
    else:
        read = partial(_read_csv, text, csv_layout(text.head, kind, options.delimiter))
    return InputRows(file.name, read, file.digest, [*text.notes])


def _held(file: InputFile, table: RawTable, notes: Iterable[str]) -> InputRows:
    return InputRows(file.name, lambda: iter([table]), file.digest, [*notes])


def rechunk(tables: Iterable[RawTable], rows: int) -> Iterator[RawTable]:
    """Join and split tables so that they have `rows` rows: fewer at the end, and where rows are huge."""
    held: list[RawTable] = []
    for each in tables:
        held.append(each)
        ready = sum(map(len, held))
        full = sum(table.frame.estimated_size() for table in held) > _CHUNK_BYTES
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


def add_kinds(kinds: Kinds, text: InputText) -> Kinds:
    """Add the columns of a file of JSON Lines, and what they hold."""
    for records in _parse_chunks(text.chunks(), JsonlParser().parse):
        for name, found in kinds_of(records).items():
            kinds.setdefault(name, set()).update(found)
    return kinds


def _parse_chunks(chunks: Iterable[bytes], parse: _Parse[_Parsed_co]) -> Iterator[_Parsed_co]:
    """Parse what has been read after each chunk of bytes."""
    parts: list[bytes] = []
    size = enough = 0
    for chunk in chunks:
        parts.append(chunk)
        size += len(chunk)
        if size < enough:
            continue
        parsed, rest = parse(b"".join(parts), final=False)
        yield parsed
        parts, size = [rest], len(rest)
        # A row longer than a chunk is not looked through again for every chunk of it.
        enough = 2 * size if size >= READ_BYTES else 0
    yield parse(b"".join(parts), final=True)[0]


def _read_csv(text: InputText, layout: CsvLayout) -> Iterator[RawTable]:
    chunks = text.chunks()
    if b"\n" not in text.head and not any(b"\n" in chunk for chunk in text.chunks()):
        chunks = (chunk.replace(b"\r", b"\n") for chunk in chunks)
    return _parse_chunks(layout.plain(chunks), CsvParser(layout.delimiter, layout.above).parse)


def _read_txt(text: InputText) -> Iterator[RawTable]:
    return _parse_chunks(text.chunks(), TxtParser().parse)


def _read_jsonl(text: InputText, kinds: Kinds) -> Iterator[RawTable]:
    return (to_table(records, kinds) for records in _parse_chunks(text.chunks(), JsonlParser().parse))


def _read_parquet(file: InputFile, rows: int) -> Iterator[RawTable]:
    """Read slices of a Parquet file; Polars holds the compressed bytes of one of its row groups at a time."""
    with reading_parquet(file.name):
        scan = pl.scan_parquet(file.path.absolute(), glob=False, hive_partitioning=False)
        height = scan.select(pl.len()).collect().item()
        step = max(1, min(rows, height * _CHUNK_BYTES // (8 * file.path.stat().st_size)))
    for first in range(0, max(height, 1), step):
        with reading_parquet(file.name):
            frame = scan.slice(first, step).collect()
        yield numbered(frame, first=first + 1)
