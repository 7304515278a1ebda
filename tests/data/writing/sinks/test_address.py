"""Database URLs, and that their passwords are never shown."""

from __future__ import annotations

import subprocess
import sys

import pytest

from labeler.data.errors import ConfigError, RunError
from labeler.data.writing.sinks.address import parse_address
from labeler.data.writing.sinks.open_sink import open_sink

from .conftest import PASSWORD, QUOTED_PASSWORD, Postgres
from .predictions import predicted

pytest.importorskip("sqlalchemy")


def connect(url: str) -> None:
    with open_sink(url, key="k", table="t") as sink:
        sink.write(predicted(["a"]))


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_postgresql_means_psycopg_3(scheme: str) -> None:
    address = parse_address(f"{scheme}://user:{QUOTED_PASSWORD}@host:5433/base", "reviews")
    assert address.url.drivername == "postgresql+psycopg"
    assert address.url.password == PASSWORD
    assert str(address) == "postgresql://user:***@host:5433/base, table reviews"


def test_passwords_are_masked_wherever_they_stand() -> None:
    address = parse_address("postgresql://user:first1@host/base?password=second2&sslpassword=third3", "my.reviews")
    assert str(address) == "postgresql://user:***@host/base, table my.reviews"
    assert address.reason(ValueError("first1 second2 third3\nmore")) == "*** *** ***"
    assert not any(secret in repr(address) for secret in ("first1", "second2", "third3"))


@pytest.mark.parametrize(
    ("table", "parts"),
    [("a", (None, "a")), ("a.b", ("a", "b")), ("a.b.c", (None, "a.b.c")), ("кесте", (None, "кесте"))],
)
def test_a_table_may_have_a_schema(table: str, parts: tuple[str | None, str]) -> None:
    address = parse_address("sqlite:///a.db", table)
    assert (address.schema, address.table) == parts


@pytest.mark.parametrize("table", [".", "a.", ".b"])
def test_half_a_name_is_no_table(table: str) -> None:
    with pytest.raises(ConfigError, match="is no name of a table"):
        parse_address("sqlite:///a.db", table)


def test_urls_that_cannot_be_understood_are_not_repeated() -> None:
    with pytest.raises(ConfigError, match=r"postgresql://\.\.\. cannot be understood") as caught:
        connect("postgresql://user:ss1@host:port/base")
    assert "ss1" not in str(caught.value) + caught.value.hint
    assert "%2F" in caught.value.hint


@pytest.mark.parametrize("url", ["http://host/base", "mongodb://user:secret1@host/base"])
def test_unknown_databases(url: str) -> None:
    with pytest.raises(ConfigError, match=r"Databases of the kind '(http|mongodb)' are not known") as caught:
        connect(url)
    assert "postgresql://" in caught.value.hint


def test_a_missing_driver_names_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ConfigError, match=r"driver for postgresql\+psycopg is not installed") as caught:
        connect("postgresql://host/base")
    assert caught.value.hint == 'Install it: pip install "psycopg[binary]"'


def test_missing_sqlalchemy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sqlalchemy", None)
    with pytest.raises(ConfigError, match="needs SQLAlchemy") as caught:
        connect("postgresql://host/base")
    assert "pip install sqlalchemy" in caught.value.hint


def test_options_the_driver_does_not_know() -> None:
    with pytest.raises((ConfigError, RunError), match="nonsense") as caught:
        connect("postgresql://user:secret1@127.0.0.1:1/base?nonsense=1")
    assert "secret1" not in str(caught.value)


def test_a_database_needs_a_table() -> None:
    with pytest.raises(ConfigError, match="needs the name of a table") as caught:
        open_sink("sqlite:///a.db", key="k")
    assert "--table" in caught.value.hint


def test_nobody_listens() -> None:
    with pytest.raises(
        RunError, match=r"postgresql://user:\*\*\*@127\.0\.0\.1:1/base, table t cannot be used"
    ) as caught:
        connect("postgresql://user:secret1@127.0.0.1:1/base")
    assert "secret1" not in str(caught.value) + caught.value.hint


def test_a_wrong_password(postgres_server: Postgres) -> None:
    url = postgres_server.url.replace(QUOTED_PASSWORD, "secret1")
    with pytest.raises(RunError, match="password authentication failed") as caught:
        connect(url)
    assert "secret1" not in str(caught.value) + caught.value.hint
    assert "password" in caught.value.hint


def test_sqlalchemy_is_loaded_for_urls_only() -> None:
    code = (
        "import sys; from labeler.data.writing.sinks.open_sink import open_sink; open_sink('a.csv', key='k'); "
        "print(sorted({'sqlalchemy', 'psycopg', 'filelock'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    "url", ["sqlite://", "sqlite:///", "sqlite:///:memory:", "sqlite:///file::memory:?uri=true", "duckdb:///:memory:"]
)
def test_a_database_in_memory_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="nothing would be kept") as caught:
        connect(url)
    assert "three slashes" in caught.value.hint


@pytest.mark.parametrize(("url", "right"), [("sqlite://shop.db", "shop.db"), ("sqlite://data/shop.db", "data/shop.db")])
def test_two_slashes_are_too_few_for_a_file(url: str, right: str) -> None:
    with pytest.raises(ConfigError) as caught:
        connect(url)
    assert caught.value.hint.endswith(f"three slashes: sqlite:///{right}")
