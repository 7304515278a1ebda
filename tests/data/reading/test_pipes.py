"""A pipe is read as it comes, and what its first rows do not show is handled row by row."""

from __future__ import annotations

import io
import itertools
import json
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from labeler.data.errors import InputError
from labeler.data.reading.files import byte_stream as stream_bytes
from labeler.data.reading.reviews import open_stream
from labeler.data.reading.table import read_table

LONG = b"x" * (1 << 20)
"""Fills the first block, by which a pipe is judged."""

Feed = Callable[[Iterable[bytes]], None]


@pytest.fixture
def feed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Feed]:
    """Make standard input a pipe into which a thread writes what it is given, until nobody reads any more."""
    monkeypatch.setattr(stream_bytes, "PATIENCE", 0.05)
    reader, writer = os.pipe()
    pipe = os.fdopen(reader, "rb")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(pipe))
    threads: list[threading.Thread] = []

    def write(parts: Iterable[bytes]) -> None:
        with os.fdopen(writer, "wb", buffering=0) as file:
            try:
                for part in parts:
                    file.write(part)
            except BrokenPipeError:
                pass

    def start(parts: Iterable[bytes]) -> None:
        threads.append(threading.Thread(target=write, args=(parts,)))
        threads[0].start()

    yield start
    pipe.close()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()


def rows_of(count: int) -> Iterator[bytes]:
    return (f"{i},review {i}\n".encode() for i in range(count))


@pytest.mark.parametrize("content", [b"id,text\n1,a\n,b\n1,c\n\n\n", b'{"id":1,"text":"a"}\n{"n":5}\n', b"text\ra\rb"])
def test_a_short_pipe_gives_what_the_file_gives(tmp_path: Path, feed: Feed, content: bytes) -> None:
    path = tmp_path / ("a.jsonl" if content.startswith(b"{") else "a.csv")
    path.write_bytes(content)
    table = read_table(path)
    feed([content])
    with open_stream("-") as stream:
        chunks = list(stream)
    assert_frame_equal(pl.concat([chunk.frame for chunk in chunks]), table.frame)
    assert_frame_equal(pl.concat([chunk.rejected for chunk in chunks]), table.rejected)
    assert stream.source == "<stdin>"


@pytest.mark.parametrize(
    "content",
    [
        b"id,text\n1," + LONG + "\n2,Плохой товар, очень жаль\n".encode("cp1251"),
        b'{"text":"a"}\n' * 99999 + b'{"n":1}\n',
    ],
)
def test_a_spooled_pipe_decides_by_all_rows(tmp_path: Path, feed: Feed, content: bytes) -> None:
    path = tmp_path / ("a.jsonl" if content.startswith(b"{") else "a.csv")
    path.write_bytes(content)
    table = read_table(path)
    feed([content])
    with open_stream("-", spool=True) as stream:
        assert_frame_equal(pl.concat([chunk.frame for chunk in stream]), table.frame)
        assert stream.digest() == table.digest
    assert not sys.stdin.buffer.closed


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_an_endless_pipe_is_read_as_it_comes(feed: Feed, kind: str) -> None:
    texts = (f"review {i}" for i in itertools.count())
    if kind == "csv":
        feed(itertools.chain([b"text,stars\n"], (f"{text},5\n".encode() * 50 for text in texts)))
    else:
        feed((json.dumps({"text": text}).encode() + b"\n") * 50 for text in texts)
    with open_stream("-", chunk_rows=1000) as stream:
        chunks = list(itertools.islice(stream, 3))
    assert [len(chunk) for chunk in chunks] == [1000] * 3
    assert pl.concat([chunk.frame for chunk in chunks])["id"].n_unique() == 3000


def test_a_pause_passes_on_what_has_come(feed: Feed) -> None:
    go_on = threading.Event()

    def parts() -> Iterator[bytes]:
        yield b"id,text\n"
        yield b"1,a\n2,b\n3,"
        go_on.wait(10)
        yield b"c\n"

    feed(parts())
    with open_stream("-") as stream:
        chunks = iter(stream)
        assert next(chunks).frame["id"].to_list() == ["1", "2"]
        go_on.set()
        assert next(chunks).frame.rows() == [("3", "c")]
        assert next(chunks, None) is None


def test_bytes_of_another_encoding_cost_their_row(feed: Feed) -> None:
    feed(["id,text\n1,Жақсы\n0,".encode(), LONG, b"\n2,Tr\xe8s bien\n3,ok\n", 'a,"Нашар"\n'.encode()])
    with open_stream("-", id_column="id") as stream:
        chunks = list(stream)
    assert pl.concat([chunk.frame for chunk in chunks])["id"].to_list() == ["1", "0", "3", "a"]
    assert pl.concat([chunk.rejected for chunk in chunks]).rows() == [(4, "not UTF-8 text", "2,Trs bien")]


def test_bad_bytes_in_json_lines_cost_their_row(feed: Feed) -> None:
    feed(['{"text":"Жақсы"}\n'.encode() * 70_000, b'{"text":"\xff"}\n{"text":"ok"}\n'])
    with open_stream("-", chunk_rows=100_000) as stream:
        chunks = list(stream)
    assert pl.concat([chunk.rejected for chunk in chunks]).rows() == [(70_001, "not UTF-8 text", '{"text":""}')]
    assert chunks[-1].frame["text"][-1] == "ok"


def test_a_code_page_is_noticed_when_it_first_matters(feed: Feed) -> None:
    feed([b"id,text\n", *rows_of(60_000), "x,Отличный товар\n".encode("cp1251")])
    with open_stream("-") as stream:
        notes_before = stream.notes
        *_, last = stream
    assert last.frame["text"][-1] == "Отличный товар"
    assert not notes_before
    assert stream.notes == ("<stdin> was read as cp1251.",)


def test_a_pipe_that_is_no_text(feed: Feed) -> None:
    feed([b"text\nTr\xe8s bien\n"])
    with pytest.raises(InputError, match="byte 0xE8 at offset 7"):
        open_stream("-")


def test_later_json_columns_and_types_do_not_change_the_table(feed: Feed) -> None:
    first = b'{"id":1,"text":"a","n":1,"x":null}\n{"id":2,"text":"b","n":2,"x":"%b"}\n'
    feed([first % LONG, b'{"id":3,"text":"c","n":1.5}\n{"id":4,"text":5,"x":7,"new":1}\n',
          b'{"id":5,"text":"d","x":"y","new":2}\n'])  # fmt: skip
    with open_stream("-") as stream:
        chunks = list(stream)
    table = pl.concat([chunk.original for chunk in chunks])
    assert table.rows() == [(1, "a", 1, None), (2, "b", 2, LONG.decode()), (5, "d", None, "y")]
    rejected = pl.concat([chunk.rejected for chunk in chunks])
    assert rejected["reason"].to_list() == ["column 'n' is not Int64 as in the first rows", "text is not a string"]
    assert stream.notes == ("<stdin> has columns that its first rows do not have; they are left out: 'new'.",)


def test_formats_that_are_held_as_a_whole(feed: Feed) -> None:
    frame = pl.DataFrame({"id": ["1", "2"], "text": ["Жақсы", "Нашар"]})
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    feed([buffer.getvalue()])
    with open_stream("-", chunk_rows=1) as stream:
        assert_frame_equal(pl.concat([chunk.frame for chunk in stream]), frame)


@pytest.mark.parametrize(
    "content",
    [
        "id;text\n1;Жақсы\n".encode(),
        "\ufeff id\ttext\n1\tЖақсы\n".encode(),
        '\n[{"id":"1","text":"Жақсы"}]'.encode(),
        '{"id":"1","text":"Жақсы"}\n'.encode("utf-16"),
        '{"id":"1","text":"Жақсы"}\n'.encode("utf-16-le"),
    ],
)
@pytest.mark.parametrize("is_pipe", [True, False])
def test_standard_input_is_sniffed(monkeypatch: pytest.MonkeyPatch, feed: Feed, content: bytes, is_pipe: bool) -> None:
    if is_pipe:
        feed([content[:7], content[7:]])
    else:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    with open_stream("-") as stream:
        [chunk] = stream
    assert chunk.frame.rows() == [("1", "Жақсы")]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="not on this platform: named pipes")
def test_a_named_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    thread = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(b"id,text\n1,a\n",))
    thread.start()
    with open_stream(tmp_path / "pipe") as stream:
        [chunk] = stream
    thread.join()
    assert chunk.frame.rows() == [("1", "a")]


@pytest.mark.parametrize(
    ("content", "message"), [(b"", "<stdin> is empty"), (b"\n\n", "is empty"), (b"id,text\n", "header")]
)
def test_nothing_comes(feed: Feed, content: bytes, message: str) -> None:
    feed([content])
    with pytest.raises(InputError, match=message):
        open_stream("-")


def test_nothing_usable_comes(feed: Feed) -> None:
    feed([b"id,text\n1,\n2\n"])
    with open_stream("-") as stream, pytest.raises(InputError, match="has 2 rows and none is usable: 1 x empty text"):
        list(stream)


def test_closed_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(InputError, match="Standard input cannot be read"):
        open_stream("-")
