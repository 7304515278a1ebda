"""From what the user gave as ``--output`` to the sink for it."""

from __future__ import annotations

import re
from contextlib import AbstractContextManager
from pathlib import Path

from ...errors import ConfigError
from ...reading.text_columns import TextColumns
from .files import open_file
from .sink import Sink
from .stdout import open_stdout

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]+://")


def open_sink(
    output: str | Path | None,
    *,
    key: str,
    table: str | None = None,
    id_column: str = "id",
    text: TextColumns | None = None,
    force: bool = False,
) -> AbstractContextManager[Sink]:
    """Open a place for predictions. Rows written before an exception, or a kill, are kept, except on stdout.

    Parameters
    ----------
    output : str or Path, optional
        A file (see `labeler.data.writing.sinks.formats`), a database URL, or ``-`` or None for standard output.
    key : str
        Digest of the model and settings. Rows of an interrupted run with another key are not continued; rows of
        finished files and of tables are kept whatever model they come from.
    table : str, optional
        Table of the database, ``name`` or ``schema.name``; for URLs only.
    id_column : str
        Column of ids.
    text : TextColumns, optional
        Where the texts are, if `Sink.holds` is to compare them.
    force : bool
        Know no row: a file is replaced by the new rows alone, rows of a table are updated.

    Returns
    -------
    context manager of Sink

    Raises
    ------
    ConfigError
        If the output is of no known kind, or the table is missing or superfluous.
    InputError, RunError
        When it is entered, if the place cannot be used; see `open_file` and `open_database`.
    """
    place = "-" if output is None else str(output)
    if isinstance(output, str) and _URL.match(output):
        if not table:
            raise ConfigError("The database needs the name of a table.", hint="Add --table NAME.")
        from .database import open_database

        return open_database(output, table, id_column=id_column, text=text, force=force)
    if table is not None:
        raise ConfigError(
            f"--table {table} goes with a database, but the output is {place}.",
            hint="Give a URL with --output, such as postgresql://user@host/database, or leave --table out.",
        )
    if place == "-":
        return open_stdout()
    return open_file(Path(place), id_column=id_column, text=text, key=key, force=force)
