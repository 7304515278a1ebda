"""The user's reviews as one clean table; every row that cannot be used is kept aside with its line and reason."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from .columns import ID_NAMES, find_text_column, free_name, guess_column, require_column
from .errors import InputError
from .raw_table import EXCERPT, RawTable
from .source import read_source


@dataclass(frozen=True, eq=False)
class Table:
    """Reviews that can be labelled, and rows that cannot.

    Parameters
    ----------
    frame : DataFrame
        ``id`` (String, unique) and ``text`` (String, never blank) first, then all other input columns, unchanged.
        A column that was called ``id`` or ``text`` but is neither is now ``id_input`` or ``text_input``.
    rejected : DataFrame
        ``line`` (1-based line of the file; row number in Parquet), ``reason``, ``excerpt`` of the raw row.
    text_column : str
        Input name of the text column.
    id_column : str or None
        Input name of the id column; None where ids were made from the texts.
    source : str
        The path as given, or ``<stdin>``.
    digest : str
        ``blake2b:...`` of the input's bytes.
    notes : tuple[str, ...]
        Things to tell the user: a legacy encoding, a renamed column, an id column that was no id.
    """

    frame: pl.DataFrame
    rejected: pl.DataFrame
    text_column: str
    id_column: str | None
    source: str
    digest: str
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        """Count the usable rows."""
        return len(self.frame)


def read_table(
    source: str | Path,
    *,
    text_column: str | None = None,
    id_column: str | None = None,
    limit: int | None = None,
) -> Table:
    """Read reviews from CSV, TSV, JSONL, JSON or Parquet, or from standard input (``-``).

    Values of text files stay as written ("007" is not 7). Ids come from `id_column`, or from a column with a usual
    name; rows without one get an id made from their text. Of rows that share an id the first is kept.

    Parameters
    ----------
    source : str or Path
        The file.
    text_column, id_column : str, optional
        Column names; guessed from usual names when not given.
    limit : int, optional
        Keep only the first `limit` usable rows.

    Returns
    -------
    Table
        At least one row; rows and rejected rows in input order.

    Raises
    ------
    InputError
        If the file cannot be read (see `read_source`), the columns are unclear, or no row is usable.
    """
    if limit is not None and limit < 1:
        raise InputError(f"A limit of {limit} leaves no rows.", hint="Give a limit of at least 1.")
    read = read_source(source)
    raw = read.raw
    if not raw.frame.width:
        raise _nothing_usable(read.name, raw.rejected)
    guessed_id = find_id_column(raw.frame, id_column, source=read.name)
    text = find_text_column(raw.frame, text_column, id_column=guessed_id, source=read.name)
    if guessed_id == text:
        guessed_id = None
    usable, rejected = _drop_unusable_texts(raw, text)
    if not len(usable.frame):
        raise _nothing_usable(read.name, rejected)
    chosen_id, notes = _check_guess(usable.frame, guessed_id, given=id_column is not None)
    frame, renamed = _arrange(usable.frame, text, chosen_id)
    frame, lines, repeated = _drop_repeated_ids(frame, usable.lines)
    rejected = pl.concat([rejected, repeated]).sort("line", maintain_order=True)
    if limit is not None and limit < len(frame):
        frame, rejected = frame.head(limit), rejected.filter(pl.col("line") < lines[limit - 1])
    return Table(frame, rejected, text, chosen_id, read.name, read.digest, (*read.notes, *notes, *renamed))


def find_id_column(frame: pl.DataFrame, wanted: str | None, *, source: str) -> str | None:
    """Return `wanted`, or the only column with a usual id name, or None.

    Raises
    ------
    InputError
        If `wanted` is not a column.
    """
    if wanted is not None:
        return require_column(frame, wanted, source=source)
    usual = guess_column(frame, ID_NAMES)
    plain = [column for column in usual if column.casefold() == "id"]
    for candidates in (plain, usual):
        if len(candidates) == 1 and not frame.schema[candidates[0]].is_nested():
            return candidates[0]
    return None


def content_ids(texts: pl.Series) -> pl.Series:
    """Make ids from texts: a hash, and from the second row with the same text on also its number (``t1f0c...-2``).

    So an id does not change when other rows are added, removed or reordered.
    """
    # The leading letter keeps spreadsheets from reading 12e45 as a number.
    hashes = [f"t{hashlib.blake2b(text.encode(), digest_size=8).hexdigest()}" for text in texts]
    frame = pl.DataFrame({"id": pl.Series(hashes, dtype=pl.String)})
    number = pl.int_range(1, pl.len() + 1).over("id")
    made = pl.when(number > 1).then(pl.format("{}-{}", "id", number)).otherwise("id")
    return frame.select(made.alias("id")).to_series()


def _drop_unusable_texts(raw: RawTable, column: str) -> tuple[RawTable, pl.DataFrame]:
    text = raw.frame[column].cast(pl.String).str.replace_all("\0", " ", literal=True)
    frame = raw.frame.with_columns(text.alias(column))
    # What Python's strip() calls white space, and characters that show nothing: zero-width ones and the soft hyphen.
    blank = (~text.str.contains(r"[^\s\x{1c}-\x{1f}\x{ad}\x{200b}-\x{200f}\x{2060}\x{feff}]")).fill_null(value=True)
    not_string = raw.not_strings.get(column, pl.repeat(False, len(frame), dtype=pl.Boolean, eager=True))
    bad = blank | not_string
    if not bad.any():
        return RawTable(frame, raw.lines, raw.rejected), raw.rejected
    reason = pl.select(pl.when(not_string).then(pl.lit("text is not a string")).otherwise(pl.lit("empty text")))
    rows = _rejected(frame.filter(bad), raw.lines.filter(bad), reason.to_series().filter(bad))
    rejected = pl.concat([raw.rejected, rows]).sort("line", maintain_order=True)
    return RawTable(frame.filter(~bad), raw.lines.filter(~bad), rejected), rejected


def _check_guess(frame: pl.DataFrame, column: str | None, *, given: bool) -> tuple[str | None, tuple[str, ...]]:
    """Refuse a guessed id column that repeats in most rows: it is a product's or an author's id."""
    if column is None or given:
        return column, ()
    values = frame[column].drop_nulls()
    if values.n_unique() * 2 > len(values) or len(values) < 3:
        return column, ()
    note = f"Column '{column}' has {values.n_unique():,} values in {len(values):,} rows, so ids are made from texts."
    return None, (note,)


def _arrange(frame: pl.DataFrame, text: str, id_column: str | None) -> tuple[pl.DataFrame, list[str]]:
    """Put id and text first, and move input columns out of their way."""
    others = [column for column in frame.columns if column not in (text, id_column)]
    taken = {*others, "id", "text"}
    renames = {column: free_name(column, taken) for column in others if column in ("id", "text")}
    texts = frame[text].alias("text")
    if id_column is None:
        ids = content_ids(texts)
    else:
        ids = frame[id_column].cast(pl.String).alias("id")
        missing = (ids.str.strip_chars() == "").fill_null(value=True)
        if missing.any():
            filled = iter(content_ids(texts.filter(missing)))
            ids = pl.Series("id", [next(filled) if gap else value for value, gap in zip(ids, missing, strict=True)])
    notes = [f"The input's own column '{old}' is now '{new}'." for old, new in renames.items()]
    return pl.DataFrame([ids, texts]).hstack(frame.select(others).rename(renames)), notes


def _drop_repeated_ids(frame: pl.DataFrame, lines: pl.Series) -> tuple[pl.DataFrame, pl.Series, pl.DataFrame]:
    first = frame["id"].is_first_distinct()
    again = frame.filter(~first)
    if not len(again):
        return frame, lines, _rejected(again, lines.clear(), pl.Series([], dtype=pl.String))
    kept = pl.DataFrame([frame["id"], lines]).filter(first)
    seen = again.select("id").join(kept, on="id", how="left", maintain_order="left")
    reason = seen.select(pl.format("id '{}' was already used on line {}", "id", "line")).to_series()
    return frame.filter(first), lines.filter(first), _rejected(again, lines.filter(~first), reason)


def _rejected(frame: pl.DataFrame, lines: pl.Series, reasons: pl.Series) -> pl.DataFrame:
    flat = [
        pl.col(name).cast(pl.String, strict=False)
        for name, kind in frame.schema.items()
        if not kind.is_nested() and kind != pl.Object
    ]
    excerpt = pl.concat_str(flat, separator=" | ", ignore_nulls=True).str.slice(0, EXCERPT).alias("excerpt")
    return pl.DataFrame([lines.alias("line"), reasons.alias("reason")]).hstack(frame.select(excerpt))


def _nothing_usable(source: str, rejected: pl.DataFrame) -> InputError:
    counts = rejected.group_by("reason").agg(pl.len().alias("rows"), pl.col("line").min())
    worst = counts.sort("rows", "line", descending=[True, False]).head(3)
    parts = [f"{rows:,} x {reason} (first: line {line:,})" for reason, rows, line in worst.iter_rows()]
    return InputError(
        f"{source} has {len(rejected):,} rows and none is usable: {'; '.join(parts)}.",
        hint="Check that the right column holds the text (--text-column) and that the file is not damaged.",
    )
