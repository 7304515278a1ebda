"""What an output file holds already: its columns, and the values of some chunk by chunk."""

from __future__ import annotations

import glob
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import polars as pl
from polars.selectors import by_name

from ...errors import InputError
from ..lock import reason_of
from .formats import DELIMITERS, FileFormat
from .values import Schema


def read_schema(path: Path, form: FileFormat) -> Schema:
    """Read the columns of a finished file; those of text files are strings. Of JSONL the first line counts.

    Returns
    -------
    dict
        Column names and types; empty for an empty file.

    Raises
    ------
    InputError
        If the file cannot be read in the format of its ending.
    """
    with _explaining(path):
        if form.kind == "parquet":
            return dict(_scan(path, form).collect_schema())
        with form.open(path) as file:
            is_empty = not file.read(1)
        return {} if is_empty else dict.fromkeys(_scan(path, form).collect_schema(), pl.String())


def read_columns(path: Path, form: FileFormat, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
    """Read columns of a finished file in constant memory; those of text files are strings.

    Raises
    ------
    InputError
        If the file cannot be read in the format of its ending.
    """
    with _explaining(path):
        # By name: a column may be called like a pattern, such as '^p_.*$'.
        yield from _scan(path, form, columns).select(by_name(*columns)).collect_batches(maintain_order=False)


def _scan(path: Path, form: FileFormat, columns: Sequence[str] = ()) -> pl.LazyFrame:
    if form.kind == "parquet":
        return pl.scan_parquet(path, glob=False)
    if form.kind == "jsonl":
        schema = dict.fromkeys(columns, pl.String) if columns else None
        return pl.scan_ndjson(glob.escape(str(path)), schema=schema, infer_schema_length=1)
    return pl.scan_csv(
        path,
        glob=False,
        infer_schema=False,
        separator=DELIMITERS[form.kind],
        with_column_names=lambda names: [name.replace('""', '"') for name in names],  # Polars leaves them doubled
    )


@contextmanager
def _explaining(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, EOFError, ValueError, pl.exceptions.PolarsError) as error:
        raise InputError(
            f"{path} exists, but its rows cannot be read ({reason_of(error).partition(chr(10))[0]}).",
            hint="Choose another --output, or replace the file with --force.",
        ) from error
