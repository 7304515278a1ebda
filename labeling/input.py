"""The corpus of a run: the user's reviews, then the gold rows that are not among them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from ..data.errors import RunError
from ..data.gold.gold_rows import GoldTable
from ..data.gold.match import GoldMatcher
from ..data.progress import progress
from ..data.reading.reviews import TableStream
from ..data.runs.directory import RunDirectory
from ..data.runs.manifest import StageDetails, stage_key
from ..data.runs.other_input import EarlierInput
from ..data.text.content import has_content
from ..data.types.corpus import SeriesDigest
from ..data.types.stored_corpus import StoredCorpus
from ..data.writing.chunked_files import CHUNK_ROWS, ChunkedParquet, writing_jsonl

_SHOWN = 3  # texts without content that are quoted


@dataclass(frozen=True, eq=False)
class LocatedGold:
    """The rows of a corpus with a known label.

    Parameters
    ----------
    rows : ndarray of int64, shape (g,)
        Where they are, ascending.
    labels : ndarray of int16, shape (g,)
        Class indices.
    weights : ndarray of float64, shape (g,)
        How much each row counts.
    unusable : int
        Gold rows that are not in the input and have no text to vote on, or are of a sample of other reviews.
    """

    rows: npt.NDArray[np.int64]
    labels: npt.NDArray[np.int16]
    weights: npt.NDArray[np.float64]
    unusable: int = 0

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, eq=False)
class Reviews:
    """What a run votes on.

    Gold rows that are not in the input are voted on with it, so that voters can be checked on them, but never become
    weak labels.

    Parameters
    ----------
    corpus : StoredCorpus
        The n input rows, then the gold rows that are not among them.
    n_input : int
        Number of input rows.
    rejected : int
        Input rows that could not be used.
    gold : LocatedGold, optional
        What is known; None without a gold file.
    key : str
        Digest of the rows and of how they were read.
    notes : tuple of str
        What a user should be told of the input.
    """

    corpus: StoredCorpus
    n_input: int
    rejected: int = 0
    gold: LocatedGold | None = None
    key: str = ""
    notes: tuple[str, ...] = ()

    @property
    def n_gold(self) -> int:
        """Rows with a gold label."""
        return 0 if self.gold is None else len(self.gold)


def store_reviews(
    table: TableStream,
    gold: GoldTable | None,
    run: RunDirectory,
    *,
    limit: int | None = None,
    force: bool = False,
    hand_labels: bool = False,
) -> Reviews:
    """Read the input once, match gold rows with it, append the others, and put all of it into the run.

    What the run has of the same input stays as it is; labels of another input are removed.

    Parameters
    ----------
    table : TableStream
        From `open_stream`.
    gold : GoldTable, optional
    run : RunDirectory
    limit : int, optional
        Use only the first `limit` rows.
    force : bool
        Replace a run of other reviews.
    hand_labels : bool
        Whether samples of the run are labelled by hand: it is not replaced then.

    Raises
    ------
    InputError
        If the input cannot be read or has no usable row, or gold rows contradict each other.
    RunError
        If the run has labels of other reviews, or a file cannot be written.
    """
    earlier = EarlierInput(run)
    with ChunkedParquet(run.corpus) as parts, writing_jsonl(run.rejected) as reject, progress("Reading") as advance:
        seen = _SeenRows(gold)
        rejected = 0
        for chunk in table.head(limit):
            parts.write(chunk.frame)
            reject(table.located(chunk.rejected))
            rejected += len(chunk.rejected)
            seen.add(chunk.frame)
            earlier.add(chunk.frame["text"])
            advance(len(chunk))
            schema = chunk.frame
        n_input = seen.rows
        known = None
        if gold is not None:
            extra, known = _outside(gold, seen)
            nothing = schema.drop("id", "text").clear(len(extra))
            parts.write(extra.hstack(nothing.get_columns()))
            seen.add(extra, further=True)
        corpus = seen.corpus(run, tuple(schema.columns[2:]))
        digest, columns = table.digest(), [table.text_column, table.id_column]
        counts = [n_input, len(corpus), rejected]
        key = stage_key(table=digest, columns=columns, ids=corpus.ids_digest, texts=corpus.digest, rows=counts)
        reviews = Reviews(corpus, n_input, rejected, known, key, (*_notes(table, gold), *seen.notes()))
        if not run.stage_is_current("input", key):
            if earlier.is_other(digest):
                if hand_labels or not force:
                    raise _other_input(table.source, earlier.source, run, hand_labels=hand_labels)
                run.clear()
            run.remove_labels()  # they belong to other input: better none than wrong ones if this run does not finish
            parts.save()
            rows = {"input": n_input, "rejected": rejected, "gold": reviews.n_gold}
            details = StageDetails(inputs={table.source: digest}, rows=rows)
            run.record_stage("input", key, outputs=(run.corpus,), details=details)
    return reviews


def _other_input(source: str, earlier: str, run: RunDirectory, *, hand_labels: bool) -> RunError:
    otherwise = "labels by hand belong to that one" if hand_labels else "or replace that one with --force"
    return RunError(
        f"The run {run.path} holds labels of other reviews ({earlier}) than those in {source}.",
        hint=f"Give these a run of their own with --run; {otherwise}.",
    )


class _SeenRows:
    """What must be known of the rows that were read."""

    def __init__(self, gold: GoldTable | None) -> None:
        self.matcher = None if gold is None else GoldMatcher(gold)
        self.sizes: list[int] = []
        self.taken: set[str] = set()
        self.without_content = 0
        self.fillers: set[str] = set()  # some of their texts
        names = [] if gold is None else sorted({name.rstrip("'") for name in _names(gold.frame["id"])})
        self._wanted = pl.Series(names, dtype=pl.String).implode()
        self._ids, self._texts = SeriesDigest(), SeriesDigest()

    @property
    def rows(self) -> int:
        return sum(self.sizes)

    def add(self, frame: pl.DataFrame, *, further: bool = False) -> None:
        """Look at rows; those `further` to the input join the last chunk if it has room."""
        self._ids.update(frame["id"])
        self._texts.update(frame["text"])
        if further and self.sizes and self.sizes[-1] + len(frame) <= CHUNK_ROWS:
            self.sizes[-1] += len(frame)
        elif len(frame):
            self.sizes.append(len(frame))
        if not further:
            empty = frame["text"].filter(~has_content(frame["text"]))
            self.without_content += len(empty)
            self.fillers.update(empty.head(_SHOWN))
        if self.matcher is not None and not further:
            self.matcher.add(frame["id"], frame["text"])
            self.taken.update(frame["id"].filter(frame["id"].str.strip_chars_end("'").is_in(self._wanted)))

    def notes(self) -> list[str]:
        """Return a note on how many input rows get no label because they have no content."""
        if not self.without_content:
            return []
        shown = ", ".join(f'"{text}"' for text in sorted(self.fillers)[:_SHOWN])
        return [f"{self.without_content:,} reviews have no content and get no label, such as {shown}."]

    def corpus(self, run: RunDirectory, columns: tuple[str, ...]) -> StoredCorpus:
        return StoredCorpus(run.corpus, tuple(self.sizes), columns, self._texts.hexdigest(), self._ids.hexdigest())


def _outside(gold: GoldTable, seen: _SeenRows) -> tuple[pl.DataFrame, LocatedGold]:
    """Return id and text of the gold rows that are not in the input, and where all gold rows are."""
    assert seen.matcher is not None
    match = seen.matcher.match()
    given = match.missing < len(gold) - gold.sampled
    others = gold.frame[match.missing[given].tolist()].with_row_index("row")
    usable = others.filter(pl.col("text").str.strip_chars().str.len_bytes() > 0).unique("text", keep="first")
    usable = usable.sort("row")
    extra = pl.DataFrame([_fresh_ids(usable["id"], seen.taken), usable["text"]])
    inside = match.labels[match.positions]
    known = LocatedGold(
        rows=np.concatenate([match.positions, seen.rows + np.arange(len(extra))]),
        labels=np.concatenate([inside, usable["label"].to_numpy()]).astype(np.int16),
        weights=np.concatenate([match.weights(gold), usable["weight"].to_numpy()]),
        unusable=int(others["text"].fill_null("").str.strip_chars().eq("").sum() + (~given).sum()),
    )
    return extra, known


def _names(ids: pl.Series) -> set[str]:
    """Every id that `_fresh_ids` may give, but for apostrophes at its end."""
    own = [name for name in ids if name is not None]
    return {*own, *(f"gold:{name}" for name in own), *(f"gold:{i}" for i in range(len(ids)))}


def _fresh_ids(wanted: pl.Series, taken: set[str]) -> pl.Series:
    """Ids for appended rows: their own, with a prefix where they have none or it is taken."""
    used = set(taken)
    fresh: list[str] = []
    for i, name in enumerate(wanted):
        candidate = name if name is not None and name not in used else f"gold:{name if name is not None else i}"
        while candidate in used:
            candidate += "'"
        used.add(candidate)
        fresh.append(candidate)
    return pl.Series("id", fresh, dtype=pl.String)


def _notes(table: TableStream, gold: GoldTable | None) -> tuple[str, ...]:
    renamed = (f"The input's own column '{old}' is now '{new}'." for old, new in table.renames.items())
    return tuple(dict.fromkeys((*table.notes, *renamed, *(gold.notes if gold else ()))))
