"""The reviews a benchmark runs on, and as many more as it wants, made of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from ..data.reading.reviews import open_stream

ENOUGH, SEED = 2_000, 7
_PART = 100_000  # rows written at a time


def read_reviews(source: Path, folder: Path, enough: int = ENOUGH) -> tuple[Path, pl.Series, str]:
    """Read reviews, and make more of them where there are few.

    New reviews are pairs of the file's, so that all texts stay distinct: repeated ones would favour this project,
    which votes on distinct texts only.

    Parameters
    ----------
    source : Path
        Any table `open_stream` reads.
    folder : Path
        Where an augmented file goes.
    enough : int
        Rows wanted.

    Returns
    -------
    (Path, Series of str, str)
        A file `labeler label` can read, its texts, and a line that says what was read.
    """
    with open_stream(source) as table:
        texts = pl.concat([chunk.frame["text"] for chunk in table])
    told = f"{len(texts):,} reviews of {source.name} ({texts.n_unique():,} distinct)"
    if len(texts) >= enough:
        return source, texts, told
    rng = np.random.default_rng(SEED)
    first, second = (texts.gather(rng.integers(0, len(texts), 2 * enough).astype(np.uint32)) for _ in range(2))
    texts = pl.concat([texts, first + ". " + second]).unique(maintain_order=True).head(enough)
    path = folder / "augmented.csv"
    pl.DataFrame({"id": [f"r{i}" for i in range(len(texts))], "text": texts}).write_csv(path)
    return path, texts, f"{told}, augmented to {len(texts):,} distinct ones by joining random pairs"


def write_numbered(texts: pl.Series, rows: int, path: Path) -> None:
    """Write a CSV of `rows` distinct reviews: the texts over and over, each with its row's number behind it."""
    with path.open("wb") as file:
        for start in range(0, rows, _PART):
            numbers = pl.int_range(start, min(start + _PART, rows), eager=True)
            repeated = texts.gather(numbers % len(texts)) + pl.Series([" "]) + numbers.cast(pl.String)
            pl.DataFrame({"id": numbers, "text": repeated}).write_csv(file, include_header=start == 0)
