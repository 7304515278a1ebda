"""Votes on disk, one Parquet file per voter, found again by the key they were made with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from .atomic import write_parquet
from .errors import InputError
from .votes import Votes

if TYPE_CHECKING:
    from .label_space import LabelSpace
    from .run import RunDirectory

_KEY = "labeler_key"


def save_votes(
    run: RunDirectory, voter: str, key: str, *, ids: Sequence[str] | pl.Series, votes: Votes, label_space: LabelSpace
) -> None:
    """Write the votes of one voter: columns id, vote (class name or null), confidence (null where it abstained).

    Raises
    ------
    RunError
        If the file cannot be written.
    """
    frame = pl.DataFrame(
        {
            "id": pl.Series(ids, dtype=pl.String),
            "vote": pl.Series(label_space.decode(votes.labels), dtype=pl.String),
            "confidence": pl.Series(votes.confidence).fill_nan(None),
        }
    )
    write_parquet(run.votes(voter), frame, metadata={_KEY: key, "labeler_voter": voter})


def load_votes(
    run: RunDirectory, voter: str, key: str, *, ids: Sequence[str] | pl.Series, label_space: LabelSpace
) -> Votes | None:
    """Read the votes of one voter back.

    Returns
    -------
    Votes or None
        None if there are none, they were made with another key or for other ids, or the file is damaged.
    """
    path = run.votes(voter)
    try:
        if not path.is_file() or pl.read_parquet_metadata(path).get(_KEY) != key:
            return None
        frame = pl.read_parquet(path, columns=["id", "vote", "confidence"], glob=False)
        if not frame["id"].equals(pl.Series("id", ids, dtype=pl.String)):
            return None
        confidence = frame["confidence"].cast(pl.Float32).fill_null(float("nan")).to_numpy()
        return Votes(label_space.encode(frame["vote"]), confidence.astype(np.float32))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError, InputError):
        return None  # computing them again is always right
