"""Answers on the chunks of an unfinished pass, kept in the run: a killed run goes on where it was."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import polars as pl

from ...data.types.votes import Votes
from ...data.writing.atomic import remove_path, write_parquet
from ...models.loading.device import Compute
from .executor import ChunkOutput

_SPENT = "labeler_seconds_and_compute"


@dataclass(frozen=True)
class Checkpoints:
    """One Parquet file per chunk with a column per voter, all in a folder whose name stands for voters and rows.

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

    def save(self, chunk: int, answers: Sequence[ChunkOutput]) -> None:
        """Keep the answers on a chunk; raises RunError if they cannot be written."""
        self.folder.mkdir(parents=True, exist_ok=True)
        spent = [[answer.seconds, answer.compute and asdict(answer.compute)] for answer in answers]
        columns = [_frame(answer).to_struct(str(number)) for number, answer in enumerate(answers)]
        write_parquet(self._path(chunk), pl.DataFrame(columns), metadata={_SPENT: json.dumps(spent)})

    def load(self, chunk: int) -> list[ChunkOutput]:
        """Read the answers on a chunk that `has` found."""
        spent = json.loads(pl.read_parquet_metadata(self._path(chunk))[_SPENT])
        columns = pl.read_parquet(self._path(chunk), glob=False, hive_partitioning=False).get_columns()
        return [_answer(column.struct.unnest(), *each) for column, each in zip(columns, spent, strict=True)]

    def remove(self) -> None:
        """Remove all of them."""
        remove_path(self.folder)

    def _path(self, chunk: int) -> Path:
        return self.folder / f"{chunk:08d}.parquet"


def _frame(answer: ChunkOutput) -> pl.DataFrame:
    """Make columns of votes and confidence, or one per class of scores."""
    if isinstance(answer.output, Votes):
        return pl.DataFrame({"vote": answer.output.labels, "confidence": answer.output.confidence})
    return pl.DataFrame(answer.output, schema=[str(label) for label in range(answer.output.shape[1])])


def _answer(frame: pl.DataFrame, seconds: float, compute: dict[str, str] | None) -> ChunkOutput:
    votes = "vote" in frame.columns
    output = Votes(frame["vote"].to_numpy(), frame["confidence"].to_numpy()) if votes else frame.to_numpy()
    return ChunkOutput(output, seconds, Compute(**compute) if compute else None)  # type: ignore[arg-type]
