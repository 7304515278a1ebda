"""Whether a run is about to get other reviews than those it has labels of."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from .directory import RunDirectory

_SAME = 0.5


class EarlierInput:
    """The reviews a run was made of, to be compared with those that are being read.

    Parameters
    ----------
    run : RunDirectory
        One that has neither labels, nor a model, nor samples, has nothing to lose: any input is taken as the same.
    """

    def __init__(self, run: RunDirectory) -> None:
        self._run = run
        self._stage = run.read_manifest().stages.get("input")
        kept = any(path.exists() for path in (run.labels, run.model, run.sampled))
        self._matters = self._stage is not None and kept and run.corpus.exists()
        self._hashes = [np.zeros(0, np.uint64)]

    @property
    def source(self) -> str:
        """Name of the earlier input."""
        return next(iter(self._stage.inputs), "") if self._stage else ""

    def add(self, texts: pl.Series) -> None:
        """Look at the next texts of the new input."""
        if self._matters:
            self._hashes.append(np.unique(texts.hash().to_numpy()))

    def is_other(self, digest: str) -> bool:
        """Whether the new input, of this digest, is another one.

        It is the same if the file is, or if half of the different texts are in both, of the input that has fewer: files
        grow, are corrected, and are tried with a few rows first.
        """
        if not self._matters or digest in (self._stage.inputs.values() if self._stage else ()):
            return False
        new, old = np.unique(np.concatenate(self._hashes)), self._earlier()
        shared = len(np.intersect1d(new, old, assume_unique=True))
        return shared < _SAME * min(len(new), len(old))

    def _earlier(self) -> npt.NDArray[np.uint64]:
        rows = self._stage.rows.get("input", 0) if self._stage else 0  # gold rows follow them
        texts = pl.scan_parquet(self._run.corpus, glob=False, hive_partitioning=False).select("text").head(rows)
        return np.unique(texts.select(pl.col("text").hash()).collect().to_series().to_numpy())
