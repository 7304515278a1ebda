"""Several files of one table, read one after another as if they were one."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from .errors import InputError
from .input_files import fetch_files, find_files, is_url
from .json_table import Kinds
from .raw_table import FileLines
from .source import format_of
from .stream_bytes import ByteStream
from .stream_rows import Pieces, RowStream, add_kinds, open_rows
from .stream_text import TextStream

_MOST_NOTES = 3

Named = tuple[str, Path]
"""What a file is called in messages, and where it is."""


@contextmanager
def open_input(source: str | Path, *, rows: int, spool: bool = False) -> Iterator[RowStream]:
    """Open an input of one file or several; see `open_rows`.

    Raises
    ------
    InputError
        As `open_rows` does; and if there is no file, or a later one turns out to have other columns.
    ConfigError
        If a package for a URL is missing.
    """
    if is_url(source):
        with TemporaryDirectory(prefix="labeler-") as folder:
            yield _series(str(source), fetch_files(str(source), Path(folder)), rows)
    elif found := find_files(source):
        yield _series(str(source), [(str(file), file) for file in found], rows)
    else:
        with open_rows(source, rows=rows, spool=spool) as stream:
            yield stream


def _series(name: str, files: Sequence[Named], rows: int) -> RowStream:
    lines, remarks = FileLines(), list[str]()
    read = partial(_pieces, files, rows, _all_kinds(files), lines, remarks)
    return RowStream(name, read, digest=partial(_digest, files), files=lines, remarks=remarks)


def _all_kinds(files: Sequence[Named]) -> Kinds:
    """Find the columns of all files of JSON Lines: an object need not have all of them, so neither need a file."""
    kinds: Kinds = {}
    for name, path in files:
        if format_of(path) == "jsonl":
            with closing(ByteStream(path, name=name)) as data:
                add_kinds(kinds, TextStream(data))
    return kinds


def _pieces(files: Sequence[Named], rows: int, kinds: Kinds, lines: FileLines, remarks: list[str]) -> Pieces:
    """Read file after file, of which only one is open; what is noted of them is noted once."""
    schema: pl.Schema | None = None
    end = 0
    for name, path in files:
        lines.starts[name] = start = end
        with open_rows(path, rows=rows, name=name, kinds=kinds) as stream:
            for piece in stream.read():
                if piece is None:
                    continue
                schema = schema or piece.frame.schema
                table = piece.moved(start)
                end = max(end, *(int(part.max() or 0) for part in (table.lines, table.rejected["line"])))  # type: ignore[arg-type]
                yield replace(table, frame=_alike(table.frame, schema, name, files[0][0]))
            new = [note for note in stream.notes if note not in remarks]
            remarks.extend(new[: max(_MOST_NOTES - len(remarks), 0)])


def _alike(frame: pl.DataFrame, schema: pl.Schema, name: str, first: str) -> pl.DataFrame:
    """Put the columns in the order of the first file, if they are the same.

    Raises
    ------
    InputError
        If they are not; it names both files.
    """
    hint = "Files that are read together need the same columns of the same types."
    if other := sorted(set(frame.columns) ^ set(schema)):
        has, lacks = (name, first) if other[0] in frame.columns else (first, name)
        raise InputError(f"{has} has a column '{other[0]}' that {lacks} does not have.", hint=hint)
    for column, kind in schema.items():
        if frame.schema[column] != kind:
            raise InputError(
                f"Column '{column}' holds {kind} in {first}, but {frame.schema[column]} in {name}.", hint=hint
            )
    return frame.select(schema.names())


def _digest(files: Sequence[Named]) -> str:
    digest = hashlib.blake2b(digest_size=20)
    for name, path in files:
        with closing(ByteStream(path, name=name)) as data:
            digest.update(data.digest().encode())
    return f"blake2b:{digest.hexdigest()}"
