"""Tables and numbers made from labels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labeler.data.runs.directory import RunDirectory
from labeler.data.types.label_space import LabelSpace
from labeler.data.types.soft_labels import SoftLabels
from labeler.data.types.stored_corpus import StoredCorpus
from labeler.labeling.balance.settle import ClassBalance
from labeler.labeling.input import LocatedGold, Reviews
from labeler.labeling.label_models.patterns import VotePatterns
from labeler.labeling.labelled import Labelled
from labeler.labeling.outputs import class_notes, write_labels
from labeler.labeling.rows import votes_as_text
from labeler.labeling.settings import VoterSection
from labeler.labeling.voters.existing import ExistingVoter
from labeler.labeling.voting.configured import NamedVoter
from labeler.labeling.voting.executor import LocalExecutor

LABELS = LabelSpace(("no", "yes"))
VOTES = np.array([[1, 0], [-1, 1], [-1, -1], [0, 0]], dtype=np.int16)
PROBS = np.array([[0.3, 0.7], [0.1, 0.9], [0.5, 0.5], [0.8, 0.2]], dtype=np.float32)


def labelled(
    folder: Path, *, n_input: int = 4, kinds: tuple[str, str] = ("existing", "keyword"), gold: LocatedGold | None = None
) -> Labelled:
    pl.DataFrame({"id": ["1", "2", "3", "4"], "text": list("wxyz")}).write_parquet(folder / "corpus.parquet")
    corpus = StoredCorpus(folder / "corpus.parquet", (3, 1), (), "", "")
    table = VotePatterns.from_votes(VOTES)
    probs = np.empty_like(PROBS)
    probs[table.inverse] = PROBS
    voter = ExistingVoter(labels=LABELS)
    return Labelled(
        reviews=Reviews(corpus, n_input, gold=gold),
        labels=LABELS,
        table=table,
        soft=SoftLabels(probs, table.covered),
        voters=tuple(
            NamedVoter(name, VoterSection.model_validate({"name": name, "kind": kind}), voter)
            for name, kind in zip(("a", "b"), kinds, strict=True)
        ),
        voter_accuracy=np.array([0.5, 0.5]),
        balance=ClassBalance(np.array([0.5, 0.5]), "given"),
        method="majority",
        notes=(),
    )


def written(result: Labelled, folder: Path) -> RunDirectory:
    run = RunDirectory(folder)
    run.label_model.touch()
    write_labels(result, run, executor=LocalExecutor(), key="k", settings={"seed": 0}, started=0.0)
    return run


def changes(result: Labelled, folder: Path) -> list[tuple[Any, ...]]:
    frame = pl.read_csv(written(result, folder).relabelled)
    assert frame.columns[2:] == ["old_label", "new_label", "confidence", "votes"]
    return [(str(row), old, new) for row, old, new in frame.select("id", "old_label", "new_label").rows()]


def test_the_labels_say_null_where_nobody_voted(tmp_path: Path) -> None:
    frame = pl.read_parquet(written(labelled(tmp_path), tmp_path).labels)
    assert frame["text"].to_list() == list("wxyz")
    assert frame["label"].to_list() == ["yes", "yes", None, "no"]
    assert frame["confidence"].to_list() == pytest.approx([0.7, 0.9, None, 0.8])
    assert frame["covered"].to_list() == [True, True, False, True]
    assert frame["votes"].to_list() == ["a=yes; b=no", "b=yes", "", "a=no; b=no"]


@pytest.mark.parametrize("n_input", [2, 3, 4])
def test_gold_rows_stand_beside_their_labels(tmp_path: Path, n_input: int) -> None:
    gold = LocatedGold(np.array([1, 3]), np.array([0, 1], np.int16), np.array([1.0, 2.0]))
    run = written(labelled(tmp_path, n_input=n_input, gold=gold), tmp_path)
    frame = pl.read_parquet(run.gold)
    assert frame.columns[:5] == ["id", "text", "gold", "weight", "label"]
    assert frame.select("id", "gold", "weight", "label").rows() == [("2", "no", 1.0, "yes"), ("4", "yes", 2.0, "no")]
    assert len(pl.read_parquet(run.labels)) == n_input


def test_no_gold_rows_give_an_empty_table_with_all_columns(tmp_path: Path) -> None:
    gold = LocatedGold(np.zeros(0, np.int64), np.zeros(0, np.int16), np.zeros(0))
    frame = pl.read_parquet(written(labelled(tmp_path, gold=gold), tmp_path).gold)
    assert frame.height == 0
    assert frame.columns[:5] == ["id", "text", "gold", "weight", "label"]


def test_changed_labels_are_listed_the_most_confident_first(tmp_path: Path) -> None:
    assert changes(labelled(tmp_path, kinds=("keyword", "existing")), tmp_path) == [("1", "no", "yes")]


def test_rows_without_an_old_or_a_new_label_have_not_changed(tmp_path: Path) -> None:
    assert changes(labelled(tmp_path), tmp_path) == []


def test_changes_are_those_of_input_rows(tmp_path: Path) -> None:
    assert changes(labelled(tmp_path, n_input=0, kinds=("keyword", "existing")), tmp_path) == []


def test_without_an_existing_voter_there_are_no_changes(tmp_path: Path) -> None:
    assert not written(labelled(tmp_path, kinds=("keyword", "regex")), tmp_path).relabelled.exists()


def test_votes_are_said_once_per_pattern() -> None:
    rows = np.array([[0, -1], [1, 1], [0, -1]], dtype=np.int16)
    assert votes_as_text(VotePatterns.from_votes(rows), ("a", "b"), LABELS).to_list() == [
        "a=no",
        "a=yes; b=yes",
    ]


@settings(max_examples=50)
@given(st.lists(st.integers(-1, 1)))
def test_class_names_agree_with_the_label_space(indices: list[int]) -> None:
    assert LABELS.series(np.array(indices, dtype=np.int16)).to_list() == [(*LABELS.names, None)[i] for i in indices]


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
    notes = class_notes(dict(zip(LABELS.names, counts, strict=True)))
    assert len(notes) == len(beginnings)
    assert all(note.startswith(beginning) for note, beginning in zip(notes, beginnings, strict=True))
