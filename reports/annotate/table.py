"""The CSV an analyst fills in: read with all its columns, and written back so that nothing else in it changes."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from ...data.errors import InputError, RunError, nearest_hint
from ...data.reading.columns import fold_name
from ...data.reading.files.format_detection import named_kind, text_kind
from ...data.reading.files.input_file import open_file, open_text
from ...data.reading.files.problems import format_of, header_only
from ...data.reading.formats.csv_layout import csv_layout
from ...data.reading.text_columns import TextColumns
from ...data.reading.usable_rows import find_columns
from ...data.text.escaping import escape_texts, unescape_texts
from ...data.types.label_space import LabelSpace
from ...data.types.raw_table import concat_tables
from ...data.writing.atomic import atomic_path
from .rows import COLUMN, ReviewRow, from_cell, to_cell

_TABLES = ("csv", "tsv")


@dataclass(frozen=True, eq=False)
class AnnotationTable:
    """A file of reviews to label, as it was read.

    Parameters
    ----------
    path : Path
        The file itself, links followed.
    frame : DataFrame
        All its columns as strings, in their order; ``id``, ``label`` and ``note`` are added where it had none.
    text : TextColumns
        Where the reviews are.
    id, label, note : str
        What these columns are called.
    delimiter : str
        Between the fields.
    marked : bool
        Whether it is written with a byte order mark.
    notes : tuple[str, ...]
        Notes to the user.
    """

    path: Path
    frame: pl.DataFrame
    text: TextColumns
    id: str
    label: str
    note: str
    delimiter: str = ","
    marked: bool = False
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        """Count the rows."""
        return len(self.frame)

    def rows(self) -> list[ReviewRow]:
        """Return the reviews; a text is empty where there is none, and formulas in notes are unescaped."""
        frame, blank = self.frame, [""] * len(self)
        texts, notes = self.text.of(frame).fill_null(""), unescape_texts(frame[self.note].fill_null(""))
        cells = frame[COLUMN].fill_null("").str.strip_chars() if COLUMN in frame.columns else blank
        rows = zip(frame[self.id], texts, _stripped(frame[self.label]), notes, cells, strict=True)
        return [ReviewRow(name, text, label, note, *from_cell(cell, label)) for name, text, label, note, cell in rows]

    def write(self, rows: Sequence[ReviewRow]) -> None:
        """Write the file anew, atomically and flushed to disk, with the labels, notes and marks of these rows.

        A note that a spreadsheet would run as a formula gets a leading apostrophe; other columns stay as they were.

        Raises
        ------
        RunError
            If it cannot be written.
        """
        columns = [
            pl.Series(self.label, [row.label for row in rows], pl.String),
            escape_texts(pl.Series(self.note, [row.note or None for row in rows], pl.String)),
        ]
        marks = pl.Series(COLUMN, [to_cell(row) for row in rows], pl.String)
        if marks.null_count() < len(marks) or COLUMN in self.frame.columns:
            columns.append(marks)
        with atomic_path(self.path) as temporary:
            self._save(self.frame.with_columns(columns), temporary)
            shutil.copymode(self.path, temporary)

    def write_blank(self, path: Path) -> None:
        """Write the same rows without labels, notes and marks to another file, for another annotator.

        Raises
        ------
        InputError
            If it is not called .csv or .tsv.
        RunError
            If it cannot be written.
        """
        if named_kind(path) not in _TABLES:
            raise _no_table(path)
        blank = self.frame.drop(COLUMN, strict=False).with_columns(
            [pl.lit(None, pl.String).alias(name) for name in (self.label, self.note)]
        )
        with atomic_path(path) as temporary:
            self._save(blank, temporary)

    def _save(self, frame: pl.DataFrame, path: Path) -> None:
        frame.write_csv(path, separator=self.delimiter, include_bom=self.marked)


def read_annotations(source: str | Path, label_space: LabelSpace) -> AnnotationTable:
    """Read a CSV or TSV of reviews, some of them labelled.

    Raises
    ------
    InputError
        If it cannot be read or has no rows, a line is damaged (it would be lost when the file is written), there is
        no column of texts, an id is missing or repeated, or a label is not in `label_space`.
    """
    path = Path(source)
    kind = format_of(path)
    if kind not in _TABLES:
        raise _no_table(path)
    with ExitStack() as stack:
        opened = open_text(open_file(path, stack))
        text = b"".join(opened)
    if (found := text_kind(text, kind)) not in _TABLES:
        raise InputError(f"{path} holds {found}, not CSV.", hint="Save the sample as CSV.")
    layout = csv_layout(text, found)
    raw = concat_tables(list(layout.parse([text])))
    if not len(raw.frame):
        raise header_only(str(path), raw)
    damaged = raw.rejected.filter(pl.col("excerpt") != "")
    if len(damaged):
        line, reason, _ = damaged.row(0)
        raise InputError(f"Line {line:,} of {path} is damaged: {reason}.", hint="Repair it, or delete it.")
    frame, reviews, names = _with_columns(raw.frame, raw.lines, str(path))
    _check_ids(frame[names["id"]], raw.lines, str(path))
    _check_labels(_stripped(frame[names["label"]]), raw.lines, label_space, str(path))
    return AnnotationTable(
        path.resolve(),
        frame,
        reviews,
        **names,
        delimiter=layout.delimiter or ("\t" if kind == "tsv" else ","),
        marked=opened.encoding != "utf-8",
        notes=tuple(f"{note} It is saved as UTF-8." for note in opened.notes),
    )


def require_writable(path: Path) -> None:
    """Refuse a file that cannot be replaced.

    Raises
    ------
    RunError
        If the file or its folder may not be written to.
    """
    for place in (path, path.parent):
        if not os.access(place, os.W_OK, effective_ids=os.access in os.supports_effective_ids):
            raise RunError(f"{place} may not be written to.", hint="Copy the file to a folder of yours.")


def _no_table(path: Path) -> InputError:
    return InputError(f"{path} is not a .csv or .tsv file.", hint="Save the sample as CSV.")


def _with_columns(
    frame: pl.DataFrame, lines: pl.Series, source: str
) -> tuple[pl.DataFrame, TextColumns, dict[str, str]]:
    """Add the columns that are missing, and say where the reviews are and what each of the others is called."""
    names = {wanted: _named(frame, wanted) for wanted in ("label", "note")}
    try:
        text, identity = find_columns(frame.drop(filter(None, names.values())), None, None, source=source)
    except InputError as error:
        raise InputError(str(error), hint="Call the column of reviews 'text'.") from None
    identity = _named(frame, "id") or identity
    if identity is None:
        identity = "id"
        frame = frame.insert_column(0, lines.cast(pl.String).alias(identity))
    for wanted in (wanted for wanted, found in names.items() if found is None):
        frame = frame.with_columns(pl.lit(None, pl.String).alias(wanted))
    return frame, text, {"id": identity} | {wanted: found or wanted for wanted, found in names.items()}


def _named(frame: pl.DataFrame, wanted: str) -> str | None:
    columns = [column for column in frame.columns if fold_name(column) == wanted]
    return wanted if wanted in columns else next(iter(columns), None)


def _stripped(labels: pl.Series) -> pl.Series:
    values = labels.str.strip_chars()
    return values.set(values == "", None)


def _check_ids(ids: pl.Series, lines: pl.Series, source: str) -> None:
    if ids.null_count():
        line = lines.filter(ids.is_null())[0]
        raise InputError(f"Line {line:,} of {source} has no id.", hint=f"Fill in column '{ids.name}', or remove it.")
    repeated = ids.is_duplicated()
    if repeated.any():
        again = ids.filter(repeated)[0]
        places = ", ".join(f"{line:,}" for line in lines.filter(ids == again).head(5))
        raise InputError(f"{source} has the id '{again}' more than once (lines {places}).", hint="Make ids unique.")


def _check_labels(labels: pl.Series, lines: pl.Series, label_space: LabelSpace, source: str) -> None:
    unknown = ~labels.is_in(label_space.names).fill_null(value=True)
    if unknown.any():
        name, line = labels.filter(unknown)[0], lines.filter(unknown)[0]
        raise InputError(
            f"Line {line:,} of {source} has the label '{name[:80]}', which is not a class of this task "
            f"({unknown.sum():,} such labels).",
            hint=nearest_hint(name, label_space.names),
        )
