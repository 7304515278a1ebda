from __future__ import annotations

import numpy as np

from labeler.labeling.label_models.patterns import VotePatterns
from labeler.labeling.voter_notes import voter_notes


def test_voters_that_nothing_judges_and_voters_that_never_decide_are_named() -> None:
    votes = np.full((100, 2), -1, np.int16)
    votes[:, 0], votes[:20, 1] = 0, 1  # a rule for a default class, and one that can only tie with it
    table = VotePatterns.from_votes(votes)
    hard = np.where(table.patterns[:, 1] == 1, -1, 0).astype(np.int16)
    silent = np.full(2, np.nan)
    unknown, losing = voter_notes(table, hard, silent, ["all", "size"])
    assert "how often all, size are right" in unknown
    assert "hand labels" in unknown
    assert "No vote of size decided a label" in losing
    assert "catch_all = true" in losing
    assert voter_notes(table, hard, None, ["all", "size"]) == [losing]
    assert voter_notes(table, hard, np.array([0.9, 0.8]), ["all", "size"]) == [losing]
