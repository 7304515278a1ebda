"""Predictions in a database table, one transaction per chunk, so that a lost connection leaves whole chunks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import polars as pl

from ...errors import RunError
from ...progress import status
from ...reading.text_columns import TextColumns
from ...text.plain_values import as_text
from .address import Address, parse_address
from .database_table import check_columns, find_table, make_table, stored_rows, upsert
from .sink import Written
from .values import without_nul

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine, Table

_PAUSES = (0.5, 1.0, 2.0, 4.0)
_MAX_SECONDS = 10.0
T = TypeVar("T")


@dataclass(eq=False)
class DatabaseSink:
    """A table of a database; make one with `open_database`.

    Parameters
    ----------
    engine : sqlalchemy.Engine
        Its connections.
    address : Address
        Which table.
    id_column : str
        Column of ids.
    text : TextColumns or None
        Where the texts are, if they are compared.
    force : bool
        Whether stored rows are predicted again and updated.
    table : sqlalchemy.Table or None
        How the table looks; None until there is one.
    """

    engine: Engine
    address: Address
    id_column: str
    text: TextColumns | None
    force: bool
    table: Table | None
    _noted_nul: bool = False
    _new: int = 0
    _before: int = 0

    def known(self, ids: pl.Series) -> pl.Series:
        """Ask the table which rows have a label; see `Sink.known`."""
        wanted = without_nul(ids.cast(pl.String))
        known = wanted.is_in(self._stored(wanted)[self.id_column].implode()).alias(ids.name)
        self._before += int(known.sum())
        return known

    def holds(self, ids: pl.Series, texts: pl.Series) -> tuple[pl.Series, pl.Series]:
        """Ask the table for the texts of the rows that have a label; see `Sink.holds`."""
        columns = [] if self.table is None or self.text is None else self.text.columns(self.table.columns.keys()) or []
        wanted = without_nul(ids.cast(pl.String)).alias("id")
        found = self._stored(wanted, columns)
        there = wanted.is_in(found[self.id_column].implode())
        if self.text is None or not columns:
            return there, there & False
        stored = pl.DataFrame([found[self.id_column].alias("id"), self.text.of(found).alias("stored")])
        rows = pl.DataFrame([wanted, texts.alias("text")]).join(stored, on="id", how="left", maintain_order="left")
        same = (without_nul(rows["text"]) == rows["stored"]).fill_null(value=False)
        return there & same, there & ~same

    def _stored(self, ids: pl.Series, columns: Sequence[str] = ()) -> pl.DataFrame:
        """Read ids and other columns, as text, of the rows with these `ids` that have a label; with `force` of none."""
        table, names = self.table, [self.id_column, *columns]
        if self.force or table is None or "label" not in table.columns:
            return pl.DataFrame(schema=dict.fromkeys(names, pl.String))
        return self._do(lambda connection: stored_rows(connection, table, names, ids))

    def write(self, chunk: pl.DataFrame) -> None:
        """Insert or update a chunk in one transaction; see `Sink.write`."""
        chunk = self._clean(chunk)
        table = self._table_for(chunk)
        self._do(lambda connection: upsert(connection, table, self.id_column, chunk))
        self._new += len(chunk)

    def finish(self) -> Written:
        """Count the rows, which are all stored by now; see `Sink.finish`."""
        return Written(self._new, self._before, str(self.address))

    def _table_for(self, chunk: pl.DataFrame) -> Table:
        if self.table is None:
            with _explaining(self.address):
                make_table(self.engine, self.address, chunk.schema, self.id_column)
                self.table = find_table(self.engine, self.address, self.id_column)
        if self.table is None:
            raise RunError(f"{self.address} was made, but cannot be found.", hint="Check your rights in its schema.")
        check_columns(self.engine, self.table, self.address, chunk.schema)
        return self.table

    def _clean(self, chunk: pl.DataFrame) -> pl.DataFrame:
        """Remove NUL characters, which PostgreSQL refuses and at which others cut a text."""
        texts = [as_text(item) if item.dtype in (pl.Categorical, pl.Enum) else item for item in chunk]
        clean = [without_nul(item) for item in texts]
        if not self._noted_nul and any(after is not before for after, before in zip(clean, texts, strict=True)):
            self._noted_nul = True
            status("NUL characters are removed from texts, because databases do not take them")
        return pl.DataFrame(clean)

    def _do(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in a transaction; when the connection is lost, make another one and run it again."""
        from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError

        began, lost = time.monotonic(), False
        for pause in (*_PAUSES, None):
            try:
                with self.engine.begin() as connection:
                    return work(connection)
            except SQLAlchemyError as error:
                # First the driver notices that the connection is gone, then making a new one may fail, too.
                gone = isinstance(error, DBAPIError) and error.connection_invalidated
                lost = gone or (lost and isinstance(error, OperationalError))
                if not lost or pause is None or time.monotonic() - began + pause > _MAX_SECONDS:
                    raise self._failure(error, lost=lost) from error
            time.sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    def _failure(self, error: Exception, *, lost: bool) -> RunError:
        what = "The connection was lost" if lost else "The rows were refused"
        again = "Running again without --force continues there." if self.force else "Running again continues there."
        return RunError(
            f"{what}: {self.address.reason(error)}. {self._new:,} rows of this run are stored in {self.address}.",
            hint=again if lost else "Choose another --table; a new one is made with fitting columns.",
        )


@contextmanager
def open_database(
    url: str, table: str, *, id_column: str, text: TextColumns | None, force: bool
) -> Iterator[DatabaseSink]:
    """Open a table for predictions; it is made with the first chunk if there is none.

    Parameters
    ----------
    url : str
        As SQLAlchemy takes it; ``postgresql://`` connects with psycopg 3.
    table : str
        ``name`` or ``schema.name``.
    id_column : str
        Column of ids, the table's primary key when it is made here.
    text : TextColumns or None
        Where the texts are, if they are compared.
    force : bool
        Know no row, so that rows that are there are updated.

    Raises
    ------
    ConfigError
        If the URL cannot be understood or a package is missing.
    InputError
        If the table is there and has no unique column of ids.
    RunError
        If the database cannot be reached.
    """
    address = parse_address(url, table)
    engine = address.engine()
    try:
        with _explaining(address):
            found = find_table(engine, address, id_column)
        yield DatabaseSink(engine, address, id_column, text, force, found)
    finally:
        engine.dispose()


@contextmanager
def _explaining(address: Address) -> Iterator[None]:
    from sqlalchemy.exc import OperationalError, SQLAlchemyError

    try:
        yield
    except SQLAlchemyError as error:
        hint = "Check your rights, or choose another --table."
        if isinstance(error, OperationalError):
            hint = "Check host, database, user and password, and that the database is running."
        raise RunError(f"{address} cannot be used: {address.reason(error)}.", hint=hint) from error
