"""An input of any format as `RawTable` after `RawTable`, all with the same columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial

import polars as pl

from ..types.raw_table import FileLines, RawTable, concat_tables, numbered
from .files.format_detection import DETECT, ReadOptions, text_kind
from .files.input_file import InputFile, open_text
from .files.problems import reading_parquet
from .formats.csv_layout import csv_layout
from .formats.json_records import Kinds, kinds_of, parse_json_array, parse_json_document, parse_jsonl, read_objects
from .formats.txt_lines import parse_txt
from .formats.workbook import parse_workbook

_CHUNK_BYTES = 1 << 25


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
    notes : tuple of str
        Notes for the user.
    files : FileLines
        Where lines are, if it is several files.
    """

    name: str
    read: Callable[[], Iterator[RawTable]]
    digest: Callable[[], str]
    notes: tuple[str, ...] = ()
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
        return _held(file, parse_json_array(b"".join(text), file.name), text.notes)
    if kind == "document":
        if found := parse_json_document(b"".join(text), file.name):
            return _held(file, found[0], (*text.notes, *found[1]))
        kind = "jsonl"
    if kind == "jsonl":
        known = kinds_of(read_objects(text)) if kinds is None else kinds
        read: Callable[[], Iterator[RawTable]] = partial(parse_jsonl, text, known)
    elif kind == "txt":
        read = partial(parse_txt, text)
    else:
        read = partial(csv_layout(text.head, kind, options.delimiter).parse, text)
    return InputRows(file.name, read, file.digest, text.notes)


def _held(file: InputFile, table: RawTable, notes: tuple[str, ...]) -> InputRows:
    return InputRows(file.name, lambda: iter([table]), file.digest, notes)


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
