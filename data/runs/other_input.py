"""Whether a run is about to get other reviews than those it has labels of."""

from __future__ import annotations

import numpy as np
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
        stage = run.read_manifest().stages.get("input")
        self._inputs = stage.inputs if stage else {}
        self._rows = stage.rows.get("input", 0) if stage else 0  # gold rows follow them
        kept = any(path.exists() for path in (run.labels, run.model, run.sampled))
        self._matters = stage is not None and kept and run.corpus.exists()
        self._hashes = [np.zeros(0, np.uint64)]

    @property
    def source(self) -> str:
        """Name of the earlier input."""
        return next(iter(self._inputs), "")

    def add(self, texts: pl.Series) -> None:
        """Look at the next texts of the new input."""
        if self._matters:
            self._hashes.append(np.unique(texts.hash().to_numpy()))

    def is_other(self, digest: str) -> bool:
        """Whether the new input, of this digest, is another one.

        It is the same if the file is, or if half of the different texts are in both, of the input that has fewer: files
        grow, are corrected, and are tried with a few rows first.
        """
        if not self._matters or digest in self._inputs.values():
            return False
        texts = pl.scan_parquet(self._run.corpus, glob=False, hive_partitioning=False).select("text").head(self._rows)
        old = np.unique(texts.select(pl.col("text").hash()).collect().to_series().to_numpy())
        new = np.unique(np.concatenate(self._hashes))
        shared = len(np.intersect1d(new, old, assume_unique=True))
        return shared < _SAME * min(len(new), len(old))
