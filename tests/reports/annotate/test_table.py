from __future__ import annotations

import csv
import io
import string
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labeler.data.errors import InputError
from labeler.data.types.label_space import LabelSpace
from labeler.reports.annotate.table import AnnotationTable, read_annotations

Write = Callable[..., Path]
LABELS = LabelSpace(("negative", "positive"))


def fill_in(table: AnnotationTable, labels: Sequence[str | None], notes: Sequence[str] = ("",) * 3) -> None:
    answers = zip(table.rows(), labels, notes, strict=False)
    table.write([replace(row, label=label, note=note) for row, label, note in answers])


def test_all_columns_stay_in_their_order(sample: Path, labels: LabelSpace) -> None:
    table = read_annotations(sample, labels)
    assert table.frame.columns == ["id", "text", "rating", "label", "note", "inclusion_probability"]
    assert [row.label for row in table.rows()] == [None, "negative", None]
    fill_in(table, ["positive", "negative", None], ["", "rude", "?"])
    assert sample.read_text(encoding="utf-8") == (
        "id,text,rating,label,note,inclusion_probability\n"
        'r1,"Керемет, рахмет 👍",5,positive,,0.1\nr2,Өте нашар,1,negative,rude,0.1\nr3,"two\nlines",,,?,0.2\n'
    )


def test_missing_columns_are_added(write: Write, labels: LabelSpace) -> None:
    table = read_annotations(write("text,stars\nжақсы,5\n\nнашар,1\n"), labels)
    assert table.frame.columns == ["id", "text", "stars", "label", "note"]
    assert [row.id for row in table.rows()] == ["2", "4"]  # lines of the file


def test_a_file_of_texts_alone(write: Write, labels: LabelSpace) -> None:
    path = write("text\nгүл, жақсы\nнашар\n")
    fill_in(read_annotations(path, labels), ["positive", None])
    again = read_annotations(path, labels).rows()
    assert [(row.text, row.label) for row in again] == [("гүл, жақсы", "positive"), ("нашар", None)]


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_the_delimiter_stays(write: Write, labels: LabelSpace, delimiter: str) -> None:
    path = write(delimiter.join(["id", "text", "label"]) + "\n" + delimiter.join(["1", "a, b", ""]) + "\n")
    fill_in(read_annotations(path, labels), ["positive"], ["n"])
    assert path.read_text(encoding="utf-8").splitlines() == [
        delimiter.join(["id", "text", "label", "note"]),
        delimiter.join(["1", "a, b", "positive", "n"]),
    ]


def test_other_encodings_become_utf_8_with_a_word_about_it(tmp_path: Path, labels: LabelSpace) -> None:
    path = tmp_path / "old.csv"
    path.write_bytes("id;text\n1;Очень хорошо, спасибо\n".encode("cp1251"))
    table = read_annotations(path, labels)
    assert table.notes == (f"{path} was read as cp1251. It is saved as UTF-8.",)
    fill_in(table, [None])
    assert path.read_bytes().startswith(b"\xef\xbb\xbfid;text")


def test_the_permissions_stay(sample: Path, labels: LabelSpace) -> None:
    sample.chmod(0o600)
    fill_in(read_annotations(sample, labels), [None] * 3)
    assert sample.stat().st_mode & 0o777 == 0o600


def test_a_link_stays_a_link(sample: Path, labels: LabelSpace) -> None:
    link = sample.with_name("link.csv")
    link.symlink_to(sample)
    fill_in(read_annotations(link, labels), ["positive", None, None])
    assert link.is_symlink()
    assert ",positive," in sample.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        ("id,text\n", "no rows, only a header"),
        ("id,stars,day\n1,5,2\n", "no column that is known to hold text"),
        ("id,text\n1,a\n2,b\n1,c\n", r"has the id '1' more than once \(lines 2, 4\)"),
        ("id,text\n1,a\n,b\n", "Line 3 of .* has no id"),
        ("id,text,label\n1,a,postive\n", "Line 2 of .* has the label 'postive'"),
        ("id,text,label\n1,a,\n2,b\n", "Line 3 of .* is damaged: 2 fields where the header has 3"),
    ],
)
def test_an_unusable_file(write: Write, labels: LabelSpace, content: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        read_annotations(write(content), labels)
    assert "--text-column" not in caught.value.hint


def test_only_tables_for_spreadsheets_are_filled_in(write: Write, labels: LabelSpace) -> None:
    with pytest.raises(InputError, match=r"is not a \.csv or \.tsv file"):
        read_annotations(write('{"text": "a"}\n', "a.jsonl"), labels)


def test_an_unknown_label_gets_the_nearest_name(write: Write, labels: LabelSpace) -> None:
    with pytest.raises(InputError) as caught:
        read_annotations(write("text,label\na,postive\n"), labels)
    assert "Did you mean 'positive'?" in caught.value.hint


def test_a_blank_copy_for_a_second_annotator(write: Write, labels: LabelSpace) -> None:
    rows = 'a,"A, b",5,positive,mine,"settled, was negative"\nb,B,,,,skipped\n'
    path = write(f"id,text,stars,label,note,labeler_mark\n{rows}")
    read_annotations(path, labels).write_blank(path.with_name("second.csv"))
    assert path.with_name("second.csv").read_text(encoding="utf-8") == (
        'id,text,stars,label,note\na,"A, b",5,,\nb,B,,,\n'
    )
    with pytest.raises(InputError, match=r"is not a \.csv"):
        read_annotations(path, labels).write_blank(path.with_name("second.txt"))


def test_a_note_is_no_formula(sample: Path, labels: LabelSpace) -> None:
    table = read_annotations(sample, labels)
    notes = ['=HYPERLINK("http://x")', "-5", "plain - text"]
    fill_in(table, [None] * 3, notes)
    cells = [row["note"] for row in csv.DictReader(io.StringIO(sample.read_text(encoding="utf-8")))]
    assert cells == ['\'=HYPERLINK("http://x")', "'-5", "plain - text"]
    assert [row.note for row in read_annotations(sample, labels).rows()] == notes


# What a table may hold: no NUL (read as a space) and no halves of surrogate pairs.
TEXT = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=12)
CELL = TEXT | st.text(st.sampled_from("\"'=,;\t|\r\n a"), max_size=8)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(
        st.tuples(CELL, CELL, st.sampled_from([None, *LABELS.names]), CELL.map(str.strip)), min_size=1, max_size=6
    ),
    delimiter=st.sampled_from(",;\t|"),
    header=st.text(st.sampled_from(string.ascii_lowercase), min_size=3, max_size=8),
)
def test_what_is_written_is_read_again(
    tmp_path: Path, rows: list[tuple[str, str, str | None, str]], delimiter: str, header: str
) -> None:
    path = tmp_path / "round.csv"
    other = f"other {header}"
    texts, others, labels, notes = (list(column) for column in zip(*rows, strict=True))
    empty = [None] * len(rows)
    frame = pl.DataFrame(
        {"id": [f"r{i}" for i in range(len(rows))], "text": texts, other: others, "label": empty, "note": empty}
    ).with_columns(pl.col("label", "note").cast(pl.String))
    frame.write_csv(path, separator=delimiter)
    first = read_annotations(path, LABELS)
    fill_in(first, labels, notes)
    again = read_annotations(path, LABELS)
    expected = list(zip([row.id for row in first.rows()], texts, labels, notes, strict=True))
    assert [(row.id, row.text, row.label, row.note) for row in again.rows()] == expected
    assert again.frame[other].fill_null("").to_list() == others
    assert again.frame.columns == frame.columns
