"""The user's reviews as one clean table; every row that cannot be used is kept aside with its line and reason."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from .columns import ID_NAMES, find_text_column, free_name, guess_column, require_column
from .errors import InputError
from .raw_table import EXCERPT, FileLines, RawTable
from .source import read_source
from .stream_ids import EarlierIds, complete_ids, first_uses
from .stream_ids import content_ids as content_ids


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


@dataclass(frozen=True, eq=False)
class Chunk:
    """Some rows of a table, one after another.

    Parameters
    ----------
    frame : DataFrame
        These rows of `Table.frame`.
    original : DataFrame
        The input columns, all of them, under their own names and in their own order, row for row with `frame`. Where
        the input has no ids, a first column ``id`` holds the made ones, and an input column of this name is
        ``id_input``.
    rejected : DataFrame
        The rows of `Table.rejected` that lie between these.
    lines : Series of int64
        Line of each row of `frame`.
    """

    frame: pl.DataFrame
    original: pl.DataFrame
    rejected: pl.DataFrame
    lines: pl.Series

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
        raise nothing_usable(read.name, tally(raw.rejected))
    text, id_name = find_columns(raw.frame, text_column, id_column, source=read.name)
    usable = drop_unusable_texts(raw, text)
    if not len(usable.frame):
        raise nothing_usable(read.name, tally(usable.rejected))
    notes = read.notes
    if id_name is not None and id_column is None:
        values = usable.frame[id_name].drop_nulls()
        id_name, doubts = check_guess(id_name, distinct=values.n_unique(), values=len(values))
        notes = (*notes, *doubts)
    renames = renamed_columns(raw.frame.columns, text, id_name)
    notes = (*notes, *(f"The input's own column '{old}' is now '{new}'." for old, new in renames.items()))
    rows = take_rows(usable, text, id_name)
    frame, rejected = rows.frame, rows.rejected
    if limit is not None and limit < len(frame):
        frame, rejected = frame.head(limit), rejected.filter(pl.col("line") < rows.lines[limit - 1])
    return Table(frame, rejected, text, id_name, read.name, read.digest, notes)


def find_columns(
    frame: pl.DataFrame,
    text_column: str | None,
    id_column: str | None,
    *,
    source: str,
    more: Iterable[pl.DataFrame] = (),
) -> tuple[str, str | None]:
    """Find the column of texts and, if there is one, that of ids, among the columns of a table.

    Parameters
    ----------
    frame : DataFrame
        The table, or its first rows.
    text_column, id_column : str or None
        The user's choice.
    source : str
        Name used in messages.
    more : iterable of DataFrame
        The rows below `frame`, which are seldom needed.

    Raises
    ------
    InputError
        If a chosen column is missing, or the column of texts is unclear or holds something else.
    """
    found = find_id_column(frame, id_column, source=source)
    text = find_text_column(frame, text_column, id_column=found, source=source, more=more)
    return text, (None if found == text else found)


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


def check_guess(column: str, *, distinct: int, values: int) -> tuple[str | None, tuple[str, ...]]:
    """Refuse a guessed id column that repeats in most rows: it is a product's or an author's id.

    Parameters
    ----------
    column : str
        The column.
    distinct, values : int
        How many different values, and how many values, it has in the usable rows.

    Returns
    -------
    tuple
        The column or None, and notes for the user.
    """
    if distinct * 2 > values or values < 3:
        return column, ()
    return None, (f"Column '{column}' has {distinct:,} values in {values:,} rows, so ids are made from texts.",)


def drop_unusable_texts(raw: RawTable, column: str) -> RawTable:
    """Reject rows whose text is blank or no string; NULs in the others become spaces."""
    text = raw.frame[column].cast(pl.String).str.replace_all("\0", " ", literal=True)
    # In one piece: Polars panics over columns of strings of which a filter empties a piece.
    frame = raw.frame.with_columns(text.alias(column)).rechunk()
    # What Python's strip() calls white space, and characters that show nothing: zero-width ones and the soft hyphen.
    blank = (~text.str.contains(r"[^\s\x{1c}-\x{1f}\x{ad}\x{200b}-\x{200f}\x{2060}\x{feff}]")).fill_null(value=True)
    not_string = raw.not_string(column)
    bad = blank | not_string
    if not bad.any():
        return RawTable(frame, raw.lines, raw.rejected)
    reason = pl.select(pl.when(not_string).then(pl.lit("text is not a string")).otherwise(pl.lit("empty text")))
    rows = _rejected(frame.filter(bad), raw.lines.filter(bad), reason.to_series().filter(bad))
    rejected = pl.concat([raw.rejected, rows]).sort("line", maintain_order=True)
    return RawTable(frame.filter(~bad), raw.lines.filter(~bad), rejected)


def take_rows(
    usable: RawTable,
    text: str,
    id_column: str | None,
    earlier: EarlierIds | None = None,
    files: FileLines | None = None,
) -> Chunk:
    """Give each row its id, and reject rows whose id was used before.

    Parameters
    ----------
    usable : RawTable
        What `drop_unusable_texts` left.
    text : str
        Column of texts.
    id_column : str or None
        Column of ids; None makes them all.
    earlier : EarlierIds, optional
        The ids of the rows above, to which these rows' are added; None if these are all rows.
    files : FileLines, optional
        Where lines are, if the rows are of several files.
    """
    original = usable.frame
    renames = renamed_columns(original.columns, text, id_column)
    others = original.drop(text, *([id_column] if id_column else [])).rename(renames)
    texts = original[text].alias("text")
    ids = complete_ids(texts, original[id_column] if id_column else None, earlier)
    frame = pl.DataFrame([ids, texts]).hstack(others)
    if id_column is None:  # made ids never repeat
        if "id" in original.columns:
            original = original.rename({"id": free_name("id", set(original.columns))})
        return Chunk(frame, pl.DataFrame([ids]).hstack(original), usable.rejected, usable.lines)
    first, used_on = first_uses(ids, usable.lines, earlier)
    again = (files or FileLines()).located(pl.DataFrame([ids, used_on]).filter(~first))
    where = pl.format("line {} of {}", "line", "file") if "file" in again.columns else pl.format("line {}", "line")
    reason = again.select(pl.format("id '{}' was already used on {}", "id", where)).to_series()
    repeated = _rejected(frame.filter(~first), usable.lines.filter(~first), reason)
    rejected = pl.concat([usable.rejected, repeated]).sort("line", maintain_order=True)
    return Chunk(frame.filter(first), original.filter(first), rejected, usable.lines.filter(first))


def renamed_columns(columns: list[str], text: str, id_column: str | None) -> dict[str, str]:
    """Move input columns out of the way of ``id`` and ``text``."""
    others = [column for column in columns if column not in (text, id_column)]
    taken = {*others, "id", "text"}
    return {column: free_name(column, taken) for column in others if column in ("id", "text")}


def _rejected(frame: pl.DataFrame, lines: pl.Series, reasons: pl.Series) -> pl.DataFrame:
    flat = [
        pl.col(name).cast(pl.String, strict=False)
        for name, kind in frame.schema.items()
        if not kind.is_nested() and kind != pl.Object
    ]
    excerpt = pl.concat_str(flat, separator=" | ", ignore_nulls=True).str.slice(0, EXCERPT).alias("excerpt")
    return pl.DataFrame([lines.alias("line"), reasons.alias("reason")]).hstack(frame.select(excerpt))


def tally(rejected: pl.DataFrame) -> pl.DataFrame:
    """Count rejected rows by reason: columns reason, rows, and line, the first of them."""
    return rejected.group_by("reason").agg(pl.len().alias("rows"), pl.col("line").min())


def nothing_usable(source: str, counts: pl.DataFrame, files: FileLines | None = None) -> InputError:
    """Make the error for a table all of whose rows are rejected; `counts` is a `tally`."""
    worst = (files or FileLines()).located(counts.sort("rows", "line", descending=[True, False]).head(3))
    parts = [
        f"{rows:,} x {reason} (first: {''.join(f'{name}, ' for name in file)}line {line:,})"
        for *file, reason, rows, line in worst.iter_rows()
    ]
    return InputError(
        f"{source} has {counts['rows'].sum():,} rows and none is usable: {'; '.join(parts)}.",
        hint="Check that the right column holds the text (--text-column) and that the file is not damaged.",
    )
