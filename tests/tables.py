"""All chunks of a table as one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl

from labeler.data.reading.frames import TableSource
from labeler.data.reading.reviews import open_stream


@dataclass(frozen=True)
class Table:
    """What a `TableStream` and its chunks hold."""

    frame: pl.DataFrame
    rejected: pl.DataFrame
    text_column: str
    id_column: str | None
    source: str
    digest: str
    notes: tuple[str, ...]
    renames: dict[str, str]

    def __len__(self) -> int:
        return len(self.frame)


def read_table(source: TableSource, *, limit: int | None = None, **options: Any) -> Table:
    """Read a table as `open_stream` does, or its first rows."""
    with open_stream(source, **options) as stream:
        chunks = list(stream.head(limit))
        return Table(
            pl.concat([chunk.frame for chunk in chunks]),
            stream.located(pl.concat([chunk.rejected for chunk in chunks])),
            stream.text_column,
            stream.id_column,
            stream.source,
            stream.digest(),
            stream.notes,
            stream.renames,
        )
