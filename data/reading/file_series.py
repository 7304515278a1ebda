"""An input of any kind as rows: a table in memory, one file, or several files that are one table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from hashlib import blake2b
from itertools import chain

import polars as pl

from ..errors import InputError, quoted
from ..types.raw_table import FileLines, RawTable, numbered
from .files.format_detection import DETECT, ReadOptions, text_kind
from .files.input_file import InputFile, open_file, open_text
from .files.locations import fetch_files, find_files, is_url
from .formats.json_records import Kinds, kinds_of, read_objects
from .frames import TableSource, as_frame, frame_digest
from .rows import InputRows, open_rows

_MAX_NOTES = 3
_ALL = 1 << 62


@contextmanager
def open_input(source: TableSource, *, rows: int = _ALL, options: ReadOptions = DETECT) -> Iterator[InputRows]:
    """Open an input: a file or pipe, several files, or a table in memory (see `as_frame`).

    Parameters
    ----------
    source : str, Path or table in memory
    rows : int
        How many rows of a Parquet file are read at once.
    options : ReadOptions

    Raises
    ------
    InputError
        As `open_file`, `open_rows` and `as_frame` do; and if there is no file, or a column has types that do not go
        together.
    ConfigError
        If a package for a URL is missing.
    """
    with ExitStack() as stack:
        if table := as_frame(source):
            name, frame = table
            yield InputRows(name, lambda: iter([numbered(frame)]), partial(frame_digest, frame))
        elif is_url(source):
            copies = [open_file(copy, stack, name=name) for name, copy in fetch_files(source, stack)]
            yield _series(source, copies, rows, options)
        elif found := find_files(source):
            files = [file for file in found if file.stat().st_size] or found  # an empty file has no columns
            yield _series(str(source), [open_file(file, stack) for file in files], rows, options)
        else:
            yield open_rows(open_file(source, stack), rows=rows, options=options)


def _series(name: str, files: Sequence[InputFile], rows: int, options: ReadOptions) -> InputRows:
    """Make one table of files that are read one after another; what is noted of them is noted once."""
    kinds = _all_kinds(files, options)
    schema, notes = _common_schema(files, kinds, options)
    lines = FileLines()

    def read() -> Iterator[RawTable]:
        end = 0
        for file in files:
            lines.starts[file.name] = start = end
            for each in open_rows(file, rows=rows, kinds=kinds, options=options).read():
                table = each.moved(start)
                end = max(end, *(int(column.max() or 0) for column in (table.lines, table.rejected["line"])))  # type: ignore[arg-type]
                yield replace(table, frame=_with_columns(table.frame, schema))

    def digest() -> str:
        return f"blake2b:{blake2b(''.join(file.digest() for file in files).encode(), digest_size=20).hexdigest()}"

    return InputRows(name, read, digest, notes, lines)


def _all_kinds(files: Sequence[InputFile], options: ReadOptions) -> Kinds:
    """Find the columns of all files of JSON Lines: an object need not have all of them, so neither need a file."""
    texts = [open_text(file, options.encoding) for file in files if file.kind not in ("parquet", "xlsx")]
    lines = [text for text in texts if text_kind(text.head, text.file.kind) == "jsonl"]
    return kinds_of(chain.from_iterable(map(read_objects, lines)))


def _common_schema(files: Sequence[InputFile], kinds: Kinds, options: ReadOptions) -> tuple[pl.Schema, tuple[str, ...]]:
    """Find the columns of all files together, and the first notes: on files that lack some, and on each file.

    Raises
    ------
    InputError
        If a column holds types that do not go together; it names both files.
    """
    common: dict[str, pl.DataType] = {}
    source: dict[str, str] = {}
    columns: dict[str, list[str]] = {}
    found: list[str] = []
    for file in files:
        opened = open_rows(file, rows=1, kinds=kinds, options=options)
        found += opened.notes
        schema = next(opened.read()).frame.schema
        columns[file.name] = schema.names()
        for column, kind in schema.items():
            source.setdefault(column, file.name)
            both = _both(common.setdefault(column, kind), kind)
            if both is None:
                raise InputError(
                    f"Column '{column}' holds {common[column]} in {source[column]}, but {kind} in {file.name}.",
                    hint="Files that are read together need columns of types that go together.",
                )
            common[column] = both
    lacks = [
        f"{name} has no column {quoted(column for column in common if column not in own)}, which {source[lacking]} has."
        for name, own in columns.items()
        if (lacking := next((column for column in common if column not in own), None))
    ]
    return pl.Schema(common), (*lacks, *found)[:_MAX_NOTES]


def _both(one: pl.DataType, other: pl.DataType) -> pl.DataType | None:
    """Find a type for the values of both; None if there is none."""
    if one == other or other == pl.Null:
        return one
    if one == pl.Null:
        return other
    if one.is_nested() or other.is_nested() or pl.Binary in (one, other):
        return None
    if one.is_numeric() and other.is_numeric():
        return pl.Int64() if one.is_integer() and other.is_integer() else pl.Float64()
    return pl.String()


def _with_columns(frame: pl.DataFrame, schema: pl.Schema) -> pl.DataFrame:
    """Bring a file's rows to the columns and types of all files."""
    columns = [
        frame[name].cast(kind) if name in frame.columns else pl.repeat(None, len(frame), dtype=kind, eager=True)
        for name, kind in schema.items()
    ]
    return pl.DataFrame([column.alias(name) for name, column in zip(schema, columns, strict=True)])
