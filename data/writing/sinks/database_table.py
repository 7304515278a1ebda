"""The table predictions go to: made when missing, checked when there, filled by upserts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import polars as pl

from ...errors import InputError, quoted
from ...text.plain_values import as_text
from .values import is_predicted, round_scores

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine, Table
    from sqlalchemy.types import TypeEngine

    from .address import Address

_ROWS = 1000
"""Rows that are turned into Python values, and ids that are asked for, at a time."""

_POSTGRES_NAME = 63


def find_table(engine: Engine, address: Address, id_column: str) -> Table | None:
    """Read how the table looks now.

    Returns
    -------
    sqlalchemy.Table or None
        None if there is none.

    Raises
    ------
    InputError
        If it has no column `id_column`, or one that may hold an id twice.
    """
    import warnings

    import sqlalchemy as sa

    if not sa.inspect(engine).has_table(address.table, schema=address.schema):
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sa.exc.SAWarning)  # column types that are not known are left to the driver
        table = sa.Table(
            address.table,
            sa.MetaData(),
            schema=address.schema,
            autoload_with=engine,
            resolve_fks=False,
            listeners=[("column_reflect", _quote_always)],
        )
    if id_column not in table.columns:
        raise InputError(
            f"{address} has no column '{id_column}'. Columns found: {quoted(table.columns.keys())}.",
            hint="Choose another --table; a new one is made.",
        )
    keys = (item for item in table.constraints if isinstance(item, sa.PrimaryKeyConstraint | sa.UniqueConstraint))
    unique: list[Sequence[object]] = [list(key.columns) for key in keys]
    unique += [index.expressions for index in table.indexes if index.unique]
    if not any(len(key) == 1 and key[0] is table.columns[id_column] for key in unique):
        quote = engine.dialect.identifier_preparer.quote_identifier
        index = f"{quote(f'{address.table}_{id_column}')} ON {_table_name(engine, table)}"
        raise InputError(
            f"Column '{id_column}' of {address} may hold an id twice, so rows cannot be updated by it.",
            hint=f"Choose another --table, or make it unique: CREATE UNIQUE INDEX {index} ({quote(id_column)});",
        )
    return table


def make_table(engine: Engine, address: Address, schema: Mapping[str, pl.DataType], id_column: str) -> None:
    """Create the table; lists and structs become JSON text, and the id is text whatever it was.

    Raises
    ------
    InputError
        If a column's name is too long for the database.
    """
    import sqlalchemy as sa

    if engine.dialect.name == "postgresql":  # it would cut them without an error
        long = [name for name in (*schema, address.table) if len(name.encode()) > _POSTGRES_NAME]
        if long:
            raise InputError(
                f"PostgreSQL takes names of up to {_POSTGRES_NAME} bytes, but these are longer: {quoted(long)}.",
                hint="Rename the columns or classes.",
            )
    columns = [
        sa.Column(name, _id_type(), primary_key=True, quote=True)
        if name == id_column
        else sa.Column(name, _type(kind), quote=True)
        for name, kind in schema.items()
    ]
    sa.Table(address.table, sa.MetaData(), *columns, schema=address.schema).create(engine, checkfirst=True)


def check_columns(engine: Engine, table: Table, address: Address, schema: Mapping[str, pl.DataType]) -> None:
    """Make sure that the table has all columns of the rows.

    Raises
    ------
    InputError
        If not. The table is not altered here, but where only predicted columns are missing the hint shows how.
    """
    missing = [name for name in schema if name not in table.columns]
    if not missing:
        return
    hint = "Choose another --table; a new one is made."
    if all(is_predicted(name) for name in missing):
        quote = engine.dialect.identifier_preparer.quote_identifier
        hint = "Choose another --table, or add them: " + " ".join(
            f"ALTER TABLE {_table_name(engine, table)} ADD COLUMN {quote(name)} "
            f"{_type(schema[name]).compile(engine.dialect)};"
            for name in missing
        )
    raise InputError(f"{address} lacks columns: {quoted(missing)}.", hint=hint)


def stored_rows(connection: Connection, table: Table, columns: Sequence[str], ids: pl.Series) -> pl.DataFrame:
    """Read columns, of which the first is that of the ids, of the rows with these `ids` that have a label, as text."""
    import sqlalchemy as sa
    from sqlalchemy.dialects import postgresql

    column = table.columns[columns[0]]
    found: list[tuple[str | None, ...]] = []
    for start in range(0, len(ids), _ROWS):
        some = ids.slice(start, _ROWS).to_list()
        asked: sa.ColumnElement[bool] = column.in_(some)
        if connection.dialect.name == "postgresql":  # three times as fast as a thousand parameters
            asked = column == sa.func.any(sa.bindparam("ids", some, type_=postgresql.ARRAY(column.type)))
        query = sa.select(*(table.columns[name] for name in columns))
        rows = connection.execute(query.where(asked, table.columns["label"].is_not(None)))
        found.extend(tuple(None if value is None else str(value) for value in row) for row in rows)
    return pl.DataFrame(found, schema=dict.fromkeys(columns, pl.String), orient="row")


def upsert(connection: Connection, table: Table, id_column: str, chunk: pl.DataFrame) -> None:
    """Insert rows, or update those whose ids are there."""
    import sqlalchemy as sa
    from sqlalchemy.dialects import postgresql, sqlite

    # Parameters are numbered, so that names of columns need no escaping there.
    keys = {name: f"c{position}" for position, name in enumerate(chunk.columns)}
    values = {name: sa.bindparam(key, type_=table.columns[name].type) for name, key in keys.items()}
    statements: list[Any]
    if connection.dialect.name in ("postgresql", "sqlite"):
        make = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
        insert = make(table).values(values)
        updates = {name: insert.excluded[name] for name in keys if name != id_column}
        statements = [insert.on_conflict_do_update(index_elements=[table.columns[id_column]], set_=updates)]
    else:
        same = table.columns[id_column] == sa.bindparam(keys[id_column])
        statements = [sa.delete(table).where(same), sa.insert(table).values(values)]
    chunk = round_scores(chunk)
    for some in chunk.iter_slices(_ROWS):
        columns = [_python_values(some[name], table.columns[name].type) for name in keys]
        rows = [dict(zip(keys.values(), row, strict=True)) for row in zip(*columns, strict=True)]
        for statement in statements:
            connection.execute(statement, rows)


def _quote_always(inspector: object, table: object, column: dict[str, Any]) -> None:
    """Quote a column's name in all statements: the lists of words that need it are not complete."""
    from sqlalchemy import quoted_name

    column["name"] = quoted_name(column["name"], quote=True)


def _table_name(engine: Engine, table: Table) -> str:
    return engine.dialect.identifier_preparer.format_table(table)


def _type(kind: pl.DataType) -> TypeEngine[Any]:
    """Type of a new column; whatever databases disagree about is text."""
    import sqlalchemy as sa

    if kind == pl.Boolean:
        return sa.Boolean()
    if kind.is_integer() and kind not in (pl.UInt64, pl.Int128, pl.UInt128):  # these do not fit
        return sa.BigInteger()
    if kind == pl.Float32:
        return sa.REAL()
    if kind.is_float():
        return sa.Double()
    if kind == pl.Date:
        return sa.Date()
    if isinstance(kind, pl.Datetime):
        return sa.DateTime(timezone=kind.time_zone is not None)
    return sa.Text()


def _id_type() -> TypeEngine[Any]:
    import sqlalchemy as sa

    # MySQL takes no TEXT as a key, and would take 'a' and 'A' for one id.
    return sa.Text().with_variant(sa.String(255, collation="utf8mb4_bin"), "mysql", "mariadb")


def _python_values(column: pl.Series, kind: TypeEngine[Any]) -> list[Any]:
    import sqlalchemy as sa

    nested = column.dtype.is_nested()
    if isinstance(kind, sa.String) or (nested and not isinstance(kind, sa.JSON)):
        return as_text(column).to_list()
    return column.to_list()
