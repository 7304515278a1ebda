from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from labeler.labeling.label_models.dawid_skene import DawidSkene
from labeler.labeling.label_models.patterns import VotePatterns

from ...simulated_votes import independent_votes


@pytest.mark.filterwarnings("ignore")
def test_close_to_crowd_kit_where_abstaining_says_nothing() -> None:
    from crowdkit.aggregation import DawidSkene as CrowdKit

    votes, _ = independent_votes(400, [0.9, 0.8, 0.7, 0.85, 0.6], prior=[0.3, 0.5, 0.2], coverage=0.7)
    votes = votes[(votes >= 0).any(axis=1)]
    rows, voters = np.nonzero(votes >= 0)
    answers = pd.DataFrame({"task": rows, "worker": voters, "label": votes[rows, voters]})
    theirs = CrowdKit(n_iter=300, tol=1e-9).fit_predict_proba(answers).sort_index()[[0, 1, 2]].to_numpy()
    table = VotePatterns.from_votes(votes)
    model = DawidSkene(k=3, abstain=False, smoothing=1e-6, tol=1e-7, group_correlated=False).fit(table)
    ours = table.expand(model.predict_proba(table))
    assert model.termination_ == "flat"
    assert np.abs(ours - theirs).max() < 0.01


def test_a_silent_rule_is_evidence_only_where_abstaining_counts() -> None:
    votes, _ = independent_votes(5000, [0.8, 0.8, 0.8], prior=[0.5, 0.5])
    rule = np.where(votes[:, :1] == 1, 1, -1).astype(np.int16)  # speaks for class 1 or not at all
    table = VotePatterns.from_votes(np.concatenate([votes[:, 1:], rule], axis=1))
    silent = VotePatterns.from_votes(np.array([[0, 1, -1]], np.int16))
    counted = DawidSkene(k=2, group_correlated=False).fit(table).predict_proba(silent)
    ignored = DawidSkene(k=2, group_correlated=False, abstain=False).fit(table).predict_proba(silent)
    assert counted[0, 0] > 0.7
    assert ignored[0, 0] < 0.55


def test_drifting_away_from_the_classes_falls_back_to_the_majority_vote() -> None:
    # Two voters agree with each other and not with the classes: EM follows them, the check does not.
    for seed in range(200):
        rng = np.random.default_rng(seed)
        votes = rng.integers(-1, 3, (40, 6)).astype(np.int16)
        model = DawidSkene(k=3, group_correlated=False).fit(VotePatterns.from_votes(votes))
        if model.termination_ == "fallback: majority":
            assert "majority vote was used instead" in model.notes_[0]
            return
    pytest.fail("no example drifted")


def test_stopping_early_is_said() -> None:
    votes, _ = independent_votes(500, [0.6] * 4, prior=[0.5, 0.5])
    model = DawidSkene(k=2, max_iter=2).fit(VotePatterns.from_votes(votes))
    assert model.termination_ == "max_iter"
    assert "not converged after 2 steps" in model.notes_[0]


def test_a_voter_that_never_votes_has_no_accuracy() -> None:
    votes, _ = independent_votes(300, [0.8] * 4, prior=[0.5, 0.5])
    votes[:, 2] = -1
    model = DawidSkene(k=2).fit(VotePatterns.from_votes(votes))
    assert np.array_equal(np.isnan(model.voter_accuracy_), [False, False, True, False])
