"""From parsed rows to reviews: every row that cannot be used is kept aside with its line and reason."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import polars as pl

from ..errors import InputError
from ..text.content import is_blank
from ..types.raw_table import EXCERPT, FileLines, RawTable
from .columns import ID_NAMES, free_name, guess_column, require_column
from .ids import EarlierIds, complete_ids, unique_ids
from .text_columns import TextColumns, find_text_columns, likely_columns


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

    def head(self, rows: int) -> Chunk:
        """Return the first usable rows, at least one, and the rejected ones above the last of them."""
        above = self.rejected.filter(pl.col("line") < self.lines[rows - 1])
        return Chunk(self.frame.head(rows), self.original.head(rows), above, self.lines.head(rows))


def find_columns(
    frame: pl.DataFrame,
    text_column: str | Sequence[str] | None,
    id_column: str | None,
    *,
    source: str,
    likely: str | Sequence[str] | None = None,
) -> tuple[TextColumns, str | None]:
    """Find the texts and, if there is one, the column of ids, among the columns of a table.

    Parameters
    ----------
    frame : DataFrame
        The table, or its first rows.
    text_column, id_column : str, sequence of str, or None
        The user's choice.
    source : str
        Name used in messages.
    likely : str or sequence of str, optional
        Columns of texts to take if they are there and none was chosen.

    Raises
    ------
    InputError
        If a chosen column is missing, or the column of texts is unclear or holds something else.
    """
    found = find_id_column(frame, id_column, source=source)
    wanted = text_column or likely_columns(frame, likely)
    text = find_text_columns(frame, wanted, id_column=found, source=source)
    return text, (None if found in text.names else found)


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


def drop_unusable_texts(raw: RawTable, text: TextColumns) -> tuple[RawTable, pl.Series]:
    """Reject rows whose text is blank or no string; return the others and their texts, in which NULs become spaces."""
    column = text.column(raw.frame)
    texts = text.of(raw.frame)
    # In one chunk: Polars panics over columns of strings of which a filter empties a chunk.
    frame = (raw.frame.with_columns(texts.alias(column)) if column else raw.frame).rechunk()
    blank = is_blank(texts)
    not_string = raw.not_string(column or "")
    bad = blank | not_string
    if not bad.any():
        return RawTable(frame, raw.lines, raw.rejected), texts
    reason = pl.select(pl.when(not_string).then(pl.lit("text is not a string")).otherwise(pl.lit("empty text")))
    rows = _rejected(frame.filter(bad), raw.lines.filter(bad), reason.to_series().filter(bad))
    rejected = pl.concat([raw.rejected, rows]).sort("line", maintain_order=True)
    return RawTable(frame.filter(~bad), raw.lines.filter(~bad), rejected), texts.rechunk().filter(~bad)


def take_rows(
    raw: RawTable, texts: pl.Series, text: TextColumns, id_column: str | None, earlier: EarlierIds, files: FileLines
) -> Chunk:
    """Give each row its id, and reject rows whose id and text are those of an earlier row.

    Parameters
    ----------
    raw, texts
        What `drop_unusable_texts` left.
    text : TextColumns
    id_column : str or None
        Column of ids; None makes them all.
    earlier : EarlierIds
        The ids of the rows above, to which these rows' are added.
    files : FileLines
        Where lines are, if the rows are of several files.
    """
    original, texts, lines = raw.frame, texts.alias("text"), raw.lines
    renames = renamed_columns(original.columns, text.column(original), id_column)
    others = original.drop(filter(None, (text.column(original), id_column))).rename(renames)
    ids = complete_ids(texts, original[id_column] if id_column else None, earlier)
    if id_column is None:  # made ids never repeat
        frame = pl.DataFrame([ids, texts]).hstack(others)
        if "id" in original.columns:
            original = original.rename({"id": free_name("id", set(original.columns))})
        return Chunk(frame, pl.DataFrame([ids]).hstack(original), raw.rejected, lines)
    ids, first, used_on = unique_ids(ids, texts, lines, earlier)
    frame = pl.DataFrame([ids, texts]).hstack(others)
    again = files.located(pl.DataFrame([ids, used_on]).filter(~first))
    where = pl.format("line {} of {}", "line", "file") if "file" in again.columns else pl.format("line {}", "line")
    reason = again.select(pl.format("the same id '{}' and text as on {}", "id", where)).to_series()
    repeated = _rejected(frame.filter(~first), lines.filter(~first), reason)
    rejected = pl.concat([raw.rejected, repeated]).sort("line", maintain_order=True)
    return Chunk(frame.filter(first), original.filter(first), rejected, lines.filter(first))


def renamed_columns(columns: list[str], text: str | None, id_column: str | None) -> dict[str, str]:
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


def nothing_usable(source: str, tallies: Iterable[pl.DataFrame], files: FileLines) -> InputError:
    """Make the error for a table all of whose rows are rejected, from the `tally` of each of its chunks."""
    counts = pl.concat(tallies).group_by("reason").agg(pl.col("rows").sum(), pl.col("line").min())
    worst = counts.sort("rows", "line", "reason", descending=[True, False, False]).head(3)
    parts = [
        f"{rows:,} x {reason} (first: {''.join(f'{name}, ' for name in file)}line {line:,})"
        for *file, reason, rows, line in files.located(worst).iter_rows()
    ]
    return InputError(
        f"{source} has {counts['rows'].sum():,} rows and none is usable: {'; '.join(parts)}.",
        hint="Check that the right column holds the text (--text-column) and that the file is not damaged.",
    )
