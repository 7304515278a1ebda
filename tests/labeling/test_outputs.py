"""Tables and numbers made from labels."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labeler.data.corpus import Corpus
from labeler.data.label_space import LabelSpace
from labeler.data.soft_labels import SoftLabels
from labeler.labeling.outputs import (
    Labelled,
    class_names,
    class_notes,
    gold_frame,
    labels_frame,
    relabelled,
    votes_as_text,
)
from labeler.labeling.patterns import VotePatterns
from labeler.labeling.reviews import Reviews
from labeler.labeling.settings import VoterSection
from labeler.labeling.voters.existing import ExistingVoter
from labeler.labeling.voting import NamedVoter

LABELS = LabelSpace(("no", "yes"))
VOTES = np.array([[1, 0], [-1, 1], [-1, -1], [0, 0]], dtype=np.int16)
PROBS = np.array([[0.3, 0.7], [0.1, 0.9], [0.5, 0.5], [0.8, 0.2]], dtype=np.float32)


def labelled(*, n_input: int = 4, kinds: tuple[str, str] = ("existing", "keyword")) -> Labelled:
    table = VotePatterns.from_votes(VOTES)
    voter = ExistingVoter(labels=LABELS)
    return Labelled(
        reviews=Reviews(Corpus(pl.Series(["1", "2", "3", "4"]), pl.Series(list("wxyz"))), n_input),
        labels=LABELS,
        table=table,
        soft=SoftLabels(PROBS, table.expand(table.covered)),
        voters=tuple(
            NamedVoter(name, VoterSection.model_validate({"name": name, "kind": kind}), voter)
            for name, kind in zip(("a", "b"), kinds, strict=True)
        ),
        voter_accuracy=np.array([0.5, 0.5]),
        class_balance=np.array([0.5, 0.5]),
        class_balance_source="given",
        method="majority",
        rejected=0,
        notes=(),
    )


def test_the_labels_frame_says_null_where_nobody_voted() -> None:
    frame = labels_frame(labelled())
    assert frame["label"].to_list() == ["yes", "yes", None, "no"]
    assert frame["confidence"].to_list() == pytest.approx([0.7, 0.9, None, 0.8])
    assert frame["covered"].to_list() == [True, True, False, True]
    assert frame["votes"].to_list() == ["a=yes; b=no", "b=yes", "", "a=no; b=no"]


def test_gold_rows_stand_beside_their_labels() -> None:
    frame = gold_frame(labels_frame(labelled()), np.array([-1, 0, 1, -1], np.int16), LABELS)
    assert frame.select("id", "gold", "label").rows() == [("2", "no", "yes"), ("3", "yes", None)]


def test_no_gold_rows_give_an_empty_table_with_all_columns() -> None:
    frame = gold_frame(labels_frame(labelled()), np.full(4, -1, np.int16), LABELS)
    assert frame.height == 0
    assert frame.columns[:5] == ["id", "text", "gold", "weight", "label"]


def test_changed_labels_are_listed_the_surest_first() -> None:
    changes = relabelled(labelled(kinds=("keyword", "existing")))
    assert changes is not None
    assert changes.select("id", "old_label", "new_label").rows() == [("1", "no", "yes")]


def test_rows_without_an_old_or_a_new_label_have_not_changed() -> None:
    changes = relabelled(labelled())
    assert changes is not None
    assert changes.is_empty()


def test_changes_are_those_of_input_rows() -> None:
    changes = relabelled(labelled(n_input=0, kinds=("keyword", "existing")))
    assert changes is not None
    assert changes.is_empty()


def test_without_an_existing_voter_there_are_no_changes() -> None:
    assert relabelled(labelled(kinds=("keyword", "regex"))) is None


def test_votes_are_said_once_per_pattern_and_gathered() -> None:
    rows = np.array([[0, -1], [1, 1], [0, -1]], dtype=np.int16)
    assert votes_as_text(VotePatterns.from_votes(rows), ("a", "b"), LABELS).to_list() == [
        "a=no",
        "a=yes; b=yes",
        "a=no",
    ]


@settings(max_examples=50)
@given(st.lists(st.integers(-1, 1)))
def test_class_names_agree_with_the_label_space(indices: list[int]) -> None:
    assert class_names(np.array(indices, dtype=np.int16), LABELS).to_list() == LABELS.decode(indices)


@pytest.mark.parametrize(
    ("counts", "beginnings"),
    [
        ([50, 50], []),
        ([0, 100], ["No row was labelled no:"]),
        ([1, 199], ["Fewer than 1 % of the labels are no:"]),
        ([1, 99], []),
        ([0, 0], ["No row was labelled no, yes:"]),
    ],
)
def test_empty_and_rare_classes_are_pointed_out(counts: list[int], beginnings: list[str]) -> None:
    notes = class_notes(np.array(counts), LABELS)
    assert len(notes) == len(beginnings)
    assert all(note.startswith(beginning) for note, beginning in zip(notes, beginnings, strict=True))
