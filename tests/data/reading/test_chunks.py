"""What a chunk holds: ids that go on from the last one, and all input columns."""

from __future__ import annotations

from pathlib import Path

import polars as pl
from polars.testing import assert_frame_equal

from labeler.data.reading.ids import KeyTable, content_ids
from labeler.data.reading.reviews import open_stream


def test_ids_and_rejected_rows_go_on_from_chunk_to_chunk(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,text\n1,a\n2,b\n1,a\n,d\n3,\n,d\n2,b\n")
    with open_stream(path, chunk_rows=2, id_column="id") as stream:
        chunks = list(stream)
    first, second = content_ids(pl.Series(["d", "d"]), KeyTable())
    assert [chunk.frame["id"].to_list() for chunk in chunks] == [["1", "2"], [first], [second], []]
    assert [chunk.rejected.rows() for chunk in chunks] == [
        [],
        [(4, "the same id '1' and text as on line 2", "1 | a")],
        [(6, "empty text", "3")],
        [(8, "the same id '2' and text as on line 3", "2 | b")],
    ]


def test_all_input_columns_can_be_written_back(tmp_path: Path) -> None:
    frame = pl.DataFrame({"text": [1, 2], "nr": [7, 8], "review": ["a", "b"], "tags": [["x"], []]})
    frame.write_parquet(tmp_path / "a.parquet")
    with open_stream(tmp_path / "a.parquet", text_column="review", id_column="nr") as stream:
        [chunk] = stream
    assert_frame_equal(chunk.original, frame)
    assert chunk.frame.columns == ["id", "text", "text_input", "tags"]
    assert (stream.text_column, stream.id_column, stream.notes) == ("review", "nr", ())


def test_made_ids_come_first_and_a_product_id_makes_room(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("stars,id,text\n" + "".join(f"5,product,review {i}\n" for i in range(9)))
    with open_stream(path, chunk_rows=2) as stream:
        chunk = next(iter(stream))
    assert chunk.original.columns == ["id", "stars", "id_input", "text"]
    assert chunk.original["id"].to_list() == chunk.frame["id"].to_list()
    assert stream.id_column is None
    assert "Ids are made from the texts" in stream.notes[0]
    assert "'id' is now 'id_input'" in stream.notes[1]
