"""Predictions in a file: rows it has are kept, new ones are appended, and it is replaced whole at the end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt
import polars as pl

from ...errors import ConfigError, InputError, quoted
from ...progress import status
from ...reading.ids import KeyTable, id_keys, normal_ids
from ...reading.text_columns import TextColumns
from ..atomic import atomic_path, remove_leftovers_of
from .existing import read_columns, read_schema
from .formats import FileFormat, TextKind, encode
from .journal import Journal, open_journal
from .sink import Written
from .values import Schema, arrange, fit

_COPY_BYTES = 1 << 20
_PREDICTED = ("label", "confidence")
_HINT = "Predict all rows anew with --force, or choose another --output."


@dataclass(eq=False)
class FileSink:
    """A file and the journal of rows that will be appended to it; make one with `open_file`.

    Parameters
    ----------
    path : Path
        The file.
    form : FileFormat
        Its format.
    journal : Journal
        Rows of this run and of an interrupted one.
    id_column : str
        Column of ids.
    text : TextColumns or None
        Where the texts are, if they are compared.
    kept : bool
        Whether rows of the old file are kept.
    schema : dict
        Columns of the rows stored already; empty when there are none.
    ids : KeyTable
        Ids of the rows stored already.
    reviews : KeyTable
        Their ids and texts.
    """

    path: Path
    form: FileFormat
    journal: Journal
    id_column: str
    text: TextColumns | None
    kept: bool
    schema: Schema = field(default_factory=dict)
    ids: KeyTable = field(default_factory=KeyTable)
    reviews: KeyTable = field(default_factory=KeyTable)
    _new: int = 0
    _before: int = 0

    def known(self, ids: pl.Series) -> pl.Series:
        """Return which rows are in the file or the journal; see `Sink.known`."""
        found = pl.Series(ids.name, self.ids.has(id_keys(ids)))
        self._before += int(found.sum())
        return found

    def holds(self, ids: pl.Series, texts: pl.Series) -> tuple[pl.Series, pl.Series]:
        """Compare with the rows in the file and the journal; see `Sink.holds`."""
        there = pl.Series(self.ids.has(id_keys(ids)))
        if self.text is None or self.text.columns(self.schema) is None:
            return there, there & False
        same = pl.Series(self.reviews.has(_review_keys(ids, texts)))
        return same, there & ~same

    def learn(self, rows: pl.DataFrame) -> None:
        """Remember rows that are stored."""
        self.ids.add(id_keys(rows[self.id_column]))
        if self.text is not None and self.text.columns(rows.columns):
            self.reviews.add(_review_keys(rows[self.id_column], self.text.of(rows)))

    def compared(self, schema: Schema) -> list[str]:
        """Name the columns by which rows are compared, of those in a file or chunk."""
        texts = (self.text and self.text.columns(schema)) or []
        return list(dict.fromkeys([self.id_column, *texts]))

    def write(self, chunk: pl.DataFrame) -> None:
        """Put a chunk into the journal; see `Sink.write`."""
        if not self.schema:
            self.schema = {name: pl.String() if kind == pl.Null else kind for name, kind in chunk.schema.items()}
        elif not len(chunk):
            return
        chunk = arrange(chunk, self.schema, place=str(self.path), hint=_HINT)
        if self.form.kind == "parquet":
            chunk = fit(chunk, self.schema, place=str(self.path), hint=_HINT)
        self.journal.append(chunk)
        self.learn(chunk)
        self._new += len(chunk)

    def finish(self) -> Written:
        """Write the old rows and the journal into a new file that replaces the old one; see `Sink.finish`."""
        if self.journal.chunks:
            with atomic_path(self.path) as target:
                if self.form.kind == "parquet":
                    self._merge_parquet(target)
                else:
                    self._merge_text(target, self.form.kind)
            self.journal.clear()
        return Written(self._new, self._before, str(self.path))

    def _merge_parquet(self, target: Path) -> None:
        files = [self.path, *self.journal.chunks] if self.kept else self.journal.chunks
        tables = [pl.scan_parquet(path, glob=False) for path in files]
        pl.concat(tables, how="vertical_relaxed").sink_parquet(target)

    def _merge_text(self, target: Path, kind: TextKind) -> None:
        with target.open("wb") as file, self.form.compressing(file) as out:
            if self.kept:
                with self.form.open(self.path) as old:
                    _copy_lines(old, out)
            for number, chunk in enumerate(self.journal.chunks):
                rows = pl.read_parquet(chunk, glob=False)
                out.write(encode(rows, kind, header=not self.kept and number == 0))


@contextmanager
def open_file(path: Path, *, id_column: str, text: TextColumns | None, key: str, force: bool) -> Iterator[FileSink]:
    """Open a file for predictions; what an interrupted run with the same `key` wrote counts as stored.

    Parameters
    ----------
    path : Path
        The file; need not exist.
    id_column : str
        Column of ids.
    text : TextColumns or None
        Where the texts are, if they are compared.
    key : str
        Digest of the model and settings the predictions come from.
    force : bool
        Replace the file, if it is one of predictions: none of its rows is kept or known.

    Raises
    ------
    ConfigError
        If the ending is unknown, or `path` cannot be a file.
    InputError
        If the file exists and cannot be read.
    RunError
        If another process writes it, or its folder cannot be written to.
    """
    form = FileFormat.of(path)
    path = _checked(path)
    with open_journal(path) as journal:
        remove_leftovers_of(path)
        schema = _kept_columns(path, form, id_column, force=force)
        sink = FileSink(path, form, journal, id_column, text, kept=bool(schema), schema=schema)
        for rows in read_columns(path, form, sink.compared(schema)) if sink.kept else ():
            sink.learn(rows)
        journal.start({"key": key, "id": id_column, "anew": force}, name=path.name)
        _resume(sink)
        yield sink


def _checked(path: Path) -> Path:
    """Follow links, so that a link stays one, and refuse what is no file."""
    real = path.resolve()
    if real.exists() and not real.is_file():
        raise ConfigError(f"{path} is a folder or a device, not a file.", hint="Name a file with --output.")
    if not real.parent.is_dir():
        raise ConfigError(f"There is no folder {path.parent}.", hint="Make it, or choose another --output.")
    return real


def _kept_columns(path: Path, form: FileFormat, id_column: str, *, force: bool) -> Schema:
    """Read the columns of a file whose rows are kept; empty if there is none.

    A table that holds something else is refused; with force one that cannot be read may be replaced.
    """
    try:
        schema = read_schema(path, form) if path.exists() else {}
    except InputError:
        if not force:
            raise
        return {}
    _require(path, schema, _PREDICTED, "Choose another --output: only a file of predictions is replaced.")
    if force:
        return {}
    _require(path, schema, (id_column,), _HINT)
    return schema


def _require(path: Path, schema: Schema, names: tuple[str, ...], hint: str) -> None:
    lacking = [name for name in names if schema and name not in schema]
    if lacking:
        raise InputError(f"{path} exists, but holds no predictions: it has no column {quoted(lacking)}.", hint=hint)


def _resume(sink: FileSink) -> None:
    """Take over the rows of an interrupted run, but for chunks that are in the file already or do not fit it."""
    rows = 0
    for chunk in sink.journal.chunks:
        schema, stored = _look_into(chunk, sink)
        sink.schema = sink.schema or schema
        fits = bool(schema) and schema.keys() == sink.schema.keys()
        # A run killed between replacing the file and removing the chunks leaves chunks that are in it.
        if fits and not sink.ids.has(id_keys(stored[sink.id_column])).any():
            sink.learn(stored)
            rows += len(stored)
            continue
        chunk.unlink()
        if not fits:
            status(f"{sink.path.name}: {len(stored):,} rows of an interrupted run are dropped, their columns differ")
    if rows:
        status(f"{sink.path.name}: going on after {rows:,} rows of an interrupted run")


def _look_into(chunk: Path, sink: FileSink) -> tuple[Schema, pl.DataFrame]:
    """Read columns, ids and texts of a chunk; none if it is damaged."""
    try:
        table = pl.scan_parquet(chunk, glob=False)
        schema = dict(table.collect_schema())
        return schema, table.select(sink.compared(schema)).collect()
    except (OSError, pl.exceptions.PolarsError):
        return {}, pl.DataFrame(schema={sink.id_column: pl.String})


def _review_keys(ids: pl.Series, texts: pl.Series) -> npt.NDArray[np.uint64]:
    """Return keys of ids together with texts."""
    return id_keys(normal_ids(ids) + "\0" + texts.fill_null(""))


def _copy_lines(source: IO[bytes], target: IO[bytes]) -> None:
    """Copy all bytes, and end the last line if it has no end."""
    last = b"\n"
    while chunk := source.read(_COPY_BYTES):
        target.write(chunk)
        last = chunk[-1:]
    if last != b"\n":
        target.write(b"\n")
