"""What `labeler label` writes of single rows: their labels, and which labels have changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from ..data.progress import progress
from ..data.runs.directory import RunDirectory
from ..data.types.label_space import ABSTAIN, LabelSpace
from ..data.types.soft_labels import SoftLabels
from ..data.writing.chunked_files import CHUNK_ROWS, ChunkedParquet, writing_csv
from .label_models.patterns import VotePatterns
from .labelled import Labelled
from .voting.executor import Executor


@dataclass(frozen=True, eq=False)
class RowLabels:
    """The final labels of the n rows of a corpus, and which of the input rows' labels have changed.

    Parameters
    ----------
    labelled : Labelled
        What they were made from.
    hard : ndarray of int16, shape (n,)
        Class indices, -1 without a label.
    confidence : ndarray of float32, shape (n,)
        NaN where no voter voted.
    """

    labelled: Labelled
    hard: npt.NDArray[np.int16]
    confidence: npt.NDArray[np.float32]

    @property
    def input(self) -> npt.NDArray[np.int16]:
        """Class index of each input row."""
        return self.hard[: self.labelled.reviews.n_input]

    @cached_property
    def relabelled(self) -> npt.NDArray[np.int64] | None:
        """Input rows whose existing label changed, the most confident first; None without such a voter."""
        old = _existing(self.labelled)
        return None if old is None else self._changed(old)

    @cached_property
    def refined(self) -> npt.NDArray[np.int64] | None:
        """Input rows whose label refining changed, the most confident first; None if it is off."""
        return None if self.labelled.refinement is None else self._changed(self.labelled.hard)

    @property
    def overruled(self) -> npt.NDArray[np.int64]:
        """On how many input rows each voter's vote was the label until refining changed it; shape (m,)."""
        table = self.labelled.table
        changed = self.labelled.input_patterns[self.refined] if self.refined is not None else np.zeros(0, np.int32)
        agreed = table.patterns == self.labelled.hard[:, np.newaxis]
        overruled: npt.NDArray[np.int64] = np.bincount(changed, minlength=len(table)) @ agreed
        return overruled

    def _changed(self, before: npt.NDArray[np.int16]) -> npt.NDArray[np.int64]:
        old = before[self.labelled.input_patterns]
        rows = np.flatnonzero((old != ABSTAIN) & (self.input != ABSTAIN) & (old != self.input))
        return rows[np.argsort(-self.confidence[rows], kind="stable")]


def write_rows(labelled: Labelled, run: RunDirectory, executor: Executor) -> tuple[RowLabels, pl.DataFrame]:
    """Write the labels of the input rows, chunk by chunk; return the labels, and the lines of the gold rows.

    Raises
    ------
    RunError
        If a file cannot be written.
    """
    gold, n = labelled.reviews.gold, labelled.reviews.n_input
    wanted = np.zeros(0, np.int64) if gold is None else gold.rows
    known, hard, confidence, by_pattern, start = [], [], [], pattern_columns(labelled), 0
    bar = progress("Writing labels", total=n)
    with writing_csv(run.labels_csv) as csv, ChunkedParquet(run.labels) as parquet, bar as advance:
        frames = labelled.reviews.corpus.frames("id", "text")
        for frame, soft in zip(frames, labelled.final(executor), strict=True):
            patterns = by_pattern[labelled.table.inverse[start : start + len(frame)]]
            found = pl.concat([frame, label_columns(soft, labelled.labels), patterns], how="horizontal")
            hard.append(soft.hard())
            confidence.append(soft.confidence)
            ours = found.head(max(n - start, 0))
            parquet.write(ours)
            csv(ours.drop(_weak_columns(labelled.labels)))
            advance(len(ours))
            first, end = np.searchsorted(wanted, [start, start + len(frame)])
            known.append(found[wanted[first:end] - start])
            start += len(frame)
        parquet.save()
    lines = pl.concat(known)
    if labelled.gold_probs is not None:
        unseen = SoftLabels(labelled.gold_probs, lines["covered"].to_numpy())
        lines = lines.with_columns(label_columns(unseen, labelled.labels))
    return RowLabels(labelled, np.concatenate(hard), np.concatenate(confidence)), lines


def label_columns(soft: SoftLabels, labels: LabelSpace) -> pl.DataFrame:
    """Build the columns label (null where there is none), confidence and p_<class>."""
    return pl.DataFrame(
        [
            labels.series(soft.hard()).alias("label"),
            pl.Series("confidence", soft.confidence).fill_nan(None),
            *(pl.Series(f"p_{name}", soft.probs[:, i]) for i, name in enumerate(labels.names)),
        ]
    )


def pattern_columns(labelled: Labelled) -> pl.DataFrame:
    """Build the columns covered, votes, weak_label and weak_p_<class> (the label model's own), one row per pattern."""
    soft, labels = labelled.soft, labelled.labels
    weak = label_columns(soft, labels).drop("confidence")
    covered = pl.Series("covered", soft.covered)
    votes = votes_as_text(labelled.table, labelled.voter_names, labels)
    return pl.DataFrame([covered, votes, *weak.rename(lambda name: f"weak_{name}").get_columns()])


def _weak_columns(labels: LabelSpace) -> list[str]:
    return ["weak_label", *(f"weak_p_{name}" for name in labels.names)]


def write_changes(rows: RowLabels, run: RunDirectory) -> list[Path]:
    """Write ``relabelled.csv`` and ``refined.csv``, the most confident rows first; return the files that there are.

    Raises
    ------
    RunError
        If a file cannot be written.
    """
    labelled, written = rows.labelled, []
    kinds = (
        (run.relabelled, rows.relabelled, _existing(labelled), ("old_label", "new_label")),
        (run.refined, rows.refined, labelled.hard, ("weak_label", "label")),
    )
    for path, changed, before, names in kinds:
        if changed is None or before is None:
            continue
        with writing_csv(path) as write:
            for start in range(0, max(len(changed), 1), CHUNK_ROWS):
                write(_changes(rows, changed[start : start + CHUNK_ROWS], before, names))
        written.append(path)
    return written


def _changes(
    rows: RowLabels, changed: npt.NDArray[np.int64], before: npt.NDArray[np.int16], names: tuple[str, str]
) -> pl.DataFrame:
    """Build lines: id, text, the label before, the label now, confidence, votes."""
    labelled, labels = rows.labelled, rows.labelled.labels
    patterns = labelled.table.inverse[changed]
    return labelled.reviews.corpus.take(changed).with_columns(
        labels.series(before[patterns]).alias(names[0]),
        labels.series(rows.hard[changed]).alias(names[1]),
        pl.Series("confidence", rows.confidence[changed]),
        votes_as_text(labelled.table, labelled.voter_names, labels)[patterns],
    )


def _existing(labelled: Labelled) -> npt.NDArray[np.int16] | None:
    """Existing label of each pattern: what the first voter of kind ``existing`` votes."""
    columns = [j for j, voter in enumerate(labelled.voters) if voter.section.kind == "existing"]
    return labelled.table.patterns[:, columns[0]] if columns else None


def votes_as_text(table: VotePatterns, voters: Sequence[str], labels: LabelSpace) -> pl.Series:
    """Write who voted what in each pattern, e.g. ``keywords=positive; emoji=positive``."""
    written = [
        "; ".join(f"{voter}={labels.names[c]}" for voter, c in zip(voters, row, strict=True) if c != ABSTAIN)
        for row in table.patterns
    ]
    return pl.Series("votes", written, dtype=pl.String)
