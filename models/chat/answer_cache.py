"""Answers of language models on disk: no text is asked about twice.

An SQLite database in write-ahead mode: an answer is on disk before the next request is sent, and a killed process
leaves nothing half-written. It holds digests of texts, not texts.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import astuple, dataclass

from ...data.errors import ModelError
from ..cache import cache_root, make_folder

_AT_A_TIME = 500  # SQLite binds at least 999 values
_TABLE = """CREATE TABLE IF NOT EXISTS answers (
    key BLOB PRIMARY KEY, label TEXT, prompt_tokens REAL NOT NULL, completion_tokens REAL NOT NULL
) WITHOUT ROWID"""


@dataclass(frozen=True)
class CachedAnswer:
    """An answer, and its share of the tokens of its request; the label is None where the model could not tell."""

    label: str | None
    prompt_tokens: float
    completion_tokens: float


def answer_key(text: str, *, model: str, base_url: str, prompt: str) -> bytes:
    """Digest all an answer depends on: the text as it is sent, the model, the server and the digest of the prompt."""
    digest = hashlib.blake2b(digest_size=20)
    for part in (model, base_url, prompt, text):
        raw = part.encode()
        digest.update(len(raw).to_bytes(8, "little") + raw)
    return digest.digest()


class AnswerCache:
    """The answers below ``LABELER_CACHE``; get one with `open_answers`, which explains what goes wrong."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def get(self, keys: Sequence[bytes]) -> dict[bytes, CachedAnswer]:
        """Look up answers; unknown keys are left out."""
        found: dict[bytes, CachedAnswer] = {}
        for start in range(0, len(keys), _AT_A_TIME):
            some = keys[start : start + _AT_A_TIME]
            query = f"SELECT * FROM answers WHERE key IN ({','.join('?' * len(some))})"
            found |= {key: CachedAnswer(*values) for key, *values in self._connection.execute(query, some)}
        return found

    def put(self, answers: Mapping[bytes, CachedAnswer]) -> None:
        """Store answers; they are on disk when this returns."""
        rows = [(key, *astuple(answer)) for key, answer in answers.items()]
        with self._connection:
            self._connection.executemany("INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?)", rows)


@contextmanager
def open_answers() -> Iterator[AnswerCache]:
    """Open the answers, or begin with none.

    Raises
    ------
    ModelError
        If they cannot be read or written, also by the block; they are never thrown away.
    """
    path = make_folder(cache_root()) / "answers.sqlite"
    try:
        # A notebook asks in a thread.
        with closing(sqlite3.connect(path, timeout=30, check_same_thread=False)) as connection:
            for statement in ("PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", _TABLE):
                connection.execute(statement)
            yield AnswerCache(connection)
    except sqlite3.Error as error:
        raise ModelError(
            f"The answers of language models in {path} cannot be used: {error}.",
            hint="Free some space, move the file away, or point LABELER_CACHE at another folder.",
        ) from error
