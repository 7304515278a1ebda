"""One reader of a labelled run: what it gives, in which order, and what it says of damage."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from labeler.data.errors import RunError
from labeler.data.gold.gold_rows import read_gold
from labeler.data.gold.run_gold import find_gold, own_gold
from labeler.data.runs.directory import RunDirectory
from labeler.data.runs.labels import LabelledRun

VOTES = {"rules": ["good", "bad", None, "bad"], "emoji": [None, "bad", None, "good"]}


@pytest.fixture
def labelled(tmp_path: Path) -> LabelledRun:
    """Three input rows and a gold row of its own; the JSON and the table have the classes in another order."""
    run = RunDirectory(tmp_path)
    run.votes_folder.mkdir()
    run.config.write_text('[task]\n[[task.labels]]\nname = "good"\n[[task.labels]]\nname = "bad"\n', encoding="utf-8")
    summary = {"class_balance": {"bad": 0.25, "good": 0.75}, "voters": [{"voter": name} for name in VOTES]}
    run.summary.write_text(json.dumps(summary), encoding="utf-8")
    rows = pl.DataFrame(
        {
            "id": ["1", "2", "3", "4"],
            "text": ["жақсы", "жаман", "бар", "тамаша"],
            "label": ["good", "bad", None, "good"],
            "confidence": [0.9, 0.8, None, 0.7],
            "p_bad": [0.1, 0.8, 0.25, 0.3],
            "p_good": [0.9, 0.2, 0.75, 0.7],
            "covered": [True, True, False, True],
            "votes": ["", "", "", ""],
        }
    )
    rows.head(3).write_parquet(run.labels)
    truth = pl.Series("gold", ["good", "bad"])
    rows[[0, 3]].insert_column(2, truth).insert_column(3, pl.Series("weight", [1.5, 0.5])).write_parquet(run.gold)
    for name, votes in VOTES.items():
        frame = pl.DataFrame([rows["id"], pl.Series("vote", votes, pl.String)])
        frame.write_parquet(run.votes(name))
    return LabelledRun(run)


def test_classes_come_in_the_order_of_the_task(labelled: LabelledRun) -> None:
    assert labelled.label_space.names == ("good", "bad")
    np.testing.assert_allclose(labelled.soft.probs, [[0.9, 0.1], [0.2, 0.8], [0.75, 0.25]])
    assert labelled.soft.covered.tolist() == [True, True, False]
    assert labelled.class_balance.tolist() == [0.75, 0.25]
    assert labelled.hard.tolist() == [0, 1, -1]
    np.testing.assert_allclose(labelled.confidence, [0.9, 0.8, np.nan])


def test_ids_and_texts(labelled: LabelledRun) -> None:
    assert labelled.ids.to_list() == ["1", "2", "3"]
    assert labelled.texts.to_list() == ["жақсы", "жаман", "бар"]


def test_votes_of_all_rows_of_some_rows_and_of_one_voter(labelled: LabelledRun) -> None:
    assert labelled.voters == ("rules", "emoji")
    assert labelled.vote_matrix().tolist() == [[0, -1], [1, 1], [-1, -1], [1, 0]]
    assert labelled.vote_matrix(["emoji"], pl.Series(["4", "2", "nobody"])).tolist() == [[0], [1], [-1]]
    assert labelled.votes("rules").columns == ["id", "vote"]


def test_a_voter_without_a_model_is_its_own_family(labelled: LabelledRun) -> None:
    assert labelled.families == {"rules": "rules", "emoji": "emoji"}


def test_own_gold_rows(labelled: LabelledRun) -> None:
    gold = own_gold(labelled)
    assert gold is not None
    assert (gold.ids.to_list(), gold.labels.tolist(), gold.weak.tolist()) == (["1", "4"], [0, 1], [0, 0])
    np.testing.assert_allclose(gold.probs, [[0.9, 0.1], [0.7, 0.3]])
    assert gold.weights.tolist() == [1.5, 0.5]


def test_a_run_without_gold_rows_has_none(labelled: LabelledRun) -> None:
    labelled.run.gold.unlink()
    assert own_gold(labelled) is None


def test_given_gold_rows_are_found_among_input_and_own_gold_rows(labelled: LabelledRun, tmp_path: Path) -> None:
    file = tmp_path / "given.csv"
    file.write_text("text,label\nжаман,good\nтамаша,good\nжаңа,bad\n", encoding="utf-8")
    rows, found = find_gold(labelled, read_gold(file, labelled.label_space))
    assert (found, rows.ids.to_list()) == (2, ["2", "4", ""])
    assert (rows.labels.tolist(), rows.weak.tolist()) == ([0, 0, 1], [1, 0, -1])
    assert (rows.texts.to_list(), rows.probs.shape) == (["жаман", "тамаша", "жаңа"], (3, 2))
    assert np.isnan(rows.probs).any(axis=1).tolist() == [False, False, True]


def test_nothing_is_read_that_is_not_asked_for(labelled: LabelledRun) -> None:
    for path in (labelled.run.summary, labelled.run.votes("rules"), labelled.run.gold):
        path.write_bytes(b"damaged")
    assert len(labelled.soft) == 3


@pytest.mark.parametrize(
    ("name", "attribute"),
    [
        ("labels.parquet", "soft"),
        ("labels.parquet", "hard"),
        ("summary.json", "class_balance"),
        ("summary.json", "voters"),
        ("config.toml", "label_space"),
        ("gold.parquet", "gold"),
    ],
)
@pytest.mark.parametrize("content", [b"PAR1", b"{}", None])
def test_damage_is_explained(labelled: LabelledRun, name: str, attribute: str, content: bytes | None) -> None:
    path = labelled.run.path / name
    if content is not None:
        path.write_bytes(content)
    elif name != "gold.parquet":
        path.unlink()
    else:
        path.write_bytes(b"")
    with pytest.raises(RunError, match=r"weak labels in .* cannot be read") as caught:
        getattr(labelled, attribute)
    assert "labeler label --force --run" in (caught.value.hint or "")


def test_a_missing_vote_file_is_explained(labelled: LabelledRun) -> None:
    labelled.run.votes("emoji").unlink()
    with pytest.raises(RunError, match="cannot be read"):
        labelled.vote_matrix()


def test_the_label_model_s_probabilities_of_texts_are_its_own_where_labels_were_refined(labelled: LabelledRun) -> None:
    found = labelled.label_model_of(["бар", "жақсы", "бар"])
    np.testing.assert_allclose(found.probs, [[0.75, 0.25], [0.9, 0.1], [0.75, 0.25]])
    assert found.covered.tolist() == [False, True, False]
    rows = pl.read_parquet(labelled.run.labels)
    own = rows.with_columns(weak_label="label", weak_p_good=1 - pl.col("p_good"), weak_p_bad="p_good")
    own.write_parquet(labelled.run.labels)
    np.testing.assert_allclose(LabelledRun(labelled.run).label_model_of(["жақсы"]).probs, [[0.1, 0.9]])
