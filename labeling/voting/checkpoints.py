"""Answers on the chunks of an unfinished pass of voters, kept in the run: what was killed goes on where it was."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import polars as pl

from ...data.types.votes import Votes
from ...data.writing.atomic import remove_path, write_parquet
from ...models.loading.device import Compute
from .executor import Answer

_SPENT = "labeler_spent"


@dataclass(frozen=True)
class Shards:
    """One Parquet file per chunk, all in a folder whose name tells voters and rows.

    Parameters
    ----------
    folder : Path
        It need not exist yet.
    """

    folder: Path

    def has(self, chunk: int) -> bool:
        """Whether the answers on a chunk are there, to the end of the file."""
        try:
            return self._path(chunk).is_file() and _SPENT in pl.read_parquet_metadata(self._path(chunk))
        except (pl.exceptions.PolarsError, OSError):
            return False

    def save(self, chunk: int, answers: Sequence[Answer]) -> None:
        """Keep the answers on a chunk.

        Raises
        ------
        RunError
            If they cannot be written.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        spent = [[answer.seconds, answer.compute and asdict(answer.compute)] for answer in answers]
        columns = [column for number, answer in enumerate(answers) for column in _columns(number, answer)]
        write_parquet(self._path(chunk), pl.DataFrame(columns), metadata={_SPENT: json.dumps(spent)})

    def load(self, chunk: int) -> list[Answer]:
        """Read the answers on a chunk that `has` found."""
        spent = json.loads(pl.read_parquet_metadata(self._path(chunk))[_SPENT])
        frame = pl.read_parquet(self._path(chunk), glob=False, hive_partitioning=False)
        return [_answer(frame, number, *each) for number, each in enumerate(spent)]

    def remove(self) -> None:
        """Remove all of them."""
        remove_path(self.folder)

    def _path(self, chunk: int) -> Path:
        return self.folder / f"{chunk:08d}.parquet"


def _columns(number: int, answer: Answer) -> list[pl.Series]:
    """Make columns called ``<voter> <what>``, with a class's number for its scores."""
    if isinstance(answer.said, Votes):
        return [pl.Series(f"{number} vote", answer.said.labels), pl.Series(f"{number} sure", answer.said.confidence)]
    return [pl.Series(f"{number} {label}", scores) for label, scores in enumerate(answer.said.T)]


def _answer(frame: pl.DataFrame, number: int, seconds: float, compute: dict[str, str] | None) -> Answer:
    columns = {name.partition(" ")[2]: frame[name].to_numpy() for name in frame.columns if _number(name) == number}
    votes = "vote" in columns
    said = Votes(columns["vote"], columns["sure"]) if votes else np.stack(list(columns.values()), axis=1)
    return Answer(said, seconds, Compute(**compute) if compute else None)  # type: ignore[arg-type]


def _number(column: str) -> int:
    return int(column.partition(" ")[0])
