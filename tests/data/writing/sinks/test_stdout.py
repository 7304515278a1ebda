"""Predictions on standard output."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from labeler.data.errors import InputError
from labeler.data.writing.sinks.open_sink import open_sink
from labeler.data.writing.sinks.sink import Written

from .predictions import predicted


@pytest.mark.parametrize("output", ["-", None])
def test_rows_are_streamed_below_one_header(capfdbinary: pytest.CaptureFixture[bytes], output: str | None) -> None:
    chunks = [predicted(["a", "b"]), predicted(["c"])]
    with open_sink(output, key="k") as sink:
        assert sink.known(pl.Series(["a", "b"])).to_list() == [False, False]
        sink.write(chunks[0])
        early = capfdbinary.readouterr().out
        sink.write(chunks[1])
        assert sink.finish() == Written(3, 0, "<stdout>")
    data = early + capfdbinary.readouterr().out
    assert len(early.splitlines()) == 3
    back = pl.read_csv(data)
    assert back.columns == chunks[0].columns
    assert back["id"].to_list() == ["a", "b", "c"]


def test_columns_cannot_change_midway(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    with open_sink("-", key="k") as sink:
        sink.write(predicted(["a"]))
        with pytest.raises(InputError, match="only in the new rows: 'stars'"):
            sink.write(predicted(["b"], stars=[5]))


ENDLESS = """
import sys
sys.path.insert(0, sys.argv[1])
from predictions import predicted
from labeler.data.writing.sinks.open_sink import open_sink
try:
    with open_sink("-", key="k") as sink:
        for number in range(100_000):
            sink.write(predicted([f"r{number}"]))
except BrokenPipeError:
    print("ended", file=sys.stderr)
"""


def test_a_closed_pipe_ends_quietly() -> None:
    command = [sys.executable, "-c", ENDLESS, str(Path(__file__).parent)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith(b"id,text,label")
        process.stdout.close()
        errors = process.stderr.read()
        process.wait(60)
    assert errors == b"ended\n"
    assert process.returncode == 0
