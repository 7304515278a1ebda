"""Gold labels are checked against the classes and found in the corpus by id or text."""

from __future__ import annotations

from pathlib import Path
from random import Random

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeler.data.errors import InputError
from labeler.data.gold.gold_rows import GoldTable, read_gold
from labeler.data.gold.match import GoldMatcher, match_gold
from labeler.data.types.label_space import LabelSpace
from labeler.data.writing.atomic import write_csv

SPACE = LabelSpace(("negative", "positive"))


def write(folder: Path, content: str) -> Path:
    path = folder / "gold.csv"
    path.write_text(content, encoding="utf-8")
    return path


def table(rows: list[tuple[str | None, str | None, int]]) -> GoldTable:
    schema = {"id": pl.String, "text": pl.String, "label": pl.Int16}
    frame = pl.DataFrame(rows, schema=schema, orient="row").with_columns(weight=pl.lit(1.0))
    return GoldTable(frame, "gold.csv", "")


def test_id_text_and_label_are_read(tmp_path: Path) -> None:
    gold = read_gold(write(tmp_path, "id,text,domain,label\n007,Керемет,m,positive\n2,Нашар,m, negative \n"), SPACE)
    assert gold.frame.rows() == [("007", "Керемет", 1, None, None, 1.0), ("2", "Нашар", 0, None, None, 1.0)]
    numbers = dict.fromkeys(("inclusion_probability", "rows", "weight"), pl.Float64)
    assert gold.frame.schema == {"id": pl.String, "text": pl.String, "label": pl.Int16} | numbers


@pytest.mark.parametrize("name", ["label", "Gold", "category", "класс", "Метка", "sentiment"])
def test_usual_label_names_are_guessed(tmp_path: Path, name: str) -> None:
    assert len(read_gold(write(tmp_path, f"text,{name}\na,positive\n"), SPACE)) == 1


def test_id_and_label_are_enough(tmp_path: Path) -> None:
    gold = read_gold(write(tmp_path, "id,label\n1,positive\n"), SPACE)
    assert gold.frame.select("id", "text", "label", "weight").rows() == [("1", None, 1, 1.0)]


def test_of_several_label_columns_the_one_with_our_classes_is_taken(tmp_path: Path) -> None:
    gold = read_gold(write(tmp_path, "text,category,label\na,shoes,positive\n"), SPACE)
    assert gold.frame["label"].to_list() == [1]
    with pytest.raises(InputError, match="several label columns: label, gold"):
        read_gold(write(tmp_path, "text,label,gold\na,positive,negative\n"), SPACE)


def test_blank_labels_are_skipped(tmp_path: Path) -> None:
    gold = read_gold(write(tmp_path, "id,text,label\n1,a,positive\n2,b,\n3,c,  \n,,positive\n4,d\n"), SPACE)
    assert len(gold) == 1
    with pytest.raises(InputError, match="has no labelled row"):
        read_gold(write(tmp_path, "text,label\na,\n"), SPACE)


def test_unknown_labels_are_listed_with_the_known_ones_and_the_nearest(tmp_path: Path) -> None:
    path = write(tmp_path, "text,label\na,POSITIVE\nb,Positiv\nc,neutral\nd,neutral\n")
    with pytest.raises(
        InputError, match=r"3 labels that are not classes of this task: 'Positiv', 'neutral' .first on line 3"
    ) as caught:
        read_gold(path, SPACE)
    assert caught.value.hint == "Did you mean 'positive'? Known: negative, positive."


def test_no_label_or_text_column(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no label column\. Columns found: text, foo"):
        read_gold(write(tmp_path, "text,foo\na,b\n"), SPACE)
    with pytest.raises(InputError, match="no column that is known to hold text"):
        read_gold(write(tmp_path, "foo,bar,label\na,b,positive\n"), SPACE)


def test_repeated_rows_count_once_and_conflicts_are_named(tmp_path: Path) -> None:
    assert len(read_gold(write(tmp_path, "id,text,label\n1,a,positive\n1,a,positive\n"), SPACE)) == 1
    with pytest.raises(InputError, match=r"gives the id '1' different labels: positive, negative .lines 2, 3"):
        read_gold(write(tmp_path, "id,text,label\n1,a,positive\n1,a,negative\n"), SPACE)
    with pytest.raises(InputError, match="gives the text 'a' different labels"):
        read_gold(write(tmp_path, "text,label\na,positive\na,negative\n"), SPACE)


def test_equal_texts_with_different_ids_may_differ(tmp_path: Path) -> None:
    gold = read_gold(write(tmp_path, "id,text,label\n1,a,positive\n2,a,negative\n"), SPACE)
    assert match_gold(gold, ["2", "1"], ["a", "a"]).labels.tolist() == [0, 1]
    with pytest.raises(InputError, match="two labels to one review: 'a'"):
        match_gold(gold, ["x"], ["a"])


def test_matching_goes_by_id_if_the_texts_agree_else_by_text() -> None:
    gold = table([("1", "good", 1), ("2", "bad", 0), ("3", None, 1), (None, "same", 0), ("9", "gone", 1)])
    found = match_gold(gold, ["1", "2", "3", "4", "5", "6"], [" good ", "other", "any", "same", "bad", "same"])
    assert found.labels.tolist() == [1, -1, 1, 0, 0, 0]
    assert found.positions.tolist() == [0, 2, 3, 4, 5]
    assert found.rows.tolist() == [0, 2, 3, 1, 3]
    assert found.missing.tolist() == [4]
    assert found.labels.dtype == np.int16


def test_nothing_matches() -> None:
    found = match_gold(table([("1", "a", 1)]), ["2"], ["b"])
    assert (found.labels.tolist(), found.missing.tolist(), len(found.rows)) == ([-1], [0], 0)


@given(st.lists(st.tuples(st.text("ab", max_size=3), st.integers(0, 1)), min_size=1, max_size=8), st.randoms())
def test_permuting_the_corpus_permutes_the_labels(rows: list[tuple[str, int]], random: Random) -> None:
    labels = dict(rows)
    gold = table([(None, text, label) for text, label in labels.items()])
    texts = [text for text, _ in rows]
    order = list(range(len(texts)))
    random.shuffle(order)
    plain = match_gold(gold, [str(i) for i in order], texts).labels
    mixed = match_gold(gold, [str(i) for i in order], [texts[i] for i in order]).labels
    assert mixed.tolist() == plain[order].tolist()
    assert plain.tolist() == [labels[text] for text in texts]


@given(st.integers(1, 7))
def test_a_corpus_may_come_in_chunks(size: int) -> None:
    gold = table([("1", "good", 1), ("2", "bad", 0), ("3", None, 1), (None, "same", 0), ("9", "gone", 1)])
    ids = pl.Series(["1", "2", "3", "4", "5", "6"])
    texts = pl.Series([" good ", "other", "any", "same", "bad", "same"])
    matcher = GoldMatcher(gold)
    for start in range(0, 6, size):
        matcher.add(ids.slice(start, size), texts.slice(start, size))
    found, whole = matcher.match(), match_gold(gold, ids, texts)
    for name in ("rows", "positions", "labels", "missing"):
        assert getattr(found, name).tolist() == getattr(whole, name).tolist()


def test_rows_of_an_uneven_sample_weigh_the_inverse_of_their_inclusion_probability(tmp_path: Path) -> None:
    gold = read_gold(write(tmp_path, "text,label,inclusion_probability\na,positive,0.5\nb,negative,0.1\nc,,x\n"), SPACE)
    assert gold.frame["weight"].to_list() == pytest.approx([2 / 6, 10 / 6])


@pytest.mark.parametrize("value", ["0", "1.5", "often", "nan"])
def test_an_inclusion_probability_must_be_one(tmp_path: Path, value: str) -> None:
    rows = f"text,label,inclusion_probability\na,positive,0.5\nb,negative,{value}\n"
    with pytest.raises(InputError, match=rf"1 labelled rows.*'{value}' \(first on line 3"):
        read_gold(write(tmp_path, rows), SPACE)


def test_rows_of_a_csv_with_escaped_formulas_are_found(tmp_path: Path) -> None:
    corpus = pl.DataFrame({"id": ["-1", "=2", "'3"], "text": ["-5 of 10", "@shop bad", "'quoted'"]})
    write_csv(tmp_path / "gold.csv", corpus.with_columns(label=pl.lit("positive")))
    found = match_gold(read_gold(tmp_path / "gold.csv", SPACE), corpus["id"], corpus["text"])
    assert (found.labels.tolist(), found.missing.tolist()) == ([1, 1, 1], [])


def test_reviews_of_one_product_may_have_different_labels(tmp_path: Path) -> None:
    gold = read_gold(write(tmp_path, "id,text,label\n7,a,positive\n7,b,negative\n7.0,a,positive\n"), SPACE)
    assert gold.frame.select("id", "text").rows() == [("7", "a"), ("7", "b")]


@pytest.mark.parametrize(
    "columns", ["label,confidence,p_negative,p_positive,covered,votes", "label,confidence,p_negative,p_positive"]
)
def test_labels_of_this_program_are_no_gold(tmp_path: Path, columns: str) -> None:
    row = "positive,0.9,0.1,0.9,true,words=positive".split(",")[: columns.count(",") + 1]
    with pytest.raises(InputError, match="holds labels that labeler made") as caught:
        read_gold(write(tmp_path, f"id,text,{columns}\n1,Керемет,{','.join(row)}\n"), SPACE)
    assert "a person has labelled" in caught.value.hint
