"""What labels must beat."""

from pathlib import Path

import numpy as np
import polars as pl

from labeler.data.gold.run_gold import GoldRows
from labeler.data.runs.directory import RunDirectory
from labeler.data.runs.labels import LabelledRun
from labeler.data.types.label_space import LabelSpace
from labeler.reports.evaluation.baselines import baselines
from labeler.reports.evaluation.evaluation_data import EvaluationData


def data(texts: list[str], gold: list[str]) -> EvaluationData:
    labels, ids = LabelSpace(("negative", "positive")), [str(i) for i in range(len(texts))]
    truth = labels.encode(gold)
    probs = np.eye(2, dtype=np.float32)[truth]
    rows = GoldRows(pl.Series("id", ids), pl.Series("text", texts), truth, truth, probs, np.ones(len(truth)), truth)
    labelled = LabelledRun(RunDirectory(Path()))
    labelled.__dict__["label_space"] = labels
    return EvaluationData(labelled, rows)


def test_the_gold_model_learns_from_other_rows_and_the_majority_does_not() -> None:
    found = baselines(
        data(["нашар сынық", "керемет зат", "керемет рахмет"] * 10, ["negative", "positive", "positive"] * 10)
    )
    majority, learned = found
    assert set(majority.hard) == {1}
    assert (learned.hard == np.array([0, 1, 1] * 10)).all()


def test_a_class_with_too_few_rows_leaves_the_majority_alone() -> None:
    assert len(baselines(data(["а"] * 9, ["negative"] * 2 + ["positive"] * 7))) == 1
