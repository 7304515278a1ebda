"""Several files of one table, read one after another as if they were one."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from ..errors import InputError, quoted
from ..types.raw_table import FileLines, RawTable, concat_tables
from .files.byte_stream import ByteStream
from .files.format_detection import DETECT, ReadOptions, text_kind
from .files.locations import fetch_files, find_files, is_url
from .files.open_input import header_only, numbered
from .files.text_stream import TextStream
from .formats.json_records import Kinds
from .frames import TableSource, as_frame, frame_digest
from .rows import Pieces, RowStream, add_kinds, held_rows, open_rows

_MOST_NOTES = 3
_ALL = 1 << 62

Named = tuple[str, Path]
"""What a file is called in messages, and where it is."""


@dataclass(frozen=True, eq=False)
class Source:
    """An input that was read as a whole.

    Parameters
    ----------
    name : str
        Path as given, or ``<stdin>``; used in messages.
    digest : str
        ``blake2b:`` and the hex digest of its bytes.
    raw : RawTable
        Its columns and rejected rows.
    notes : tuple[str, ...]
        Things worth telling the user, such as an encoding other than UTF-8.
    """

    name: str
    digest: str
    raw: RawTable
    notes: tuple[str, ...] = ()


def read_source(source: TableSource, options: ReadOptions = DETECT) -> Source:
    """Read an input as a whole; see `open_input`.

    Raises
    ------
    InputError
        As `open_input` does, and if there are no rows.
    """
    with open_input(source, rows=_ALL, spool=True, options=options) as stream:
        raw = concat_tables([piece for piece in stream.read() if piece is not None])
        if not len(raw):
            raise header_only(stream.name, raw)
        return Source(stream.name, stream.digest(), raw, stream.notes)


@contextmanager
def open_input(
    source: TableSource, *, rows: int, spool: bool = False, options: ReadOptions = DETECT
) -> Iterator[RowStream]:
    """Open an input: one file or several (see `open_rows`), or a table in memory (see `as_frame`).

    Raises
    ------
    InputError
        As `open_rows` and `as_frame` do; and if there is no file, or a column has types that do not go together.
    ConfigError
        If a package for a URL is missing.
    """
    if table := as_frame(source):
        name, frame = table
        yield held_rows(name, numbered(frame), digest=partial(frame_digest, frame))
    elif is_url(source):
        with TemporaryDirectory(prefix="labeler-") as folder:
            yield _series(str(source), fetch_files(str(source), Path(folder)), rows, options)
    elif found := find_files(source):
        yield _series(str(source), [(str(file), file) for file in found], rows, options)
    else:
        with open_rows(source, rows=rows, spool=spool, options=options) as stream:
            yield stream


def _series(name: str, files: Sequence[Named], rows: int, options: ReadOptions) -> RowStream:
    files = [file for file in files if file[1].stat().st_size] or files  # an empty file has no columns
    kinds = _all_kinds(files, options)
    schema, remarks = _common_schema(files, kinds, options)
    lines = FileLines()
    read = partial(_pieces, files, rows, kinds, schema, lines, remarks, options)
    return RowStream(name, read, digest=partial(_digest, files), files=lines, remarks=remarks)


def _all_kinds(files: Sequence[Named], options: ReadOptions) -> Kinds:
    """Find the columns of all files of JSON Lines: an object need not have all of them, so neither need a file."""
    kinds: Kinds = {}
    for name, path in files:
        with closing(ByteStream(path, name=name)) as data:
            if data.kind in ("parquet", "xlsx"):
                continue
            text = TextStream(data, options.encoding)
            if text_kind(text.head, data.kind) == "jsonl":
                add_kinds(kinds, text)
    return kinds


def _common_schema(files: Sequence[Named], kinds: Kinds, options: ReadOptions) -> tuple[pl.Schema, list[str]]:
    """Find the columns of all files together, and what to say of files that lack some.

    Raises
    ------
    InputError
        If a column holds types that do not go together; it names both files.
    """
    common: dict[str, pl.DataType] = {}
    source: dict[str, str] = {}
    columns: dict[str, list[str]] = {}
    for name, path in files:
        with open_rows(path, rows=1, name=name, kinds=kinds, options=options) as stream:
            schema = next(piece for piece in stream.read() if piece is not None).frame.schema
        columns[name] = schema.names()
        for column, kind in schema.items():
            source.setdefault(column, name)
            both = _both(common.setdefault(column, kind), kind)
            if both is None:
                raise InputError(
                    f"Column '{column}' holds {common[column]} in {source[column]}, but {kind} in {name}.",
                    hint="Files that are read together need columns of types that go together.",
                )
            common[column] = both
    remarks = [
        f"{name} has no column {quoted(column for column in common if column not in own)}, which {source[lacking]} has."
        for name, own in columns.items()
        if (lacking := next((column for column in common if column not in own), None))
    ]
    return pl.Schema(common), remarks[:_MOST_NOTES]


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


def _pieces(
    files: Sequence[Named],
    rows: int,
    kinds: Kinds,
    schema: pl.Schema,
    lines: FileLines,
    remarks: list[str],
    options: ReadOptions,
) -> Pieces:
    """Read file after file, of which only one is open; what is noted of them is noted once."""
    end = 0
    for name, path in files:
        lines.starts[name] = start = end
        with open_rows(path, rows=rows, name=name, kinds=kinds, options=options) as stream:
            for piece in stream.read():
                if piece is None:
                    continue
                table = piece.moved(start)
                end = max(end, *(int(part.max() or 0) for part in (table.lines, table.rejected["line"])))  # type: ignore[arg-type]
                yield replace(table, frame=_with_columns(table.frame, schema))
            new = [note for note in stream.notes if note not in remarks]
            remarks.extend(new[: max(_MOST_NOTES - len(remarks), 0)])


def _with_columns(frame: pl.DataFrame, schema: pl.Schema) -> pl.DataFrame:
    """Bring a file's rows to the columns and types of all files."""
    columns = [
        frame[name].cast(kind) if name in frame.columns else pl.repeat(None, len(frame), dtype=kind, eager=True)
        for name, kind in schema.items()
    ]
    return pl.DataFrame([column.alias(name) for name, column in zip(schema, columns, strict=True)])


def _digest(files: Sequence[Named]) -> str:
    digest = hashlib.blake2b(digest_size=20)
    for name, path in files:
        with closing(ByteStream(path, name=name)) as data:
            digest.update(data.digest().encode())
    return f"blake2b:{digest.hexdigest()}"
