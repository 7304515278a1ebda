"""What labels must beat."""

from pathlib import Path

import numpy as np
import polars as pl

from labeler.data.runs.directory import RunDirectory
from labeler.data.types.label_space import LabelSpace
from labeler.reports.evaluation.baselines import baselines
from labeler.reports.evaluation.evidence import Evidence


def evidence(texts: list[str], gold: list[str]) -> Evidence:
    rows = pl.DataFrame({"id": [str(i) for i in range(len(texts))], "text": texts, "gold": gold})
    return Evidence(
        RunDirectory(Path()), LabelSpace(("negative", "positive")), {}, rows.with_columns(weight=1.0), rows, {}
    )


def test_the_gold_model_learns_from_other_rows_and_the_majority_does_not() -> None:
    found = baselines(
        evidence(["нашар сынық", "керемет зат", "керемет рахмет"] * 10, ["negative", "positive", "positive"] * 10)
    )
    majority, learned = found
    assert set(majority.found) == {1}
    assert (learned.found == np.array([0, 1, 1] * 10)).all()


def test_a_class_with_too_few_rows_leaves_the_majority_alone() -> None:
    assert len(baselines(evidence(["а"] * 9, ["negative"] * 2 + ["positive"] * 7))) == 1
