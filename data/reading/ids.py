"""Ids of rows: made where there are none, found where they come again, also across the chunks of a long table."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import polars as pl

_BITS = 6
_DIGEST_BITS = 28  # of the hash of a text: two texts of one id are taken for equal once in 268 million times


class KeyTable:
    """A growing map from 64-bit keys to positive integers, in sorted arrays.

    A key takes 8 bytes, and its number as many as the largest number near it needs. Among a million random keys two
    are equal with a chance of 3e-8 (birthday bound).
    """

    def __init__(self) -> None:
        # In buckets by their first bits, so that growing copies a little at a time and never needs the space twice.
        self._keys = [np.empty(0, np.uint64)] * (1 << _BITS)
        self._numbers = [np.empty(0, np.uint8)] * (1 << _BITS)

    def __len__(self) -> int:
        """Count the keys."""
        return sum(map(len, self._keys))

    def get(self, keys: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
        """Return the number of each key, shape (n,); 0 for a key that is not there."""
        found = np.zeros(len(keys), np.int64)
        for bucket, rows in _buckets(keys):
            places, there = _find(self._keys[bucket], keys[rows])
            found[rows[there]] = self._numbers[bucket][places[there]]
        return found

    def has(self, keys: npt.NDArray[np.uint64]) -> npt.NDArray[np.bool_]:
        """Return which keys are there, shape (n,)."""
        return self.get(keys) > 0

    def add(self, keys: npt.NDArray[np.uint64]) -> None:
        """Add keys whose numbers do not matter; they may repeat."""
        distinct = np.unique(keys)
        self.put(distinct, np.ones(len(distinct), np.int64))

    def put(self, keys: npt.NDArray[np.uint64], numbers: npt.NDArray[np.int64]) -> None:
        """Set the numbers, shape (n,), of different keys."""
        for bucket, rows in _buckets(keys):
            new, values = keys[rows], numbers[rows]
            held = self._numbers[bucket]
            held = held.astype(np.promote_types(held.dtype, np.min_scalar_type(values.max())), copy=False)
            places, there = _find(self._keys[bucket], new)
            held[places[there]] = values[there]
            self._numbers[bucket] = np.insert(held, places[~there], values[~there])
            self._keys[bucket] = np.insert(self._keys[bucket], places[~there], new[~there])


def _buckets(keys: npt.NDArray[np.uint64]) -> Iterator[tuple[int, npt.NDArray[np.int64]]]:
    """Yield each bucket that some keys belong to, and the rows of these in the order of the keys."""
    order = np.argsort(keys)
    bounds = np.searchsorted(keys[order] >> np.uint64(64 - _BITS), np.arange((1 << _BITS) + 1, dtype=np.uint64))
    for bucket in np.flatnonzero(np.diff(bounds)).tolist():
        yield bucket, order[bounds[bucket] : bounds[bucket + 1]]


def _find(
    sorted_keys: npt.NDArray[np.uint64], keys: npt.NDArray[np.uint64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Where keys are, or would be inserted, and whether they are there."""
    places = np.searchsorted(sorted_keys, keys)
    there = np.zeros(len(keys), bool)
    inside = places < len(sorted_keys)
    there[inside] = sorted_keys[places[inside]] == keys[inside]
    return places, there


@dataclass(eq=False)
class EarlierIds:
    """State of the rows above that gives the next rows the ids they have in the whole table.

    Parameters
    ----------
    used : KeyTable
        Line on which each id was first used, and `_DIGEST_BITS` bits of a hash of the text there.
    made : KeyTable
        How often each text that needed an id came.
    reused : int
        Rows whose id an earlier row has with another text.
    """

    used: KeyTable = field(default_factory=KeyTable)
    made: KeyTable = field(default_factory=KeyTable)
    reused: int = 0


def content_ids(texts: pl.Series, earlier: KeyTable) -> pl.Series:
    """Make ids from texts: a hash, and from the second row with the same text on also its number (``t1f0c...-2``).

    So an id does not change when other rows are added, removed or reordered. How often each text came in the rows
    above is read from `earlier`, to which these rows are added.
    """
    # The leading letter keeps spreadsheets from reading 12e45 as a number.
    hashes = [hashlib.blake2b(text.encode(), digest_size=8).digest() for text in texts]
    keys = np.frombuffer(b"".join(hashes), ">u8").astype(np.uint64)
    number = pl.int_range(1, pl.len() + 1).over("key")
    frame = pl.DataFrame({"key": keys, "id": pl.Series([f"t{key.hex()}" for key in hashes], dtype=pl.String)})
    frame = frame.with_columns(number=number + pl.Series(earlier.get(keys)))
    last = frame.group_by("key").agg(pl.col("number").max())
    earlier.put(last["key"].to_numpy(), last["number"].to_numpy())
    made = pl.when(pl.col("number") > 1).then(pl.format("{}-{}", "id", "number")).otherwise("id")
    return frame.select(made.alias("id")).to_series()


def normal_ids(ids: pl.Series) -> pl.Series:
    """Write ids as text so that 1, 1.0, "1" and "1.0" are one; all other strings stay as they are."""
    if ids.dtype.is_integer():
        return ids.cast(pl.String)
    texts = ids.cast(pl.String)
    if not texts.str.contains(".0", literal=True).any():  # far cheaper than to replace nothing
        return texts
    return texts.str.replace(r"^([+-]?\d+)\.0+$", "$1")


def id_keys(ids: pl.Series) -> npt.NDArray[np.uint64]:
    """Return keys of ids for a `KeyTable`, the same for 1, 1.0, "1" and "1.0"."""
    return normal_ids(ids).hash(seed=0).to_numpy()


def complete_ids(texts: pl.Series, given: pl.Series | None, earlier: EarlierIds) -> pl.Series:
    """Return the given ids, and ids made from the texts where there are none; `earlier` knows the rows above."""
    if given is None:
        return content_ids(texts, earlier.made)
    ids = normal_ids(given).alias("id")
    missing = (ids.str.strip_chars() == "").fill_null(value=True)
    if missing.any():
        filled = iter(content_ids(texts.filter(missing), earlier.made))
        ids = pl.Series("id", [next(filled) if gap else value for value, gap in zip(ids, missing, strict=True)])
    return ids


def ids_with_texts(ids: pl.Series, texts: pl.Series) -> pl.Series:
    """Return ids with a hash of the text behind them: ``1001-1f0c2a4b``."""
    hashes = [hashlib.blake2b(text.encode(), digest_size=4).hexdigest() for text in texts]
    return ids + "-" + pl.Series(hashes, dtype=pl.String)


def unique_ids(
    ids: pl.Series, texts: pl.Series, lines: pl.Series, earlier: EarlierIds
) -> tuple[pl.Series, pl.Series, pl.Series]:
    """Make ids unique: one that an earlier row has with another text gets a hash of its text; see `ids_with_texts`.

    So the id of a row does not change when other rows are added below, and only a repeated id and text is a repeat.

    Parameters
    ----------
    ids, texts, lines : Series, length n
    earlier : EarlierIds
        What is known of the rows above, to which these rows are added.

    Returns
    -------
    tuple of Series, length n
        The ids; whether each row is the first with its id and text; and the line of that first row.
    """
    digests = texts.hash().to_numpy() >> np.uint64(64 - _DIGEST_BITS)
    first, used_on, same = _first_uses(ids, digests, lines, earlier)
    others = (~first & ~same).arg_true()
    if not len(others):
        return ids, first, used_on
    renamed = ids_with_texts(ids.gather(others), texts.gather(others))
    new, lines_used, _ = _first_uses(renamed, digests[others.to_numpy()], lines.gather(others), earlier)
    earlier.reused += int(new.sum())
    return (
        ids.clone().scatter(others, renamed),
        first.clone().scatter(others, new),
        used_on.clone().scatter(others, lines_used),
    )


def _first_uses(
    ids: pl.Series, digests: npt.NDArray[np.uint64], lines: pl.Series, earlier: EarlierIds
) -> tuple[pl.Series, pl.Series, pl.Series]:
    """Return whether each row is the first with its id, on which line that is, and whether it has the same text."""
    first = ids.is_first_distinct()
    # Line and text of the first row are one number, so that a table of ten million ids stays small.
    marks = (lines.to_numpy().astype(np.int64) << _DIGEST_BITS) | digests.astype(np.int64)
    uses = pl.DataFrame([ids.alias("id"), pl.Series("mark", marks)]).filter(first)
    keys = uses["id"].hash().to_numpy()
    before = earlier.used.get(keys)
    new = before == 0
    earlier.used.put(keys[new], uses["mark"].to_numpy()[new])
    if len(uses) == len(ids) and new.all():
        return first, lines, first
    uses = uses.with_columns(pl.Series("mark", np.where(new, uses["mark"], before)), pl.Series("new", new))
    rows = pl.DataFrame([ids.alias("id")]).join(uses, on="id", how="left", maintain_order="left")
    marks_used = rows["mark"].to_numpy()
    same = pl.Series("same", (marks_used ^ marks) & ((1 << _DIGEST_BITS) - 1) == 0)
    return first & rows["new"], pl.Series("line", marks_used >> _DIGEST_BITS), same
