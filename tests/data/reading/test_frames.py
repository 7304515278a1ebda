"""Tables in memory: read as the CSV of the same rows is, by reviews and by hand labels."""

from __future__ import annotations

import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from labeler.data.errors import InputError
from labeler.data.gold.gold_rows import read_gold
from labeler.data.reading.frames import as_frame
from labeler.data.reading.reviews import open_stream
from labeler.data.types.label_space import LabelSpace
from labeler.data.writing.overwriting import local_files

from ...tables import read_table

SPACE = LabelSpace(("negative", "positive"))
ROWS = {
    "id": [7, 8, 7, 7, None, 9],
    "text": ["Керемет", "  ", "Нашар", "Керемет", 'a "b", c\nd', None],
    "stars": [5.0, 4.5, None, 5.0, 1.0, 2.0],
    "day": [datetime.date(2024, 1, 31)] * 6,
    "note": ["", "x", None, "y", "z", "q"],
    "label": ["positive", "", "negative", "positive", None, "positive"],
}


class Dataset:
    """Offers its rows as a `datasets.Dataset` does."""

    def __init__(self, rows: dict[str, object]) -> None:
        self._rows = rows

    def to_polars(self) -> pl.DataFrame:
        return pl.DataFrame(self._rows, strict=False)


TABLES = {
    "a DataFrame": [pl.DataFrame(ROWS), pd.DataFrame(ROWS), pd.DataFrame(ROWS).set_index("id")],
    "a Dataset": [Dataset(ROWS)],
    "a Table": [pl.DataFrame(ROWS).to_arrow()],
}


@pytest.mark.parametrize(("name", "source"), [(name, source) for name, found in TABLES.items() for source in found])
def test_a_table_in_memory_is_read_like_its_csv(tmp_path: Path, name: str, source: object) -> None:
    if isinstance(source, pd.DataFrame):
        pd.DataFrame(ROWS).to_csv(tmp_path / "a.csv", index=False)  # whole numbers beside NaN are floats
    else:
        pl.DataFrame(ROWS).write_csv(tmp_path / "a.csv")
    file, table = read_table(tmp_path / "a.csv"), read_table(source)
    assert_frame_equal(table.frame, file.frame)
    assert table.rejected.select("line", "reason").rows() == [
        (2, "empty text"),
        (4, "the same id '7' and text as on line 1"),
        (6, "empty text"),
    ]
    assert table.rejected["excerpt"].to_list() == file.rejected["excerpt"].to_list()
    assert (table.source, table.text_column, table.id_column) == (name, "text", "id")
    assert table.notes == file.notes
    gold, expected = read_gold(source, SPACE), read_gold(tmp_path / "a.csv", SPACE)
    assert_frame_equal(gold.frame, expected.frame)
    assert gold.source == name


def test_chunks_and_digest_depend_on_the_content_alone() -> None:
    frame = pl.DataFrame(ROWS)
    with open_stream(frame, chunk_rows=1) as stream:
        parts = [chunk.frame for chunk in stream]
        digest = stream.digest()
    assert_frame_equal(pl.concat(parts), read_table(frame).frame)
    assert digest == read_table(frame.to_arrow()).digest != read_table(frame.head(5)).digest
    assert digest != read_table(frame.rename({"note": "remark"})).digest


def test_a_list_of_texts_makes_ids_from_them(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("жақсы\nнашар\nжақсы\n", encoding="utf-8")
    texts = ["жақсы", "нашар", "жақсы", None, float("nan"), " "]
    table = read_table(texts)
    assert_frame_equal(table.frame, read_table(tmp_path / "a.txt").frame)
    assert table.rejected["line"].to_list() == [4, 5, 6]
    assert table.source == "a list of texts"
    assert read_table(["a\ud83d"]).frame["text"].to_list() == ["a\ufffd"]
    with pytest.raises(InputError, match="a list of texts has no rows"):
        read_table([])
    with pytest.raises(InputError, match="A list of texts holds an int: '5'"):
        read_table(["a", 5])


def test_a_column_alone_is_a_table() -> None:
    texts = ["жақсы", "нашар"]
    for column in (pl.Series(texts), pd.Series(texts), pl.Series("review", texts), pd.Series(texts, name="review")):
        assert read_table(column).frame["text"].to_list() == texts


def test_values_of_any_type_become_the_text_a_csv_holds() -> None:
    mixed = pd.DataFrame(
        {
            "text": ["a", 5, np.nan, pd.NA],
            "n": pd.array([1, None, 3, 4], dtype="Int64"),
            "f": [1, np.nan, 3, 4],
            "kind": pd.Categorical(["x", "y", None, "x"]),
            "yes": [True, False, True, None],
            3: [{1, 2}, None, None, None],
        }
    )
    frame = (as_frame(mixed) or ("", pl.DataFrame()))[1]
    assert frame.schema == dict.fromkeys(["text", "n", "f", "kind", "yes", "3"], pl.String)
    assert frame.row(0) == ("a", "1", "1.0", "x", "true", "{1, 2}")
    assert frame.row(1) == ("5", None, None, "y", "false", None)
    assert frame["text"].to_list() == ["a", "5", None, None]
    doubled = pd.DataFrame([["a", 1, 2]], columns=["text", "x", "x"])
    assert (as_frame(doubled) or ("", pl.DataFrame()))[1].columns == ["text", "x", "x_2"]


def test_nested_values_stay() -> None:
    frame = pl.DataFrame({"review": [{"text": "good", "by": "x"}, {"text": "bad", "by": "y"}]})
    assert read_table(frame, text_column="review.text").frame["text"].to_list() == ["good", "bad"]
    assert read_table(frame).frame["text"].to_list() == ["good", "bad"]


def test_errors_name_the_table() -> None:
    frame = pl.DataFrame(ROWS)
    with pytest.raises(InputError, match="a DataFrame has no column 'review'"):
        read_table(frame, text_column="review")
    with pytest.raises(InputError, match=r"a DataFrame has no rows, only a header \(columns: id, text\)"):
        read_table(frame.select("id", "text").clear())
    with pytest.raises(InputError, match="a DataFrame has no rows"):
        read_table(pl.DataFrame())
    with pytest.raises(InputError, match=r"a DataFrame has 1 labels .* on line 2"):
        read_gold(pl.DataFrame({"text": ["a", "b"], "label": ["positive", "good"]}), SPACE)
    with pytest.raises(InputError, match="A table cannot be read from a dict"):
        read_table({"text": ["a"]})
    assert local_files(frame) == []
