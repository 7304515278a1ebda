"""Hand-labelled rows: reading them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from ..errors import InputError, nearest_hint
from ..reading.columns import LABEL_NAMES, guess_column
from ..reading.file_series import open_input
from ..reading.files.problems import header_only
from ..reading.frames import TableSource
from ..reading.ids import normal_ids
from ..reading.text_columns import TextColumns, find_text_columns, likely_columns, usual_text_columns
from ..reading.usable_rows import find_id_column
from ..types.label_space import LabelSpace
from ..types.raw_table import concat_tables
from .exports import unpack_export
from .weights import sample_weights

INCLUSION = "inclusion_probability"
"""Column of a drawn sample: how likely the row was to be drawn."""

_COPIES = "rows"


class UnlabelledError(InputError):
    """A file to label by hand has no labelled row yet."""


@dataclass(frozen=True, eq=False)
class GoldTable:
    """Rows with a known label.

    Parameters
    ----------
    frame : DataFrame
        ``id`` (String or null), ``text`` (String or null), ``label`` (Int16, class index),
        ``inclusion_probability`` and ``rows`` (Float64, null where the file does not say: how likely the row was to be
        drawn, and how many reviews have its text), ``weight`` (Float64): how much of the population the row stands
        for, 1 on average. Each row has an id or a text.
    source : str
        The path as given.
    digest : str
        ``blake2b:...`` of the file's bytes.
    notes : tuple[str, ...]
        Things worth telling the user.
    sampled : int
        How many of the last rows are of the run's own samples: they count only where its input has them.
    """

    frame: pl.DataFrame
    source: str
    digest: str
    notes: tuple[str, ...] = ()
    sampled: int = 0

    def __len__(self) -> int:
        """Count the labelled rows."""
        return len(self.frame)


def read_gold(source: TableSource, label_space: LabelSpace, *, likely: str | Sequence[str] | None = None) -> GoldTable:
    """Read gold labels: columns for the label and for the id, the text, or both; or what `unpack_export` knows.

    They come from a file or a table in memory (see `as_frame`). Rows without a label are skipped; repeated rows with
    the same label count once. In a sample that was not drawn evenly, the column ``inclusion_probability`` says how
    likely each row was to be drawn, and the column ``rows`` how many reviews have the same text; rows weigh accordingly
    (`weights.sample_weights`). The texts are in the `likely` columns if the file has them all, or found by their names.

    Raises
    ------
    InputError
        If the file cannot be read or holds labels of this program's, a needed column is missing, a label is not in
        `label_space`, no row has a label, one id (or, without ids, one text) has two labels, or an inclusion
        probability is not in (0, 1].
    """
    with open_input(source) as rows:
        name, table, digest = rows.name, concat_tables(list(rows.read())), rows.digest()
    if not len(table):
        raise header_only(name, table)
    table, notes = unpack_export(table, label_space)
    raw = table.frame
    _refuse_weak_labels(raw, label_space, name)
    label = _find_label_column(raw, label_space, name)
    columns = raw.drop(label)
    identity = find_id_column(columns, None, source=name)
    text = _find_optional_text(columns, likely_columns(columns, likely), identity, name)
    drawn = {
        column: raw[column].cast(pl.String) if {INCLUSION, column} <= {*raw.columns} else _nothing(raw)
        for column in (INCLUSION, _COPIES)
    }
    frame = pl.DataFrame(
        [
            _cleaned(normal_ids(raw[identity]) if identity else _nothing(raw)).alias("id"),
            _cleaned(text.of(raw) if text else _nothing(raw)).alias("text"),
            label_space.respell(raw[label].cast(pl.String).str.strip_chars()).alias("label"),
            *(_cleaned(values).alias(column) for column, values in drawn.items()),
            table.lines.alias("line"),
        ]
    )
    blank = (pl.col("label").fill_null("") == "") | (pl.col("id").is_null() & pl.col("text").is_null())
    usable = frame.filter(~blank)
    if not len(usable):
        raise UnlabelledError(f"{name} has no labelled row.", hint=f"Fill in column '{label}'.")
    _check_labels(usable, label_space, name)
    _check_conflicts(usable, name)
    usable = usable.unique(["id", "text", "label"], keep="first", maintain_order=True)
    indices = pl.Series("label", label_space.encode(usable["label"]), pl.Int16)
    usable = usable.with_columns(_probabilities(usable, name), _number(usable[_COPIES]).clip(1.0))
    weights = sample_weights(usable[INCLUSION].to_numpy(), usable[_COPIES].to_numpy())
    frame = usable.select("id", "text", indices, INCLUSION, _COPIES, pl.Series("weight", weights))
    return GoldTable(frame, name, digest, notes)


def _refuse_weak_labels(frame: pl.DataFrame, label_space: LabelSpace, source: str) -> None:
    """Refuse what `labeler label` or `predict` wrote: scored on its own labels, everything looks perfect."""
    written = {"confidence", *(f"p_{name}" for name in label_space.names)}
    if written <= set(frame.columns):
        raise InputError(
            f"{source} holds labels that labeler made: it has the columns {', '.join(sorted(written))}.",
            hint="Keep only the rows that a person has labelled, with the columns id, text and label.",
        )


def _find_label_column(frame: pl.DataFrame, label_space: LabelSpace, source: str) -> str:
    usual = guess_column(frame, LABEL_NAMES)
    found = ", ".join(frame.columns)
    if len(usual) > 1:  # "category" may be the shop's; the gold column is the one that holds our classes
        usual = [name for name in usual if _share_known(frame[name], label_space) > 0]
    if len(usual) == 1:
        return usual[0]
    if usual:
        raise InputError(f"{source} has several label columns: {', '.join(usual)}.", hint="Keep only one of them.")
    raise InputError(f"{source} has no label column. Columns found: {found}.", hint="Call the column 'label'.")


def _share_known(values: pl.Series, label_space: LabelSpace) -> float:
    names = values.cast(pl.String, strict=False).str.strip_chars().drop_nulls()
    return float(label_space.respell(names).is_in(label_space.names).mean() or 0.0)  # type: ignore[arg-type]


def _find_optional_text(
    frame: pl.DataFrame, wanted: Sequence[str] | None, identity: str | None, source: str
) -> TextColumns | None:
    """Return the texts; with an id column the gold file needs none."""
    if wanted is None and identity is not None:
        return usual_text_columns(frame)
    return find_text_columns(frame, wanted, id_column=identity, source=source)


def _nothing(frame: pl.DataFrame) -> pl.Series:
    return pl.repeat(None, len(frame), dtype=pl.String, eager=True)


def _cleaned(values: pl.Series) -> pl.Series:
    values = values.str.replace_all("\0", " ", literal=True)
    return values.set(values.str.strip_chars() == "", None)


def _check_labels(frame: pl.DataFrame, label_space: LabelSpace, source: str) -> None:
    unknown = frame.filter(~pl.col("label").is_in(label_space.names))
    if not len(unknown):
        return
    names = unknown["label"].unique(maintain_order=True).to_list()
    listed = ", ".join(f"'{name}'" for name in names[:10]) + (" ..." if len(names) > 10 else "")
    raise InputError(
        f"{source} has {len(unknown):,} labels that are not classes of this task: {listed} "
        f"(first on line {unknown['line'][0]:,}).",
        hint=nearest_hint(names[0], label_space.names),
    )


def _check_conflicts(frame: pl.DataFrame, source: str) -> None:
    """Refuse two labels of one review; reviews of one product, which share its id, have texts of their own."""
    for key, rows in (("id", frame), ("text", frame.filter(pl.col("id").is_null()))):
        groups = rows.filter(pl.col(key).is_not_null()).group_by(*dict.fromkeys((key, "text")), maintain_order=True)
        clash = groups.agg(pl.col("label").unique(maintain_order=True), "line").filter(pl.col("label").list.len() > 1)
        if len(clash):
            value, labels, lines = clash.select(key, "label", "line").row(0)
            raise InputError(
                f"{source} gives the {key} '{value[:80]}' different labels: {', '.join(labels)} "
                f"(lines {', '.join(map(str, lines[:5]))}).",
                hint="Keep one of them.",
            )


def _probabilities(frame: pl.DataFrame, source: str) -> pl.Series:
    """Read inclusion probabilities; null where there is none."""
    probability = _number(frame[INCLUSION])
    good = (probability > 0) & (probability <= 1)
    wrong = frame.filter(frame[INCLUSION].is_not_null() & ~good.fill_null(False))
    if len(wrong):
        raise InputError(
            f"{source} has {len(wrong):,} labelled rows whose {INCLUSION} is not above 0 and at most 1: "
            f"'{wrong[INCLUSION][0]}' (first on line {wrong['line'][0]:,}).",
            hint="Keep the column as `labeler sample` wrote it, or remove it if all rows were drawn evenly.",
        )
    return probability


def _number(values: pl.Series) -> pl.Series:
    """Parse numbers; a spreadsheet may have written a decimal comma."""
    return values.str.strip_chars().str.replace(",", ".", literal=True).cast(pl.Float64, strict=False)
