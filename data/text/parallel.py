"""String work on long columns, on all cores: Polars runs one expression over one column on a single thread."""

from __future__ import annotations

import polars as pl

_MIN_CHUNK = 2_000  # rows below which a further thread costs more than it saves


def map_chunks(values: pl.Series, expression: pl.Expr) -> pl.Series:
    """Evaluate an expression over `pl.first()` on chunks of a column in parallel, in order.

    Parameters
    ----------
    values : Series, length n
    expression : Expr
        Works row by row: the result of a row depends on that row only.

    Returns
    -------
    Series, length n
    """
    chunks = min(pl.thread_pool_size(), max(len(values) // _MIN_CHUNK, 1))
    size = -(-len(values) // chunks)
    frames = [values.slice(i * size, size).to_frame().lazy().select(expression) for i in range(chunks)]
    return pl.concat([frame.to_series() for frame in pl.collect_all(frames)])
