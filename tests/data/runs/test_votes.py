"""Votes come back exactly, or not at all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labeler.data.runs.directory import RunDirectory
from labeler.data.runs.votes import VoteFile, load_votes
from labeler.data.types.label_space import LabelSpace
from labeler.data.types.votes import Votes
from labeler.data.writing.atomic import write_parquet

SPACE = LabelSpace(("negative", "positive"))
IDS = ["1", "2", "3"]
VOTES = Votes.from_scores([0, -1, 1], [0.25, 0.0, 1.0])


def saved(folder: Path) -> RunDirectory:
    run = RunDirectory(folder)
    run.votes_folder.mkdir(exist_ok=True)
    save(run, "rules", IDS, VOTES)
    return run


def save(run: RunDirectory, voter: str, ids: list[str], votes: Votes) -> None:
    with VoteFile(run, voter, SPACE) as file:
        file.add(pl.Series(ids, dtype=pl.String), votes)
        file.finish("key", ids_digest=str(ids))


def load(
    run: RunDirectory, voter: str = "rules", key: str = "key", ids: list[str] = IDS, labels: LabelSpace = SPACE
) -> npt.NDArray[np.signedinteger] | None:
    return load_votes(run, voter, key, rows=len(ids), ids_digest=str(ids), label_space=labels)


@given(rows=st.lists(st.tuples(st.integers(-1, 1), st.floats(0, 1, width=32)), max_size=8), voter=st.text(max_size=9))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
def test_votes_round_trip(tmp_path: Path, rows: list[tuple[int, float]], voter: str) -> None:
    run = RunDirectory(tmp_path)
    run.votes_folder.mkdir(exist_ok=True)
    votes = Votes.from_scores(np.array([r[0] for r in rows], np.int16), np.array([r[1] for r in rows], np.float32))
    ids = [f"r{i}" for i in range(len(rows))]
    save(run, voter, ids, votes)
    back = load(run, voter, ids=ids)
    assert back is not None
    np.testing.assert_array_equal(back, votes.labels)
    confidence = pl.read_parquet(run.votes(voter), glob=False)["confidence"].fill_null(float("nan"))
    np.testing.assert_array_equal(confidence, votes.confidence)


def test_the_file_holds_names_and_nulls(tmp_path: Path) -> None:
    frame = pl.read_parquet(saved(tmp_path).votes("rules"))
    assert frame.schema == {"id": pl.String, "vote": pl.String, "confidence": pl.Float32}
    assert frame.rows() == [("1", "negative", 0.25), ("2", None, None), ("3", "positive", 1.0)]


def test_another_key_or_other_ids_or_classes_are_a_miss(tmp_path: Path) -> None:
    run = saved(tmp_path)
    assert load(run) is not None
    assert load(run, key="other") is None
    assert load(run, ids=["1", "2", "4"]) is None
    assert load(run, ids=IDS[:2]) is None
    assert load_votes(run, "rules", "key", rows=4, ids_digest=str(IDS), label_space=SPACE) is None
    assert load(run, labels=LabelSpace(("a", "b"))) is None
    assert load(run, "nobody") is None


@pytest.mark.parametrize("content", [b"", b"PAR1", b"garbage" * 100])
def test_a_damaged_file_is_a_miss(tmp_path: Path, content: bytes) -> None:
    run = saved(tmp_path)
    run.votes("rules").write_bytes(content)
    assert load(run) is None


def test_a_cut_file_is_a_miss(tmp_path: Path) -> None:
    run = saved(tmp_path)
    data = run.votes("rules").read_bytes()
    for cut in range(0, len(data), 37):
        run.votes("rules").write_bytes(data[:cut])
        assert load(run) is None


def test_a_file_with_other_columns_is_a_miss(tmp_path: Path) -> None:
    run = saved(tmp_path)
    write_parquet(
        run.votes("rules"), pl.DataFrame({"id": IDS}), metadata={"labeler_key": "key", "labeler_ids": str(IDS)}
    )
    assert load(run) is None
