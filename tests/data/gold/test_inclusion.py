"""Hand labels get their inclusion probabilities back from the run that drew them."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from labeler.data.gold.gold_rows import read_gold
from labeler.data.gold.inclusion import with_record
from labeler.data.gold.match import match_gold
from labeler.data.runs.directory import RunDirectory
from labeler.data.types.label_space import LabelSpace

SPACE = LabelSpace(("negative", "positive"))


@pytest.fixture
def sampled(tmp_path: Path) -> Path:
    """Record of two samples, as `labeler sample` keeps it."""
    path = tmp_path / "sampled.parquet"
    columns = {"id": ["1", "2", "3"], "text": ["a", "b", "c"], "inclusion_probability": [0.5, 0.1, 0.2]}
    pl.DataFrame(columns | {"rows": [1, 1, 2], "sample": [1, 1, 2]}).write_parquet(path)
    return path


def weights(folder: Path, content: str, sampled: Path) -> tuple[list[float], tuple[str, ...]]:
    (folder / "gold.csv").write_text(content, encoding="utf-8")
    gold = with_record(read_gold(folder / "gold.csv", SPACE), RunDirectory(sampled.parent))
    return gold.frame["weight"].to_list(), gold.notes


def test_probabilities_are_looked_up_by_id(tmp_path: Path, sampled: Path) -> None:
    found, notes = weights(tmp_path, "id,label\n2,negative\n1,positive\n", sampled)
    assert found == pytest.approx([10 / 6, 2 / 6])
    assert len(notes) == 1
    assert "record of its samples does for 2 of 2" in notes[0]


def test_what_the_file_says_is_the_same(tmp_path: Path, sampled: Path) -> None:
    plain, _ = weights(tmp_path, "id,label\n2,negative\n1,positive\n3,positive\n", sampled)
    said = 'id,label,inclusion_probability,rows\n2,negative,0.1,1\n1,positive,"0,5",1\n3,positive,0.2,2\n'
    found, notes = weights(tmp_path, said, sampled)
    assert found == pytest.approx(plain)
    assert not notes


def test_a_file_of_another_run_keeps_its_own(tmp_path: Path, sampled: Path) -> None:
    found, notes = weights(tmp_path, "id,label,inclusion_probability\n2,negative,0.3\n1,positive,0.6\n", sampled)
    assert found == pytest.approx([4 / 3, 2 / 3])
    assert not notes


def test_labels_of_no_sample_are_named(tmp_path: Path, sampled: Path) -> None:
    found, notes = weights(tmp_path, "id,label\n1,positive\n2,negative\n9,positive\n", sampled)
    assert found[2] == pytest.approx((found[0] + found[1]) / 2)
    assert "1 of 3 hand labels have no inclusion_probability and are in no sample of this run" in notes[1]


def test_without_a_record_all_count_the_same(tmp_path: Path) -> None:
    assert weights(tmp_path, "id,label\n1,positive\n2,negative\n", tmp_path / "none" / "sampled.parquet") == (
        [1, 1],
        (),
    )


def test_reviews_found_by_the_text_of_a_drawn_one_share_its_weight(tmp_path: Path) -> None:
    path = tmp_path / "gold.csv"
    path.write_text("text,label,inclusion_probability,rows\na,positive,0.5,2\nb,negative,0.5,1\n", encoding="utf-8")
    gold = read_gold(path, SPACE)
    match = match_gold(gold, ["1", "2", "3"], ["a", "a", "b"])
    assert match.weights(gold).tolist() == pytest.approx([2 / 3, 2 / 3, 2 / 3])
