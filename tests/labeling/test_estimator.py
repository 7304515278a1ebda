"""The label models as an estimator."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone

from labeler.data.errors import ConfigError, LabelModelError
from labeler.data.types.votes import LabelMatrix
from labeler.labeling.estimator import LabelModel
from labeler.labeling.label_models.build import METHODS, build_label_model

from ..simulated_votes import independent_votes

VOTES = [[0, 0, -1], [1, -1, 1], [-1, -1, -1], [0, 0, 0]]


@pytest.mark.parametrize("method", METHODS)
def test_it_follows_the_conventions(method: str) -> None:
    votes, truth = independent_votes(2_000, [0.9, 0.8, 0.8], prior=[0.4, 0.6], coverage=0.7)
    model = LabelModel(method)
    assert model.fit(votes) is model
    assert model.classes_.tolist() == [0, 1]
    probs, labels = model.predict_proba(votes), model.predict(votes)
    assert probs.shape == (2_000, 2)
    assert np.allclose(probs.sum(axis=1), 1)
    covered = (votes != -1).any(axis=1)
    assert (labels[~covered] == -1).all()
    assert (labels[covered] == truth[covered]).mean() > 0.75
    assert np.array_equal(clone(model).fit_predict(votes), labels)


def test_parameters_are_read_and_set_by_name() -> None:
    model = LabelModel("majority", n_classes=3)
    assert model.get_params()["n_classes"] == 3
    assert model.set_params(seed=7).seed == 7
    assert repr(model).startswith("LabelModel(method='majority', n_classes=3,")
    with pytest.raises(ConfigError, match="no parameter 'sed'") as caught:
        model.set_params(sed=1)
    assert "'seed'" in caught.value.hint


@pytest.mark.parametrize(
    "votes",
    [
        VOTES,
        np.array(VOTES),
        pl.DataFrame(VOTES, orient="row"),
        pd.DataFrame(VOTES),
        LabelMatrix(np.array(VOTES), ("a", "b", "c")),
    ],
    ids=["list", "array", "polars", "pandas", "label matrix"],
)
def test_a_label_matrix_may_be_anything_with_rows_and_columns(votes: Any) -> None:
    assert LabelModel("majority").fit(votes).predict(votes).tolist() == [0, 1, -1, 0]


def test_the_classes_are_those_of_the_matrix_the_balance_or_the_votes() -> None:
    named = LabelMatrix(np.array(VOTES), ("a", "b", "c"), ("bad", "good", "mixed"))
    assert len(LabelModel("majority").fit(named).classes_) == 3
    assert len(LabelModel("majority", n_classes=4).fit(VOTES).classes_) == 4
    assert len(LabelModel("majority", class_balance=[0.2, 0.3, 0.5]).fit(VOTES).classes_) == 3
    balance = LabelModel("majority", class_balance={"good": 0.5, "bad": 0.25, "mixed": 0.25}).fit(named).class_balance_
    assert balance.tolist() == [0.25, 0.5, 0.25]


@pytest.mark.parametrize(
    ("votes", "message"),
    [
        ([[0.5, 1.0]], "must be integers"),
        ([[0, -2]], "must lie in"),
        ([0, 1], "2 dimension"),
        ([["a", "b"]], "must be integers"),
        ([[0, 1], [0]], "no label matrix"),
        ("votes", "no label matrix"),
        (None, "no label matrix"),
        ([[-1, -1]], "All 2 voters abstained"),
    ],
)
def test_what_is_no_label_matrix_is_explained(votes: Any, message: str) -> None:
    with pytest.raises(LabelModelError, match=message):
        LabelModel("majority").fit(votes)


def test_predictions_need_a_fit_on_the_same_voters_and_classes() -> None:
    with pytest.raises(LabelModelError, match="not fitted yet"):
        LabelModel().predict(VOTES)
    model = LabelModel("majority").fit(VOTES)
    with pytest.raises(LabelModelError, match="fitted on 3 voters, but L has 2"):
        model.predict([[0, 1]])
    with pytest.raises(LabelModelError, match="vote for class 5"):
        model.predict_proba([[0, 1, 5]])


def test_an_unknown_method_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match="no label model 'snorkle'") as caught:
        LabelModel("snorkle").fit(VOTES)
    assert "'snorkel'" in caught.value.hint


def test_voters_of_one_family_may_repeat_one_another() -> None:
    votes, _ = independent_votes(400, [0.8, 0.8, 0.7, 0.7], prior=[0.4, 0.6])
    fitted = []

    def remembered(method: str, **options: Any) -> Any:
        fitted.append(options["families"])
        return build_label_model(method, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("labeler.labeling.estimator.build_label_model", remembered)
        LabelModel().fit(LabelMatrix(votes, ("a", "b", "c", "d"), families=("rules", "words", "e5", "e5")))
        LabelModel().fit(votes)
    assert fitted == [("rules", "words", "e5", "e5"), None]
    with pytest.raises(ValueError, match="1 families but 4 voters"):
        LabelMatrix(votes, ("a", "b", "c", "d"), families=("e5",))
