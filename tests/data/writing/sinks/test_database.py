"""Predictions in a table: SQLite always, PostgreSQL where a server is installed."""

from __future__ import annotations

import datetime as dt
import json
import os
import signal
import sqlite3
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labeler.data.errors import InputError, RunError
from labeler.data.writing.sinks import database, database_table
from labeler.data.writing.sinks.database import DatabaseSink
from labeler.data.writing.sinks.open_sink import open_sink
from labeler.data.writing.sinks.sink import Written

from ....conftest import status_messages
from .conftest import PASSWORD, QUOTED_PASSWORD, Postgres
from .predictions import predicted

sa = pytest.importorskip("sqlalchemy")
IN_FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=4)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
Address = Callable[[], str]


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Give the address of an empty database."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'a.db'}"
        return
    server: Postgres = request.getfixturevalue("postgres_server")
    query(server.url, "DROP SCHEMA public CASCADE")
    query(server.url, "CREATE SCHEMA public")
    yield server.url


def query(url: str, sql: str) -> list[tuple[Any, ...]]:
    engine = sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    try:
        with engine.begin() as connection:
            result = connection.execute(sa.text(sql))
            return [tuple(row) for row in result] if result.returns_rows else []
    finally:
        engine.dispose()


def store(
    url: str, *chunks: pl.DataFrame, table: str = "reviews", force: bool = False, id_column: str = "id"
) -> tuple[Written, list[str]]:
    with status_messages() as said, open_sink(url, key="k", table=table, id_column=id_column, force=force) as sink:
        for chunk in chunks:
            new = chunk.filter(~sink.known(chunk[id_column]))
            if len(new):
                sink.write(new)
        return sink.finish(), said


def test_new_rows_are_added_to_those_of_earlier_runs(url: str) -> None:
    everything = predicted([f"r{number}" for number in range(30)])
    first, said = store(url, everything[:10])
    assert (first.rows_new, first.rows_before, said) == (10, 0, [])
    second, _ = store(url, everything[:20], everything[20:])
    assert (second.rows_new, second.rows_before) == (20, 10)
    rows = query(url, 'SELECT id, text, label, confidence, "p_жақсы" FROM reviews')
    expected = everything.select("id", "text", "label", "confidence", "p_жақсы").rows()
    assert [row[:3] for row in sorted(rows)] == [row[:3] for row in sorted(expected)]
    for row, wanted in zip(sorted(rows), sorted(expected), strict=True):
        assert row[3:] == pytest.approx(wanted[3:], rel=1e-5)


def test_force_updates_rows_and_leaves_the_others(url: str) -> None:
    store(url, predicted(["a", "b"]))
    changed = predicted(["b", "c"]).with_columns(pl.lit("орташа").alias("label"))
    written, _ = store(url, changed, force=True)
    assert (written.rows_new, written.rows_before) == (2, 0)
    rows = query(url, "SELECT id, label FROM reviews ORDER BY id")
    assert rows == [("a", predicted(["a"])["label"][0]), ("b", "орташа"), ("c", "орташа")]


def test_other_databases_delete_and_insert(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"sqlite:///{tmp_path / 'a.db'}"
    store(url, predicted(["a", "b"]))
    changed = predicted(["b", "c"]).with_columns(pl.lit("орташа").alias("label"))
    upsert = database_table.upsert

    def elsewhere(connection: Any, *args: Any) -> None:
        monkeypatch.setattr(connection.dialect, "name", "mysql")
        try:
            upsert(connection, *args)
        finally:
            monkeypatch.setattr(connection.dialect, "name", "sqlite")

    monkeypatch.setattr(database, "upsert", elsewhere)
    store(url, changed, force=True)
    rows = query(url, "SELECT id, label FROM reviews ORDER BY id")
    assert rows == [("a", predicted(["a"])["label"][0]), ("b", "орташа"), ("c", "орташа")]


def test_columns_get_types_that_fit(url: str) -> None:
    columns = {
        "list": [["a", "ә"], None],
        "struct": [{"x": 1}, None],
        "bytes": [b"\xff\x00", None],
        "date": [dt.date(2024, 1, 2), None],
        "moment": [dt.datetime(2024, 1, 2, 3, 4), None],
        "flag": [True, None],
        "number": [2**40, None],
        "price": [1234567.891, None],
        "nothing": [None, None],
    }
    chunk = predicted([7, 8], **columns).with_columns(
        pl.Series("huge", [2**64 - 1, None], pl.UInt64), pl.Series("kind", ["x", None], pl.Categorical)
    )
    store(url, chunk)
    assert store(url, chunk)[0].rows_before == 2
    names = ", ".join(f'"{name}"' for name in (*columns, "huge", "kind"))
    first, second = query(url, f"SELECT id, {names} FROM reviews ORDER BY id")
    assert first[0] == "7"
    assert json.loads(first[1]) == ["a", "ә"]
    assert json.loads(first[2]) == {"x": 1}
    assert first[3] == "/wA="
    moment = first[4:6]
    assert [str(value)[:16] for value in moment] == ["2024-01-02", "2024-01-02 03:04"]
    assert first[6:10] == (True, 2**40, 1234567.891, None)
    assert first[10:] == (str(2**64 - 1), "x")
    assert set(second[1:]) == {None}


def test_scores_are_short_decimals(url: str) -> None:
    store(url, predicted(["a"]).with_columns(pl.Series("confidence", [1 / 3], pl.Float32)))
    assert query(url, "SELECT CAST(confidence AS VARCHAR) FROM reviews") == [("0.333333",)]


HOSTILE = [
    "nothing",
    'a"; DROP TABLE reviews; --',
    "a%b(c)%(d)s:e",
    "Select",
    "name with space",
    "кесте",
    "`a`",
    "[a]",
    "a'b\\",
    "^p_.*$",
]


def in_sql(name: str) -> str:
    return '"' + name.replace('"', '""').replace(":", "\\:") + '"'


def test_names_of_columns_are_quoted(url: str) -> None:
    chunk = predicted(["a", "b"], **{name: [name, None] for name in HOSTILE})
    store(url, chunk[:1])
    assert store(url, chunk)[0].rows_new == 1
    columns = ", ".join(f"t.{in_sql(name)}" for name in HOSTILE)
    assert query(url, f"SELECT {columns} FROM reviews t ORDER BY id") == [tuple(HOSTILE), (None,) * len(HOSTILE)]


@pytest.mark.parametrize("name", HOSTILE[:4])
def test_names_of_tables_are_quoted(url: str, name: str) -> None:
    chunk = predicted(["a", "b"])
    store(url, chunk[:1], table=name)
    assert store(url, chunk, table=name)[0].rows_new == 1
    assert query(url, f"SELECT id FROM {in_sql(name)} ORDER BY id") == [("a",), ("b",)]


@given(texts=st.lists(st.tuples(TEXT, TEXT | st.none()), min_size=1, max_size=30))
@IN_FOLDER
def test_any_text_round_trips_but_nul(url: str, texts: list[tuple[str, str | None]]) -> None:
    table = f"t{uuid.uuid4().hex}"
    ids = [f"{number}{text}" for number, (text, _) in enumerate(texts)]
    chunk = predicted(ids, note=pl.Series([note for _, note in texts], dtype=pl.String))
    store(url, chunk[:1], table=table)
    written, _ = store(url, chunk, table=table)
    assert (written.rows_new, written.rows_before) == (len(chunk) - 1, 1)
    found = {row[0]: row[1:] for row in query(url, f"SELECT id, note, text FROM {table}")}
    for row_id, note, text in chunk.select("id", "note", "text").rows():
        assert found[row_id.replace("\0", "")] == (note and note.replace("\0", ""), text.replace("\0", ""))


def test_nul_is_removed_and_said_once(url: str) -> None:
    chunk = predicted(["a\0", "b"], note=["x\0y\0", None])
    written, said = store(url, chunk, predicted(["c"], note=["\0"]))
    assert written.rows_new == 3
    assert said == ["NUL characters are removed from texts, because databases do not take them"]
    assert query(url, "SELECT id, note FROM reviews ORDER BY id") == [("a", "xy"), ("b", None), ("c", "")]
    assert store(url, chunk)[0].rows_before == 2


def test_a_table_of_reviews_gets_its_labels(url: str) -> None:
    query(url, "CREATE TABLE reviews (id BIGINT PRIMARY KEY, text TEXT, added TEXT DEFAULT 'then')")
    query(url, "INSERT INTO reviews (id, text) VALUES (1, 'old'), (2, 'old')")
    chunk = predicted(["1", "2", "3"])
    with pytest.raises(InputError, match="lacks columns: 'label', 'confidence', 'p_нашар', 'p_жақсы'") as caught:
        store(url, chunk)
    for statement in caught.value.hint.partition("add them: ")[2].split("; "):
        query(url, statement)
    written, _ = store(url, chunk[:2])
    assert (written.rows_new, written.rows_before) == (2, 0)
    assert store(url, chunk)[0].rows_before == 2
    rows = query(url, "SELECT id, added, label FROM reviews ORDER BY id")
    assert rows == [(number, "then", label) for number, label in enumerate(chunk["label"], start=1)]


def test_a_table_of_something_else_is_refused(url: str) -> None:
    query(url, "CREATE TABLE reviews (id TEXT PRIMARY KEY, label TEXT)")
    with pytest.raises(InputError, match="lacks columns: 'text', 'confidence', ") as caught:
        store(url, predicted(["a"]))
    assert "ALTER" not in caught.value.hint
    query(url, "CREATE TABLE others (number BIGINT PRIMARY KEY)")
    with pytest.raises(InputError, match=r"has no column 'id'\. Columns found: 'number'"):
        store(url, predicted(["a"]), table="others")


def test_ids_must_be_unique(url: str) -> None:
    query(url, "CREATE TABLE reviews (id TEXT, text TEXT, label TEXT)")
    with pytest.raises(InputError, match=r"Column 'id' of .* may hold an id twice") as caught:
        store(url, predicted(["a"]))
    query(url, caught.value.hint.partition("unique: ")[2])
    with pytest.raises(InputError, match="lacks columns"):
        store(url, predicted(["a"]))


def test_values_that_do_not_fit_are_refused_in_the_databases_words(postgres_server: Postgres) -> None:
    query(postgres_server.url, "DROP TABLE IF EXISTS numbers")
    store(postgres_server.url, predicted(["a"], stars=[5]), table="numbers")
    with pytest.raises(RunError, match=r'The rows were refused: .*"five".* 0 rows of this run are stored') as caught:
        store(postgres_server.url, predicted(["b"], stars=["five"]), table="numbers")
    assert "--table" in caught.value.hint


def test_a_schema_can_be_named(postgres_server: Postgres) -> None:
    query(postgres_server.url, 'CREATE SCHEMA IF NOT EXISTS "My data"')
    written, _ = store(postgres_server.url, predicted(["a"]), table="My data.reviews")
    assert written.place.endswith("table My data.reviews")
    assert query(postgres_server.url, 'SELECT id FROM "My data".reviews') == [("a",)]
    with pytest.raises(RunError, match=r'schema "nowhere" does not exist'):
        store(postgres_server.url, predicted(["a"]), table="nowhere.reviews")


def test_names_too_long_for_postgres(postgres_server: Postgres) -> None:
    with pytest.raises(InputError, match="names of up to 63 bytes, but these are longer: 'ккк"):
        store(postgres_server.url, predicted(["a"], **{"к" * 40: ["x"]}), table="long")


def test_the_place_is_named_without_the_password(url: str) -> None:
    written, _ = store(url, predicted(["a"]))
    assert written.place.endswith(", table reviews")
    assert written.place.startswith(url[:10])
    assert PASSWORD not in written.place
    assert QUOTED_PASSWORD not in written.place


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "_PAUSES", (0.01, 0.3))


def test_a_lost_connection_is_made_again(postgres_server: Postgres, hurried: None) -> None:
    query(postgres_server.url, "DROP TABLE IF EXISTS reviews")
    kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'tester' AND pid <> pg_backend_pid()"
    with open_sink(postgres_server.url, key="k", table="reviews") as sink:
        sink.write(predicted(["a"]))
        query(postgres_server.url, kill)
        assert sink.known(pl.Series(["a", "b"])).to_list() == [True, False]
        query(postgres_server.url, kill)
        sink.write(predicted(["b"]))
        assert sink.finish().rows_new == 2
    assert query(postgres_server.url, "SELECT id FROM reviews ORDER BY id") == [("a",), ("b",)]


def test_a_server_that_goes_away_midway_and_running_again(postgres_server: Postgres, hurried: None) -> None:
    url = postgres_server.url
    query(url, "DROP TABLE IF EXISTS reviews")
    chunks = [predicted([f"r{number}" for number in range(start, start + 5)]) for start in range(0, 20, 5)]
    with (
        pytest.raises(RunError, match=r"The connection was lost: .*10 rows of this run are stored") as caught,
        open_sink(url, key="k", table="reviews") as sink,
    ):
        sink.write(chunks[0])
        sink.write(chunks[1])
        postgres_server.stop()
        sink.write(chunks[2])
    assert "Running again continues there" in caught.value.hint
    assert PASSWORD not in str(caught.value) + caught.value.hint
    with pytest.raises(RunError, match=r"cannot be used: .*No such file") as caught:
        store(url, chunks[0])
    assert "is running" in caught.value.hint
    postgres_server.start()
    written, _ = store(url, *chunks)
    assert (written.rows_new, written.rows_before) == (10, 10)
    assert query(url, "SELECT count(*), count(DISTINCT id) FROM reviews") == [(20, 20)]


WRITER = """
import os, signal, sys
sys.path.insert(0, sys.argv[2])
from predictions import predicted
from labeler.data.writing.sinks import database_table
from labeler.data.writing.sinks.open_sink import open_sink

database_table._ROWS = 4
values, calls = database_table._python_values, 0

def dies(column, kind):
    global calls
    calls += column.name == "text"
    if calls == 8:  # some statements of the third transaction are done
        os.kill(os.getpid(), signal.SIGKILL)
    return values(column, kind)

database_table._python_values = dies
with open_sink(sys.argv[1], key="k", table="reviews") as sink:
    for start in range(0, 50, 10):
        sink.write(predicted([f"r{number}" for number in range(start, start + 10)]))
"""


def test_kill_9_leaves_whole_chunks_and_running_again_gives_each_row_once(url: str) -> None:
    command = [sys.executable, "-c", WRITER, url, str(Path(__file__).parent)]
    done = subprocess.run(command, capture_output=True, timeout=60, check=False, env={**os.environ})
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    assert query(url, "SELECT count(*) FROM reviews") == [(20,)]
    chunks = [predicted([f"r{number}" for number in range(start, start + 10)]) for start in range(0, 50, 10)]
    written, _ = store(url, *chunks)
    assert (written.rows_new, written.rows_before) == (30, 20)
    assert query(url, "SELECT count(*), count(DISTINCT id) FROM reviews") == [(50, 50)]


def test_a_failed_statement_takes_the_whole_chunk_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"sqlite:///{tmp_path / 'a.db'}"
    monkeypatch.setattr(database_table, "_ROWS", 2)
    with open_sink(url, key="k", table="reviews") as sink:
        sink.write(predicted(["a"]))
        query(url, "CREATE TRIGGER t BEFORE INSERT ON reviews WHEN NEW.id = 'e' BEGIN SELECT RAISE(ABORT, 'no e'); END")
        with pytest.raises(RunError, match=r"The rows were refused: no e\. 1 rows of this run are stored"):
            sink.write(predicted(["b", "c", "d", "e"]))
    assert query(url, "SELECT id FROM reviews") == [("a",)]


def test_sqlite_places_that_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="unable to open database file"):
        store(f"sqlite:///{tmp_path / 'nowhere' / 'a.db'}", predicted(["a"]))
    (tmp_path / "text.db").write_text("no database, but long enough to be looked at" * 99, encoding="utf-8")
    with pytest.raises(RunError, match="file is not a database"):
        store(f"sqlite:///{tmp_path / 'text.db'}", predicted(["a"]))


def test_a_locked_database_is_refused_after_a_while(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labeler.data.writing.sinks.address._LOCK_SECONDS", 0.05)
    store(f"sqlite:///{tmp_path / 'a.db'}", predicted(["a"]))
    other = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
    try:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(RunError, match="database is locked"):
            store(f"sqlite:///{tmp_path / 'a.db'}", predicted(["b"]))
    finally:
        other.close()


def test_nothing_is_known_of_a_table_that_is_not_there(tmp_path: Path) -> None:
    with open_sink(f"sqlite:///{tmp_path / 'a.db'}", key="k", table="t") as sink:
        assert isinstance(sink, DatabaseSink)
        assert sink.known(pl.Series(["a"])).to_list() == [False]
        assert sink.known(pl.Series([], dtype=pl.String)).to_list() == []
        assert sink.finish().rows_new == 0


def test_no_usable_row_still_makes_the_table(url: str) -> None:
    with open_sink(url, key="k", table="reviews") as sink:
        sink.write(predicted(["a"])[:0])
        assert sink.finish().rows_new == 0
    assert query(url, "SELECT count(label) FROM reviews") == [(0,)]
