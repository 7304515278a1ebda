"""Snorkel's appliers: labeling functions and texts in, votes (n, m) out. Starting workers is part of the work."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from ...data.text.normalize import fold_word
from ...data.types.label_space import ABSTAIN
from ..results import available_cores
from .snorkel_rules import Rule, normalize_one, words_of_one

Matrix = npt.NDArray[np.int64]
Applier = Callable[[Sequence[Rule], list[str], tuple[str, ...]], Matrix]


def pandas_votes(rules: Sequence[Rule], texts: list[str], prepare: tuple[str, ...] = ()) -> Matrix:
    """Vote with `PandasLFApplier`; `prepare` names columns to add first."""
    from snorkel.labeling import PandasLFApplier

    return np.asarray(PandasLFApplier(_functions(rules)).apply(_frame(texts, prepare), progress_bar=False))


def dask_votes(rules: Sequence[Rule], texts: list[str], prepare: tuple[str, ...] = ()) -> Matrix:
    """Vote with `PandasParallelLFApplier`, which is the Dask applier over a pandas frame: a process per core."""
    from snorkel.labeling.apply.dask import PandasParallelLFApplier

    # Dask first tries the functions on a row of its own, whose text is missing.
    careful = [lambda row, rule=rule: rule(row) if isinstance(row.text, str) else ABSTAIN for rule in rules]
    applier = PandasParallelLFApplier(_functions(careful))
    return np.asarray(applier.apply(_frame(texts, prepare), n_parallel=max(2, available_cores())))


def spark_votes(rules: Sequence[Rule], texts: list[str], prepare: tuple[str, ...] = ()) -> Matrix:
    """Vote with `SparkLFApplier` in a local Spark session."""
    from pyspark.sql import Row, SparkSession
    from snorkel.labeling.apply.spark import SparkLFApplier

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # else Spark's workers take the system's
    session = SparkSession.builder.master(f"local[{available_cores()}]").getOrCreate()
    try:
        rows = [Row(**columns) for columns in _frame(texts, prepare).to_dict("records")]
        data = session.sparkContext.parallelize(rows, available_cores())
        return np.asarray(SparkLFApplier(_functions(rules)).apply(data))
    finally:
        session.stop()


def _functions(rules: Sequence[Rule]) -> list[Any]:
    from snorkel.labeling import LabelingFunction

    return [LabelingFunction(f"rule {i}", rule) for i, rule in enumerate(rules)]


def _frame(texts: list[str], prepare: tuple[str, ...]) -> Any:
    import pandas as pd

    columns: dict[str, Any] = {"text": texts}
    if prepare:
        columns["normalized"] = [normalize_one(text) for text in texts]
    if "words" in prepare:
        fold = cache(fold_word)  # as here: each spelling is folded once
        columns["words"] = [words_of_one(text, fold) for text in columns["normalized"]]
    return pd.DataFrame(columns)
