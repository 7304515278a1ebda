from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from labeler.data.types.votes import LabelMatrix
from labeler.labeling.label_models.patterns import VotePatterns
from labeler.labeling.label_models.summary import lf_summary, vote_rates


@given(arrays(np.int16, st.tuples(st.integers(0, 30), st.integers(1, 5)), elements=st.integers(-1, 2)))
def test_coverage_bounds_overlaps_bounds_conflicts(votes: npt.NDArray[np.int16]) -> None:
    coverage, overlaps, conflicts = vote_rates(VotePatterns.from_votes(votes))
    assert np.all((coverage <= 1) & (coverage >= overlaps) & (overlaps >= conflicts) & (conflicts >= 0))


@pytest.mark.filterwarnings("ignore")
@settings(max_examples=30)
@given(arrays(np.int16, (25, 4), elements=st.integers(-1, 2)), arrays(np.int16, 25, elements=st.integers(0, 2)))
def test_equals_snorkels_analysis(votes: npt.NDArray[np.int16], gold: npt.NDArray[np.int16]) -> None:
    from snorkel.labeling import LFAnalysis

    theirs = LFAnalysis(votes.astype(np.int64)).lf_summary()
    ours = lf_summary(VotePatterns.from_votes(votes), gold=gold)
    assert np.allclose(ours["coverage"], theirs["Coverage"])
    assert np.allclose(ours["overlaps"], theirs["Overlaps"])
    assert np.allclose(ours["conflicts"], theirs["Conflicts"])
    assert ours["polarity"].to_list() == [", ".join(map(str, found)) for found in theirs["Polarity"]]
    theirs_right = LFAnalysis(votes.astype(np.int64)).lf_empirical_accuracies(gold.astype(np.int64))
    assert np.allclose(ours["gold_accuracy"].fill_null(0), theirs_right)


def test_names_gold_and_estimates_land_in_their_rows() -> None:
    votes = np.array([[0, -1], [0, -1], [1, -1]], np.int16)
    table = lf_summary(
        LabelMatrix(votes, ("rule", "silent")),
        classes=["bad", "good"],
        gold=np.array([0, 1, -1], np.int16),
        agreement=np.array([0.9, np.nan]),
    )
    assert table.row(0, named=True) == {
        "voter": "rule",
        "polarity": "bad, good",
        "coverage": 1.0,
        "overlaps": 0.0,
        "conflicts": 0.0,
        "agreement": 0.9,
        "gold_votes": 2,
        "gold_effective": 2.0,
        "gold_accuracy": 0.5,
        "gold_accuracy_low": pytest.approx(0.0608, abs=1e-4),
        "gold_accuracy_high": pytest.approx(0.9392, abs=1e-4),
    }
    assert table.row(1) == ("silent", "", 0.0, 0.0, 0.0, None, 0, None, None, None, None)


def test_gold_rows_count_by_their_weights() -> None:
    votes = VotePatterns.from_votes(np.array([[0, -1], [0, 0], [0, 1], [1, 1]], np.int16))
    gold, weights = np.array([0, 1, -1, 1], np.int16), np.array([4.0, 1.0, 1.0])
    table = lf_summary(votes, gold=gold, gold_weights=weights)
    assert table["gold_votes"].to_list() == [3, 2]
    assert table["gold_accuracy"].to_list() == pytest.approx([5 / 6, 1 / 2])
    assert table["gold_effective"].to_list() == pytest.approx([36 / 18, 2.0])
