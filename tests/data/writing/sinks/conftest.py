"""Predicted rows, writing them as a run does, and a PostgreSQL server of the tests' own where one is installed."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest

from labeler.data.writing.sinks.open_sink import open_sink
from labeler.data.writing.sinks.sink import Written

from ....conftest import status_messages

PASSWORD = "s3cr:t/@word"
"""Password of the server, with the characters that have a meaning in URLs."""

QUOTED_PASSWORD = "s3cr%3At%2F%40word"


@pytest.fixture
def no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda handle: None)


def store_file(path: Path, *chunks: pl.DataFrame, key: str = "k", force: bool = False) -> tuple[Written, list[str]]:
    """Do what a prediction run does: skip what is known, write the rest, finish."""
    with status_messages() as said, open_sink(path, key=key, force=force) as sink:
        for chunk in chunks:
            new = chunk.filter(~sink.known(chunk["id"]))
            if len(new):
                sink.write(new)
        return sink.finish(), said


def interrupt(path: Path, *chunks: pl.DataFrame, key: str = "k", force: bool = False) -> None:
    """Write some chunks and go away before the end."""
    with pytest.raises(KeyboardInterrupt), open_sink(path, key=key, force=force) as sink:
        for chunk in chunks:
            sink.write(chunk)
        raise KeyboardInterrupt


def read(path: Path) -> pl.DataFrame:
    """Read a finished file; the values of CSV and TSV are strings."""
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    kind = path.name.split(".")[1]
    if kind == "parquet":
        return pl.read_parquet(data)
    if kind in ("jsonl", "ndjson"):
        return pl.DataFrame([json.loads(line) for line in data.splitlines()], infer_schema_length=None)
    delimiter = "," if kind == "csv" else "\t"
    names = next(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), delimiter=delimiter))
    return pl.read_csv(data, infer_schema=False, separator=delimiter, new_columns=names)


@dataclass
class Postgres:
    """A server in a folder, reached through a socket in it."""

    binaries: Path
    folder: Path

    @property
    def url(self) -> str:
        return f"postgresql://tester:{QUOTED_PASSWORD}@/postgres?host={self.folder}"

    def run(self, program: str, *args: str | Path) -> None:
        """Call a program of PostgreSQL, which refuses to work for root, as somebody else."""
        account = {"user": 65534, "group": 65534} if os.geteuid() == 0 else {}
        log = self.folder / "output"
        with log.open("ab") as output:
            done = subprocess.run(
                [self.binaries / program, *args],
                cwd=self.folder,
                stdout=output,
                stderr=output,
                timeout=60,
                check=False,
                **account,  # type: ignore[call-overload]
            )
        assert done.returncode == 0, log.read_text(encoding="utf-8")

    def make(self) -> None:
        (self.folder / "password").write_text(PASSWORD, encoding="utf-8")
        if os.geteuid() == 0:
            for path in (self.folder, self.folder / "password"):
                os.chown(path, 65534, 65534)
        options = ["--username=tester", "--pwfile=password", "--auth=scram-sha-256", "--encoding=UTF8", "--no-locale"]
        self.run("initdb", "--pgdata=data", "--no-sync", *options)

    def start(self) -> None:
        settings = f"-c listen_addresses='' -c unix_socket_directories='{self.folder}' -c fsync=off"
        self.run("pg_ctl", "start", "--wait", "--pgdata=data", "--log=log", f"--options={settings}")

    def stop(self) -> None:
        self.run("pg_ctl", "stop", "--wait", "--pgdata=data", "--mode=immediate")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    pytest.importorskip("psycopg")
    found = shutil.which("initdb") or next(map(str, Path("/usr/lib/postgresql").glob("*/bin/initdb")), None)
    if found is None:
        pytest.skip("no PostgreSQL server here (initdb is neither on PATH nor where Debian puts it)")
    folder = Path(tempfile.mkdtemp(prefix="pg"))  # the path of a socket must be short
    server = Postgres(Path(found).resolve().parent, folder)
    try:
        server.make()
        server.start()
        yield server
        server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
