"""Votes on disk, one Parquet file per voter, found again by the key they were made with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import polars as pl

from ..errors import InputError
from ..types.votes import Votes
from ..writing.chunked_files import ChunkedParquet

if TYPE_CHECKING:
    from ..types.label_space import LabelSpace
    from .directory import RunDirectory

_KEY, _IDS, _RULE = "labeler_key", "labeler_ids", "labeler_rule"
_READ_ROWS = 1_000_000


class VoteFile(ChunkedParquet):
    """The votes of one voter in the making: columns id, vote (class name or null), confidence (null if abstained)."""

    def __init__(self, run: RunDirectory, voter: str, label_space: LabelSpace) -> None:
        super().__init__(run.votes(voter))
        self._voter = voter
        self._label_space = label_space

    def add(self, ids: pl.Series, votes: Votes) -> None:
        """Write the votes on the next rows.

        Raises
        ------
        RunError
            If they cannot be written.
        """
        confidence = pl.Series("confidence", votes.confidence).fill_nan(None)
        self.write(pl.DataFrame([ids.alias("id"), self._label_space.series(votes.labels).alias("vote"), confidence]))

    def finish(self, key: str, *, ids_digest: str, rule: Mapping[str, Any] | None = None) -> None:
        """Make the file, to be found by `key` where the ids have this digest; raises as `add`.

        `rule` is what scores were decided by.
        """
        metadata = {_KEY: key, _IDS: ids_digest, "labeler_voter": self._voter}
        metadata |= {} if rule is None else {_RULE: json.dumps(dict(rule))}
        self.save(metadata=metadata)


def load_rule(run: RunDirectory, voter: str) -> dict[str, Any] | None:
    """Read the rule by which a voter decided on its scores; None if there is none, or the file cannot be read."""
    try:
        rule: dict[str, Any] | None = json.loads(pl.read_parquet_metadata(run.votes(voter)).get(_RULE, "null"))
        return rule
    except (pl.exceptions.PolarsError, OSError, ValueError):
        return None


def load_votes(
    run: RunDirectory, voter: str, key: str, *, rows: int, ids_digest: str, label_space: LabelSpace
) -> npt.NDArray[np.signedinteger] | None:
    """Read the votes of one voter back.

    Returns
    -------
    ndarray of int, shape (rows,), or None
        As `empty_votes` makes it; None if there are none, they were made with another key or for other ids, or the
        file is damaged.
    """
    path = run.votes(voter)
    try:
        metadata = pl.read_parquet_metadata(path) if path.is_file() else {}
        if (metadata.get(_KEY), metadata.get(_IDS)) != (key, ids_digest):
            return None
        votes = empty_votes(rows, label_space)
        scan = pl.scan_parquet(path, glob=False, hive_partitioning=False).select("vote")
        for start in range(0, rows, _READ_ROWS):
            part = scan.slice(start, _READ_ROWS).collect()["vote"]
            votes[start : start + _READ_ROWS] = label_space.encode(part)
        return votes
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError, InputError):
        return None  # computing them again is always right


def load_confidence(run: RunDirectory, voter: str, rows: int) -> npt.NDArray[np.float32]:
    """Read the confidence of the votes of one voter, shape (rows,), NaN where it abstains; they are in the run."""
    confidence = np.empty(rows, np.float32)
    scan = pl.scan_parquet(run.votes(voter), glob=False, hive_partitioning=False).select("confidence")
    for start in range(0, rows, _READ_ROWS):
        part = scan.slice(start, _READ_ROWS).collect()["confidence"]
        confidence[start : start + _READ_ROWS] = part.fill_null(np.nan).to_numpy()
    return confidence


def empty_votes(rows: int, label_space: LabelSpace) -> npt.NDArray[np.signedinteger]:
    """Make room for the votes of one voter, one byte each where there are fewer than 128 classes."""
    return np.empty(rows, np.int8 if label_space.k < 128 else np.int16)
