"""Corpora as voters are applied to them, without a file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from labeler.data.types.corpus import Corpus, digest_series
from labeler.data.types.stored_corpus import StoredCorpus


@dataclass(frozen=True, eq=False)
class HeldCorpus(StoredCorpus):
    """A `StoredCorpus` of rows in memory."""

    frame: pl.DataFrame

    def _read(self, start: int, size: int, columns: Iterable[str]) -> pl.DataFrame:
        return self.frame[start : start + size].select(*columns)


def stored(corpus: Corpus) -> StoredCorpus:
    """Return a corpus as one chunk."""
    columns = [] if corpus.columns is None else corpus.columns.get_columns()
    digests = digest_series(corpus.texts), digest_series(corpus.ids)
    names = tuple(column.name for column in columns)
    frame = pl.DataFrame([corpus.ids, corpus.texts, *columns])
    return HeldCorpus(Path(), (len(corpus),), names, *digests, frame)
