"""Files of predictions: kept rows, formats, columns and names."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import re
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from labeler.data.errors import ConfigError, InputError
from labeler.data.writing.sinks.open_sink import open_sink
from labeler.data.writing.sinks.sink import Written

from .conftest import interrupt, read, store_file
from .predictions import predicted

NAMES = ["a.csv", "a.jsonl", "a.parquet", "a.tsv.gz", "a.ndjson.gz"]
IN_FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=8)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
pytestmark = pytest.mark.usefixtures("no_waiting_for_the_disk")


@pytest.mark.parametrize("name", NAMES)
def test_new_rows_are_appended_to_those_of_earlier_runs(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    everything = predicted([f"r{number}" for number in range(30)])
    first, _ = store_file(path, everything[:10])
    assert first == Written(10, 0, str(path))
    old = read(path)
    second, said = store_file(path, everything[:20], everything[20:])
    assert second == Written(20, 10, str(path))
    assert said == []
    assert read(path)["id"].to_list() == everything["id"].to_list()
    assert_frame_equal(read(path)[:10], old)
    assert [item.name for item in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", NAMES)
def test_growing_and_interrupted_runs_give_the_bytes_of_one_run(tmp_path: Path, name: str) -> None:
    chunks = [predicted([f"r{number}" for number in range(start, start + 5)]) for start in range(0, 20, 5)]
    whole, grown = tmp_path / "whole" / name, tmp_path / "grown" / name
    whole.parent.mkdir()
    grown.parent.mkdir()
    store_file(whole, *chunks)
    store_file(grown, chunks[0])
    interrupt(grown, chunks[1])
    interrupt(grown, chunks[2])
    written, said = store_file(grown, *chunks)
    assert written == Written(5, 15, str(grown))
    assert said == [f"{name}: going on after 10 rows of an interrupted run"]
    assert_frame_equal(read(grown), read(whole))
    if not name.endswith((".gz", ".parquet")):  # there the sizes of blocks and row groups may differ
        assert grown.read_bytes() == whole.read_bytes()


@pytest.mark.parametrize("name", NAMES)
def test_a_run_without_new_rows_leaves_the_file_alone(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    chunk = predicted(["a", "b"])
    store_file(path, chunk)
    before = path.stat()
    assert store_file(path, chunk)[0] == Written(0, 2, str(path))
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.parquet"])
def test_force_replaces_all_rows(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    store_file(path, predicted(["a", "b"]))
    other = predicted(["b", "c"]).rename({"p_жақсы": "p_орташа"})
    assert store_file(path, other, force=True)[0] == Written(2, 0, str(path))
    assert read(path).columns == other.columns
    assert read(path)["id"].to_list() == ["b", "c"]


@pytest.mark.parametrize("name", ["a.csv", "a.tsv.gz", "a.jsonl"])
@given(texts=st.lists(st.tuples(TEXT, TEXT | st.none()), min_size=1, max_size=30))
@IN_FOLDER
def test_any_text_round_trips(tmp_path: Path, name: str, texts: list[tuple[str, str | None]]) -> None:
    path = tmp_path / name
    path.unlink(missing_ok=True)
    ids = [f"{number}{text}" for number, (text, _) in enumerate(texts)]
    chunk = predicted(ids, note=pl.Series([note for _, note in texts], dtype=pl.String))
    store_file(path, chunk[:1])
    written, _ = store_file(path, chunk)
    assert written == Written(len(chunk) - 1, 1, str(path))
    back = read(path)
    assert back["id"].to_list() == ids
    assert back["note"].to_list() == chunk["note"].to_list()
    assert back["text"].to_list() == chunk["text"].to_list()


@given(texts=st.lists(TEXT, min_size=2, max_size=6, unique=True))
@IN_FOLDER
def test_ids_of_any_text_are_found(tmp_path: Path, texts: list[str]) -> None:
    ids = [f"{text}|{number}" for number, text in enumerate(texts)]
    for name in ("a.csv", "a.jsonl", "a.tsv.gz"):
        (tmp_path / name).unlink(missing_ok=True)
        store_file(tmp_path / name, predicted(ids))
        with open_sink(tmp_path / name, key="k") as sink:
            assert sink.known(pl.Series([*ids, "new"])).to_list() == [True] * len(ids) + [False]


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.parquet"])
def test_every_type_of_column_can_be_written(tmp_path: Path, name: str) -> None:
    columns = {
        "list": [["a", "ә"], None],
        "struct": [{"x": 1, "y": [dt.date(2024, 1, 2)]}, {"x": None, "y": None}],
        "bytes": [b"\xff\x00", None],
        "list_of_bytes": [[b"\xff"], []],
        "duration": [dt.timedelta(hours=1), None],
        "date": [dt.date(2024, 1, 2), None],
        "moment": [dt.datetime(2024, 1, 2, 3, 4), None],
        "flag": [True, None],
        "number": [2**40, None],
        "price": [1234567.891, float("nan")],
        "nothing": [None, None],
    }
    chunk = predicted(["a", "b"], **columns).with_columns(pl.Series("kind", ["x", None], pl.Categorical))
    path = tmp_path / name
    store_file(path, chunk[:1])
    store_file(path, chunk)
    back = read(path).rows(named=True)
    assert len(back) == 2
    assert all(back[1][key] is None for key in columns if key not in ("struct", "list_of_bytes", "price"))
    assert float(back[0]["price"]) == 1234567.891
    if name == "a.csv":
        assert json.loads(back[0]["list"]) == ["a", "ә"]
        assert json.loads(back[0]["struct"]) == {"x": 1, "y": ["2024-01-02"]}
        assert back[0]["bytes"] == "/wA="
        assert back[0]["duration"] == "PT1H"
    if name == "a.jsonl":
        assert back[0]["list"] == ["a", "ә"]
        assert back[0]["struct"] == {"x": 1, "y": ["2024-01-02"]}


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_scores_are_short_decimals_and_other_values_stay(tmp_path: Path, name: str) -> None:
    chunk = predicted(["a"], price=[0.1234567891]).with_columns(
        pl.Series("confidence", [1 / 3], pl.Float32), pl.Series("p_жақсы", [1.23456789e-7], pl.Float32)
    )
    store_file(tmp_path / name, chunk)
    text = (tmp_path / name).read_text(encoding="utf-8")
    found = re.findall(r"[0-9.]+e?-?[0-9]+", text.splitlines()[-1])
    assert {"0.333333", "1.23457e-7", "0.1234567891"} <= set(found)


def test_parquet_keeps_scores_as_they_are(tmp_path: Path) -> None:
    chunk = predicted(["a"]).with_columns(pl.Series("confidence", [1 / 3], pl.Float32))
    store_file(tmp_path / "a.parquet", chunk)
    assert_frame_equal(read(tmp_path / "a.parquet"), chunk)


def test_formulas_stay_as_they_are_since_programs_read_the_file(tmp_path: Path) -> None:
    chunk = predicted(["a"], note=["=1+1"])
    store_file(tmp_path / "a.csv", chunk)
    assert read(tmp_path / "a.csv")["note"].to_list() == ["=1+1"]


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.parquet"])
def test_numbers_and_their_texts_are_the_same_id(tmp_path: Path, name: str) -> None:
    store_file(tmp_path / name, predicted([7, 8]))
    with open_sink(tmp_path / name, key="k") as sink:
        assert sink.known(pl.Series(["7", "07", "8"])).to_list() == [True, False, True]
        assert sink.known(pl.Series([8, 9])).to_list() == [True, False]


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.parquet"])
def test_other_columns_are_refused_by_name(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    store_file(path, predicted(["a"]))
    before = path.read_bytes()
    other = predicted(["b"], stars=[5]).rename({"p_нашар": "p_ұнамады"})
    with pytest.raises(
        InputError, match=r"only there: 'p_нашар'; only in the new rows: 'stars', 'p_ұнамады'"
    ) as caught:
        store_file(path, other)
    assert "--force" in caught.value.hint
    assert "--output" in caught.value.hint
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_the_order_of_columns_does_not_matter(tmp_path: Path) -> None:
    first, second = predicted(["a"]), predicted(["b"])
    store_file(tmp_path / "a.csv", first)
    store_file(tmp_path / "a.csv", second.select(reversed(second.columns)))
    assert_frame_equal(read(tmp_path / "a.csv").select("id", "text"), pl.concat([first, second]).select("id", "text"))


@pytest.mark.parametrize("name", ["^p_.*$", "*", "a,b", 'a"b', "a\nb", "a;b\t", " ", "ғ"])
def test_columns_may_have_any_name(tmp_path: Path, name: str) -> None:
    for path in (tmp_path / "a.csv", tmp_path / "a.jsonl", tmp_path / "a.parquet"):
        store_file(path, predicted(["a"], **{name: ["x"]}))
        store_file(path, predicted(["b"], **{name: ["y"]}))
        assert read(path)[name].to_list() == ["x", "y"]


def test_types_of_a_parquet_file_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    store_file(path, predicted(["a"], stars=[1.5], note=[None]))
    store_file(path, predicted(["b"], stars=[None], note=[12]), predicted(["c"], stars=[3], note=["x"]))
    assert read(path)["stars"].to_list() == [1.5, None, 3.0]
    assert read(path)["note"].to_list() == [None, "12", "x"]
    with pytest.raises(InputError, match=r"'stars' is String, there Float64"):
        store_file(path, predicted(["d"], stars=["five"], note=["x"]))


@pytest.mark.parametrize(
    ("name", "write"), [("a.csv", "write_csv"), ("a.jsonl", "write_ndjson"), ("a.parquet", "write_parquet")]
)
def test_a_table_without_predictions_is_not_taken_for_finished(tmp_path: Path, name: str, write: str) -> None:
    path = tmp_path / name
    getattr(pl.DataFrame({"id": ["a"], "text": ["x"]}), write)(path)
    before = path.read_bytes()
    for force in (False, True):
        with pytest.raises(InputError, match="holds no predictions: it has no column 'label', 'confidence'"):
            store_file(path, predicted(["a"]), force=force)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "id,text,label,confidence\nа,б,в,г\n".encode("cp1251")),
        ("a.csv.gz", b"no gzip"),
        ("a.csv.gz", gzip.compress(b"id,text,label,confidence\na,b,c,1\n" * 99, mtime=0)[:-20]),
        ("a.jsonl", b"{broken\n"),
        ("a.jsonl", b'{"id": "a", "label": "x", "confidence": 1}\n{broken\n'),
        ("a.parquet", b"PAR1 but nothing else"),
        ("a.parquet", b""),
    ],
)
def test_a_damaged_file_is_refused_and_stays(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"exists, but its rows cannot be read") as caught:
        store_file(path, predicted(["a"]))
    assert "--force" in caught.value.hint
    assert path.read_bytes() == content
    assert store_file(path, predicted(["a"]), force=True)[0].rows_new == 1


def test_an_empty_text_file_is_filled(tmp_path: Path) -> None:
    (tmp_path / "a.csv").touch()
    assert store_file(tmp_path / "a.csv", predicted(["a"]))[0].rows_new == 1
    assert read(tmp_path / "a.csv").columns[:2] == ["id", "text"]


def test_a_last_line_without_its_end_is_ended(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    store_file(path, predicted(["a"]))
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().rstrip())
    store_file(path, predicted(["a", "b"]))
    assert read(path)["id"].to_list() == ["a", "b"]


def test_no_usable_row_still_gives_a_header(tmp_path: Path) -> None:
    with open_sink(tmp_path / "a.csv", key="k") as sink:
        sink.write(predicted(["a"])[:0])
        assert sink.finish().rows_new == 0
    assert read(tmp_path / "a.csv").columns == predicted(["a"]).columns
    assert store_file(tmp_path / "a.csv", predicted(["a"]))[0].rows_new == 1


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    link = tmp_path / "a.csv"
    link.symlink_to(tmp_path / "real" / "b.csv")
    store_file(link, predicted(["a"]))
    assert link.is_symlink()
    assert read(tmp_path / "real" / "b.csv")["id"].to_list() == ["a"]


@pytest.mark.parametrize(
    "name", ["ж" * 120 + ".csv", "a[1]*?.parquet", "a[1]*?.jsonl", "a[1]*?.csv", "a b'\".jsonl", ".csv.csv"]
)
def test_files_may_have_any_name(tmp_path: Path, name: str) -> None:
    interrupt(tmp_path / name, predicted(["a"]))
    assert store_file(tmp_path / name, predicted(["a", "b"]))[0] == Written(1, 1, str(tmp_path / name))
    assert store_file(tmp_path / name, predicted(["a", "b", "c"]))[0] == Written(1, 2, str(tmp_path / name))


@pytest.mark.parametrize("name", ["a", "a.txt", "a.parquet.gz", "a.gz", "a.xlsx"])
def test_unknown_endings_name_the_known_ones(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="unknown file ending") as caught:
        store_file(tmp_path / name, predicted(["a"]))
    assert ".jsonl" in caught.value.hint


def test_places_that_cannot_be_a_file(tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(ConfigError, match="is a folder or a device"):
        store_file(tmp_path / "folder.csv", predicted(["a"]))
    with pytest.raises(ConfigError, match=r"There is no folder .*nowhere"):
        store_file(tmp_path / "nowhere" / "a.csv", predicted(["a"]))


def test_a_table_name_goes_with_a_database_only(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--table reviews goes with a database"):
        open_sink(tmp_path / "a.csv", key="k", table="reviews")
