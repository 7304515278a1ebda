"""Where a language model is asked, and with what key."""

from __future__ import annotations

import importlib.util
import os
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from ...data.errors import ConfigError

_OPENAI = "https://api.openai.com/v1"
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")


@dataclass(frozen=True)
class Endpoint:
    """A model behind a server, and how patient to be with it.

    Parameters
    ----------
    model : str
        The model's name on the server.
    base_url : str
        As `resolve_base_url` returns it.
    key_variable : str
        Environment variable that holds the key. The key itself is never stored.
    timeout : float
        Seconds one request may take.
    retries : int
        Further tries after a request that failed for a passing reason; the client waits between them.
    answer_tokens : int
        Most tokens an answer may have.
    """

    model: str
    base_url: str
    key_variable: str
    timeout: float
    retries: int
    answer_tokens: int

    @property
    def host(self) -> str:
        """Host and port, for people."""
        return urlsplit(self.base_url).netloc

    @property
    def key(self) -> str:
        """The key, read from the environment at each use; empty if there is none."""
        return os.environ.get(self.key_variable, "").strip()

    def check(self) -> None:
        """See that asking is possible at all, without sending anything.

        Raises
        ------
        ConfigError
            If the client is not installed, or OpenAI is to be asked without a key.
        """
        if importlib.util.find_spec("openai") is None:
            raise ConfigError(
                "Asking a language model needs the package 'openai'.",
                hint='Install it with: pip install "labeler[llm]"',
            )
        if not self.key and self.base_url == _OPENAI:
            raise ConfigError(
                f"The environment variable {self.key_variable} holds no key for {self.host}.",
                hint="Set it, name another one with key_variable, or give the base_url of a server that needs none.",
            )


def resolve_base_url(written: str) -> str:
    """Return the URL that was written, else ``OPENAI_BASE_URL``, else OpenAI's.

    Raises
    ------
    ConfigError
        If it is not a plain http(s) URL. One with a password or a query is refused: it would be stored in the run.
    """
    url = (written or os.environ.get("OPENAI_BASE_URL", "").strip() or _OPENAI).rstrip("/")
    try:
        parts = urlsplit(url)
        plain = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:  # a port that is no number
        plain = False
    if not plain or parts.username or parts.password or parts.query or parts.fragment:
        raise ConfigError(
            "base_url must be of the form http://host:port/v1, without user, password or query.",
            hint="A key belongs into the environment variable that key_variable names.",
        )
    return url


def check_key_variable(name: str) -> None:
    """Refuse what is not the name of an environment variable; it may be the key itself, so it is not repeated.

    Raises
    ------
    ConfigError
        If the name has other characters than capital letters, digits and underscores.
    """
    if not _VARIABLE.fullmatch(name):
        raise ConfigError(
            "key_variable must be the name of an environment variable, in capital letters, and not the key itself.",
            hint='For example key_variable = "OPENAI_API_KEY".',
        )
