"""A pipe is read like a file of the same content."""

from __future__ import annotations

import io
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from labeler.data.errors import InputError
from labeler.data.reading.reviews import open_stream

from ...tables import read_table

LONG = b"x" * (1 << 20)

Feed = Callable[[Iterable[bytes]], None]


@pytest.fixture
def feed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Feed]:
    """Make standard input a pipe into which a thread writes what it is given, until nobody reads any more."""
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
def test_a_pipe_decides_by_all_rows(tmp_path: Path, feed: Feed, content: bytes) -> None:
    path = tmp_path / ("a.jsonl" if content.startswith(b"{") else "a.csv")
    path.write_bytes(content)
    table = read_table(path)
    feed([content])
    with open_stream("-") as stream:
        assert_frame_equal(pl.concat([chunk.frame for chunk in stream]), table.frame)
        assert stream.digest() == table.digest
    assert not sys.stdin.buffer.closed


def test_a_pipe_that_is_no_text(feed: Feed) -> None:
    feed([b"text\nTr\xe8s bien\n"])
    with pytest.raises(InputError, match="byte 0xE8 at offset 7"):
        open_stream("-")


def test_a_piped_parquet_file(feed: Feed) -> None:
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
