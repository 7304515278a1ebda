"""The file formats predictions are written in."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal, cast

import polars as pl

from ...errors import ConfigError
from ...text.plain_values import as_text
from .values import round_scores

TextKind = Literal["csv", "tsv", "jsonl"]
Kind = Literal["csv", "tsv", "jsonl", "parquet"]

ENDINGS: dict[str, Kind] = {".csv": "csv", ".tsv": "tsv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}
"""File endings that are written, and as what; the text formats also with ``.gz`` after them."""

DELIMITERS = {"csv": ",", "tsv": "\t"}
_GZIP_LEVEL = 6


@dataclass(frozen=True)
class FileFormat:
    """Format of an output file.

    Parameters
    ----------
    kind : str
        ``csv``, ``tsv``, ``jsonl`` or ``parquet``.
    zipped : bool
        Whether it is compressed with gzip as a whole.
    """

    kind: Kind
    zipped: bool = False

    @classmethod
    def of(cls, path: Path) -> FileFormat:
        """Return the format by the file's ending.

        Raises
        ------
        ConfigError
            If the ending is not known.
        """
        zipped = path.suffix.lower() == ".gz"
        ending = Path(path.stem).suffix.lower() if zipped else path.suffix.lower()
        kind = ENDINGS.get(ending)
        if kind is None or (zipped and kind == "parquet"):
            raise ConfigError(
                f"{path} has the unknown file ending '{ending}{'.gz' if zipped else ''}'.",
                hint=f"Labeler writes {', '.join(ENDINGS)} (text also with .gz), database URLs, and - for stdout.",
            )
        return cls(kind, zipped)

    def open(self, path: Path) -> IO[bytes]:
        """Open a file of this format to read the bytes that the compression, if any, holds."""
        return cast(IO[bytes], gzip.open(path, "rb")) if self.zipped else path.open("rb")

    def compressing(self, file: IO[bytes]) -> IO[bytes]:
        """Wrap a file that is written; neither name nor time goes in, so equal rows give equal bytes."""
        if not self.zipped:
            return file
        return cast(IO[bytes], gzip.GzipFile("", "wb", _GZIP_LEVEL, file, mtime=0))


def encode(chunk: pl.DataFrame, kind: TextKind, *, header: bool) -> bytes:
    """Write rows as UTF-8 text; a CSV is for programs, so values stay as they are, formulas included.

    In CSV and TSV null is an empty field and the empty string a quoted one, and nested values are JSON. Scores have
    6 significant digits. `header` puts the names first, where the format has such a line.
    """
    chunk = round_scores(chunk)
    buffer = io.BytesIO()
    if kind == "jsonl":
        _textual(chunk, lambda dtype: "Binary" in str(dtype)).write_ndjson(buffer)
    else:
        flat = _textual(chunk, lambda dtype: dtype.is_nested() or dtype in (pl.Binary, pl.Duration))
        flat.write_csv(buffer, include_header=header, separator=DELIMITERS[kind])
    return buffer.getvalue()


def _textual(chunk: pl.DataFrame, wanted: Callable[[pl.DataType], bool]) -> pl.DataFrame:
    return pl.DataFrame([as_text(column) if wanted(column.dtype) else column for column in chunk])
