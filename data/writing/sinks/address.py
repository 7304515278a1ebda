"""Database URLs: connecting to them, and naming them without their passwords."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...errors import ConfigError

if TYPE_CHECKING:
    from sqlalchemy import URL, Engine

_LOCK_SECONDS = 15
# Without these a server that vanished from the network would be noticed after a quarter of an hour.
_TIMEOUTS = {"connect_timeout": 5, "keepalives_idle": 10, "keepalives_interval": 5, "tcp_user_timeout": 15_000}
_SECRETS = ("password", "sslpassword", "passwd", "pwd")
_ONE_FILE = ("sqlite", "duckdb")
_PACKAGES = {"psycopg": '"psycopg[binary]"', "MySQLdb": "mysqlclient"}


@dataclass(frozen=True, repr=False)
class Address:
    """A database and a table in it; make one with `parse_address`.

    Parameters
    ----------
    url : sqlalchemy.URL
        With the password.
    schema : str or None
        Schema of the table; None for the database's default.
    table : str
        Its name.
    """

    url: URL
    schema: str | None
    table: str

    def __str__(self) -> str:
        """Name both, the password masked."""
        shown = self.url.set(drivername=self.url.get_backend_name()).difference_update_query(_SECRETS)
        table = f"{self.schema}.{self.table}" if self.schema else self.table
        return f"{shown.render_as_string(hide_password=True)}, table {table}"

    def reason(self, error: Exception) -> str:
        """Return in one line why the database refused, without any password."""
        cause = getattr(error, "orig", None) or error
        line = next(iter(str(cause).strip().splitlines()), type(cause).__name__)
        secrets = [self.url.password, *(self.url.query.get(name) for name in _SECRETS)]
        for secret in secrets:
            if secret:
                line = line.replace(str(secret), "***")
        return line

    def engine(self) -> Engine:
        """Prepare connections; none is made yet.

        Raises
        ------
        ConfigError
            If the kind of database is unknown or its driver is not installed.
        """
        import sqlalchemy as sa

        options: dict[str, object] = {}
        if self.url.drivername == "postgresql+psycopg":
            options = {name: value for name, value in _TIMEOUTS.items() if name not in self.url.query}
        elif self.url.get_backend_name() == "sqlite":
            options = {"timeout": _LOCK_SECONDS}
        try:
            return sa.create_engine(self.url, connect_args=options, hide_parameters=True)
        except sa.exc.NoSuchModuleError:
            raise ConfigError(
                f"Databases of the kind '{self.url.drivername}' are not known.",
                hint="Use postgresql://user@host/database or sqlite:///file.db.",
            ) from None
        except ModuleNotFoundError as error:
            package = _PACKAGES.get(str(error.name), error.name)
            raise ConfigError(
                f"The driver for {self.url.drivername} is not installed.", hint=f"Install it: pip install {package}"
            ) from None
        except (sa.exc.ArgumentError, TypeError, ValueError) as error:  # options of the URL the driver does not know
            raise ConfigError(
                f"The database URL cannot be used ({self.reason(error)}).", hint="Check what follows the '?'."
            ) from None


def parse_address(url: str, table: str) -> Address:
    """Take a URL and ``name`` or ``schema.name`` apart; ``postgresql://`` means psycopg 3.

    Raises
    ------
    ConfigError
        If SQLAlchemy is not installed, or one of them cannot be understood. The message does not repeat the URL,
        which may hold a password anywhere.
    """
    try:
        import sqlalchemy as sa
    except ModuleNotFoundError:
        raise ConfigError(
            "Writing to a database needs SQLAlchemy.", hint='Install it: pip install sqlalchemy "psycopg[binary]"'
        ) from None
    try:
        parsed = sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError):
        raise ConfigError(
            f"The database URL {url.partition('://')[0]}://... cannot be understood.",
            hint="It should look like postgresql://user:password@host:5432/database; "
            "write @ : / in a password as %40 %3A %2F.",
        ) from None
    _check_file(parsed)
    if parsed.drivername in ("postgresql", "postgres"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    schema, dot, name = table.rpartition(".") if table.count(".") == 1 else ("", "", table)
    if not name or (dot and not schema):
        raise ConfigError(f"'{table}' is no name of a table.", hint="Give --table NAME or --table SCHEMA.NAME.")
    # Always quoted: the lists of words that need it are not complete.
    return Address(parsed, sa.quoted_name(schema, quote=True) if schema else None, sa.quoted_name(name, quote=True))


def _check_file(url: URL) -> None:
    """Refuse a database of one file whose URL names none: it would be gone when the program ends."""
    backend, file = url.get_backend_name(), url.database or ""
    if backend not in _ONE_FILE:
        return
    if url.host:
        raise ConfigError(
            f"{backend}://{url.host} names a server, but {backend} has none.",
            hint=f"A file takes three slashes: {backend}:///{url.host}{'/' + file if file else ''}",
        )
    if not file or ":memory:" in file or url.query.get("mode") == "memory":
        raise ConfigError(
            f"The database URL {backend}:///{file} names no file, so nothing would be kept.",
            hint=f"Name one after three slashes: {backend}:///reviews.db",
        )
