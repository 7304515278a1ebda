"""From a stream of reviews to stored labels, with a model that costs nothing."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from labeler.data.errors import ConfigError, InputError
from labeler.data.types.label_space import LabelSpace
from labeler.models import predict as predicting
from labeler.models.predict import PredictJob, predict_reviews, predict_texts, with_predictions

LABELS = LabelSpace(("negative", "positive"))


class Stub:
    """Calls texts with a plus positive, and counts what it is asked."""

    labels = LABELS
    digest = "stub"
    asked = 0

    def predict_proba(self, texts: Sequence[str]) -> Any:
        self.asked += len(texts)
        positive = np.array(["+" in text for text in texts], np.float32) * 0.8 + 0.1
        return np.stack([1 - positive, positive], axis=1)


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Stub:
    stub = Stub()
    monkeypatch.setattr(predicting, "load_end_model", lambda folder: stub)
    return stub


def job(folder: Path, text: str, output: str = "out.csv", **options: Any) -> PredictJob:
    source = folder / "in.csv"
    source.write_text(text, encoding="utf-8")
    return PredictJob(str(source), folder / "model", str(folder / output), folder / "rejected.jsonl", **options)


def test_labels_are_added_and_all_columns_kept(model: Stub, tmp_path: Path) -> None:
    done = predict_reviews(job(tmp_path, "id,stars,text\na,5,good +\nb,1,bad\n"))
    frame = pl.read_csv(tmp_path / "out.csv")
    assert frame.columns == ["id", "stars", "text", "label", "confidence", "p_negative", "p_positive"]
    assert frame["label"].to_list() == ["positive", "negative"]
    assert frame["confidence"].to_list() == pytest.approx([0.9, 0.9])
    assert (done.written.rows_new, done.rejected) == (2, 0)


def test_only_new_ids_are_predicted_again_unless_forced(model: Stub, tmp_path: Path) -> None:
    predict_reviews(job(tmp_path, "id,text\na,x +\nb,y\n"))
    more = "id,text\na,x +\nb,y\nc,z\n"
    done = predict_reviews(job(tmp_path, more))
    assert (model.asked, done.written.rows_new, done.written.rows_before) == (3, 1, 2)
    predict_reviews(job(tmp_path, more, force=True))
    assert model.asked == 6
    assert pl.read_csv(tmp_path / "out.csv")["id"].to_list() == ["a", "b", "c"]


def test_rows_with_blank_ids_are_stored_once(model: Stub, tmp_path: Path) -> None:
    for _ in range(2):
        predict_reviews(job(tmp_path, "id,text\na,x\n,y +\n", id_column="id"))
    frame = pl.read_csv(tmp_path / "out.csv")
    assert len(frame) == 2
    assert frame["id"].null_count() == 0
    assert model.asked == 2


def test_unusable_rows_are_listed_and_an_old_list_goes(model: Stub, tmp_path: Path) -> None:
    done = predict_reviews(job(tmp_path, "id,text\na,x\nb,\n"))
    (line,) = (tmp_path / "rejected.jsonl").read_text(encoding="utf-8").splitlines()
    assert (json.loads(line)["line"], done.rejected) == (3, 1)
    predict_reviews(job(tmp_path, "id,text\nc,x\n"))
    assert not (tmp_path / "rejected.jsonl").exists()


@pytest.mark.parametrize("name", ["out.csv", "out.jsonl", "out.parquet", "sqlite"])
def test_rows_without_content_are_stored_without_a_label(model: Stub, tmp_path: Path, name: str) -> None:
    where = {"table": "t"} if name == "sqlite" else {}
    made = job(tmp_path, "id,text\na,-\nb,nan\nc,x +\nd,[]\n", name, **where)
    if where:
        made = replace(made, output=f"sqlite:///{tmp_path}/out.db")
    done = predict_reviews(made)
    assert (done.written.rows_new, done.without_content) == (4, 3)
    predict_reviews(made)
    assert model.asked == 1
    if where:
        with closing(sqlite3.connect(tmp_path / "out.db")) as connection:
            frame = pl.read_database("SELECT * FROM t ORDER BY id", connection)
    else:
        read: dict[str, Any] = {".csv": pl.read_csv, ".jsonl": pl.read_ndjson, ".parquet": pl.read_parquet}
        frame = read[Path(name).suffix](tmp_path / name)
    assert frame["label"].to_list() == [None, None, "positive", None]
    assert frame["confidence"].null_count() == frame["p_negative"].null_count() == 3


def test_other_columns_are_explained(model: Stub, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="review"):
        predict_reviews(job(tmp_path, "id,text\na,x\n", text_column="review"))


def test_columns_of_the_same_name_are_renamed() -> None:
    frame = pl.DataFrame({"label": ["old"], "confidence": [3], "confidence_input": [4]})
    found = with_predictions(frame, np.array([[0.3, 0.7]], np.float32), LABELS)
    assert found["label"].to_list() == ["positive"]
    assert found["label_input"].to_list() == ["old"]
    assert found["confidence_input_2"].to_list() == [3]


def test_an_id_column_that_predictions_would_replace_is_refused(model: Stub, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"'label'.*p_negative"):
        predict_reviews(job(tmp_path, "label,text\na,x\n", id_column="label"))
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize("name", ["in.csv", "link.csv", "sub/../in.csv"])
@pytest.mark.parametrize("force", [True, False])
def test_a_file_is_not_written_over_while_it_is_read(model: Stub, tmp_path: Path, name: str, force: bool) -> None:
    text = "id,text\na,x\nb,\na,another\n"
    (tmp_path / "sub").mkdir()
    (tmp_path / "link.csv").symlink_to(tmp_path / "in.csv")
    with pytest.raises(ConfigError, match="is an input file too"):
        predict_reviews(job(tmp_path, text, name, force=force))
    assert (tmp_path / "in.csv").read_text(encoding="utf-8") == text
    several = PredictJob(str(tmp_path / "*.csv"), tmp_path, str(tmp_path / "in.csv"), tmp_path / "r", force=force)
    with pytest.raises(ConfigError, match="is an input file too"):
        predict_reviews(several)


def test_texts_are_joined_as_they_were_labelled(model: Stub, tmp_path: Path) -> None:
    rows = "id,title,body\n1,good,+\n2,,bad\n"
    predict_reviews(job(tmp_path, rows, likely_text=("body", "title")))
    assert pl.read_csv(tmp_path / "out.csv")["label"].to_list() == ["positive", "negative"]
    predict_reviews(job(tmp_path, "id,text\n1,+\n", "other.csv", likely_text=("body", "title")))
    assert pl.read_csv(tmp_path / "other.csv").columns[:2] == ["id", "text"]


def test_two_reviews_of_one_product_are_both_predicted_once(model: Stub, tmp_path: Path) -> None:
    rows = "id,text\n" + "".join(f"{number % 10},review {number}\n" for number in range(20))
    assert predict_reviews(job(tmp_path, rows)).written.rows_new == 20
    done = predict_reviews(job(tmp_path, rows + "3,new\n"))
    assert (done.written.rows_new, done.written.rows_before) == (1, 20)
    frame = pl.read_csv(tmp_path / "out.csv")
    assert frame["id_input"].value_counts().filter(pl.col("id_input") == 3)["count"].to_list() == [3]


@pytest.mark.parametrize("name", ["out.csv", "out.jsonl", "out.parquet", "sqlite"])
def test_reviews_of_one_product_may_come_on_different_days(model: Stub, tmp_path: Path, name: str) -> None:
    where = {"table": "t"} if name == "sqlite" else {}

    def predict(rows: str) -> int:
        made = job(tmp_path, "id,text\n" + rows, name, **where)
        made = replace(made, output=f"sqlite:///{tmp_path}/a.db") if where else made
        return predict_reviews(made).written.rows_new

    assert predict("7,good +\n8,bad\n") == 2
    assert predict("7,other\n8,bad\n") == 1
    assert predict("7,other\n7,good +\n9,new\n") == 1
    assert predict("9,new\n7,good +\n7,other\n8,bad\n") == 0
    assert predict("7,third\n7,other\n7,fourth\n") == 2


def test_numbers_of_parquet_and_csv_are_the_same_ids(model: Stub, tmp_path: Path) -> None:
    predict_reviews(job(tmp_path, "id,text\n1,x\n2.0,y\n"))
    pl.DataFrame({"id": [1.0, 2.0, 3.0], "text": ["x", "y", "z"]}).write_parquet(tmp_path / "more.parquet")
    again = replace(job(tmp_path, ""), source=str(tmp_path / "more.parquet"))
    assert predict_reviews(again).written.rows_new == 1


def test_single_texts_are_labelled_as_those_of_a_file(model: Stub) -> None:
    found = predict_texts(model, ["good +", None, " \u200b ", "-", "a\0b", "\ud83d+"])  # type: ignore[arg-type]
    assert found.columns == ["text", "label", "confidence", "p_negative", "p_positive", "reason"]
    assert found["label"].to_list() == ["positive", None, None, None, "negative", "positive"]
    assert found["reason"].to_list() == [None, "empty text", "empty text", "no content", None, None]
    assert found["confidence"].to_list() == pytest.approx([0.9, None, None, None, 0.9, 0.9])
    assert model.asked == 3
    assert predict_texts(model, []).is_empty()  # type: ignore[arg-type]
