"""Texts that are in several columns, or inside nested values."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from labeler.data.errors import InputError
from labeler.data.reading.reviews import open_stream
from labeler.data.reading.text_columns import TextColumns

from ...tables import read_table

EXPORT = """Оценка;Достоинства;Недостатки;Комментарий;id
5;Лёгкий;нет;;1
1;;Сломался!;Вернул;2
4;-;None;;3
3;Цена;👎;Ну;4
"""


def test_pros_cons_and_comment_are_joined(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(EXPORT, encoding="utf-8")
    table = read_table(path)
    assert table.frame["text"].to_list() == ["Лёгкий", "Сломался! Вернул", "Цена. 👎 Ну"]
    assert table.frame.columns == ["id", "text", "Оценка", "Достоинства", "Недостатки", "Комментарий"]
    assert [row[:2] for row in table.rejected.rows()] == [(4, "empty text")]
    assert table.notes == ("Texts are joined from the columns 'Достоинства', 'Недостатки', 'Комментарий'.",)
    one = read_table(path, text_column="Комментарий")
    assert one.frame["text"].to_list() == ["Вернул", "Ну"]


def test_named_columns_are_joined_in_the_order_named(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("title,body\nGood,Not cheap\n,ok\n")
    assert read_table(path, text_column=["body", "title"]).frame["text"].to_list() == ["Not cheap. Good", "ok"]
    assert read_table(path, text_column=["title"]).frame["text"].to_list() == ["Good"]
    with open_stream(path, likely_text=["title", "body"]) as stream:
        assert next(iter(stream)).frame["text"].to_list() == ["Good. Not cheap", "ok"]
    with open_stream(path, likely_text=["title", "gone"], text_column="body") as stream:
        assert stream.text_column == "body"
    with pytest.raises(InputError, match="no column 'titel'"):
        read_table(path, text_column=["body", "titel"])


@pytest.mark.parametrize("name", ["a.jsonl", "a.parquet", "a.csv"])
def test_texts_inside_nested_values(tmp_path: Path, name: str) -> None:
    values = [{"text": "a", "by": {"name": "x"}}, {"text": None, "by": None}, {"text": "c", "by": {"name": "y"}}]
    frame = pl.DataFrame({"id": ["1", "2", "3"], "review": values})
    if name.endswith("jsonl"):
        frame.write_ndjson(tmp_path / name)
    elif name.endswith("parquet"):
        frame.write_parquet(tmp_path / name)
    else:
        frame.with_columns(review=pl.Series([json.dumps(value) for value in values])).write_csv(tmp_path / name)
    table = read_table(tmp_path / name)
    assert table.frame["text"].to_list() == ["a", "c"]
    assert "review" in table.frame.columns
    assert table.notes == ("Texts are the values of 'review.text'.",)
    assert read_table(tmp_path / name, text_column="review.by.name").frame["text"].to_list() == ["x", "y"]
    with pytest.raises(InputError, match=r"no key 'review.txt'") as caught:
        read_table(tmp_path / name, text_column="review.txt")
    assert "Did you mean 'review.text'?" in caught.value.hint


@pytest.mark.parametrize("row", ['{"q": {"text": "x"}, "a": {"comment": "y"}}', '{"text": {"text": "x", "body": "y"}}'])
def test_keys_that_may_hold_the_text_are_named(tmp_path: Path, row: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(f"{row}\n" * 2)
    with pytest.raises(InputError, match=r"may hold the text: (q\.text, a\.comment|text\.text, text\.body)"):
        read_table(path)


def test_counts_of_likes_are_no_texts(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("plus,minus,text\n5,3,good\n,1,bad\n")
    assert read_table(tmp_path / "a.csv").frame["text"].to_list() == ["good", "bad"]


def test_a_joined_text_joins_to_itself() -> None:
    once = TextColumns(("a", "b")).of(pl.DataFrame({"a": ["Да", "х)"], "b": ["нет", " ok "]}))
    assert once.to_list() == ["Да", "х) ok"]
    assert TextColumns(("text",)).of(pl.DataFrame([once])).to_list() == once.to_list()
