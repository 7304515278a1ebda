"""File systems of fsspec: what goes wrong with them is said in words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ...errors import ConfigError, LabelerError


@contextmanager
def explaining_remote(url: str, cannot: str, kind: type[LabelerError]) -> Iterator[None]:
    """Turn errors of a file system into one that names the address.

    Parameters
    ----------
    url : str
        The address.
    cannot : str
        What did not work: ``cannot be read``.
    kind : type
        The error to raise.

    Raises
    ------
    ConfigError
        If a package for this kind of URL is missing.
    LabelerError
        Of the kind wanted, for anything else.
    """
    try:
        yield
    except LabelerError:
        raise
    except ImportError as error:
        raise ConfigError(f"{url} {cannot}: {error}.", hint=f"pip install {_package(url)}") from error
    except Exception as error:  # every file system has errors of its own
        raise kind(
            f"{url} {cannot} ({type(error).__name__}: {error}).", hint="Check the address and your access to it."
        ) from error


def _package(url: str) -> str:
    from fsspec.registry import known_implementations

    protocol = url.partition("://")[0]
    package = str(known_implementations.get(protocol, {}).get("class", protocol)).partition(".")[0]
    return f'"fsspec[{protocol}]"' if package == "fsspec" else package
