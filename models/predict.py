"""`labeler predict`: from a stream of reviews to stored labels."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from ..data.errors import ConfigError, ModelError
from ..data.progress import status
from ..data.reading.columns import free_name
from ..data.reading.files.format_detection import DETECT, ReadOptions
from ..data.reading.frames import text_series
from ..data.reading.ids import ids_with_texts, normal_ids
from ..data.reading.reviews import Chunk, TableStream, open_stream
from ..data.runs.directory import RunDirectory
from ..data.runs.labels import LabelledRun
from ..data.runs.manifest import stage_key
from ..data.runs.summaries import read_train_summary
from ..data.text.content import has_content, is_blank
from ..data.types.label_space import LabelSpace
from ..data.writing.atomic import write_jsonl
from ..data.writing.overwriting import refuse_in_place
from ..data.writing.ownership import discard
from ..data.writing.sinks.open_sink import open_sink
from ..data.writing.sinks.sink import Sink, Written
from .blended import Blended
from .end_model.load import EndModel, load_end_model

_SAMPLE = 100  # rows that are shown to voters first


@dataclass(frozen=True)
class PredictJob:
    """What to label, with which model, and where the labels go.

    Parameters
    ----------
    source : str
        As for `open_stream`.
    model : Path
        Folder of an end model.
    output : str
        A file, a database URL, or ``-`` for standard output; see `open_sink`.
    rejected : Path
        Where rows that cannot be used are listed; removed when there are none.
    table : str, optional
        Table of the database.
    text_column, id_column
        As for `open_stream`.
    likely_text : str or sequence of str, optional
        Columns of the texts that were labelled; taken if the input has them and nothing else was asked for.
    options : ReadOptions
    force : bool
        Predict rows again that the output already has.
    voters : callable, optional
        Opens voters that decide with the model, given the first of the reviews; returns None if they cannot vote.
    """

    source: str
    model: Path
    output: str
    rejected: Path
    table: str | None = None
    text_column: str | Sequence[str] | None = None
    likely_text: str | Sequence[str] | None = None
    id_column: str | None = None
    options: ReadOptions = DETECT
    force: bool = False
    voters: Callable[[pl.DataFrame], Blended | None] | None = None


@dataclass(frozen=True)
class Prediction:
    """What became of the input.

    Parameters
    ----------
    written : Written
        Rows stored by this run and before, and where.
    without_content : int
        Rows among those new that say nothing and are stored without a label, see `has_content`.
    rejected : int
        Rows that could not be used.
    seconds : float
        Wall time after the model was loaded.
    """

    written: Written
    without_content: int
    rejected: int
    seconds: float


def check_age(run: RunDirectory) -> None:
    """Say that the model of a run was trained on earlier labels than the run has now.

    Raises
    ------
    ModelError
        If it has classes that the labels no longer have.
    """
    summary = read_train_summary(run.model)
    if summary is None or not summary.is_outdated(run):
        return
    again = summary.training_command(run.path)
    now = LabelledRun(run).label_space.names if run.summary.exists() else ()
    if now and not set(summary.labels) <= set(now):
        raise ModelError(
            f"The model in {run.model} was trained for other classes ({', '.join(summary.labels)}) than the labels "
            f"have now ({', '.join(now)}).",
            hint=f"Train it again: {again}",
        )
    status(f"note: the model was trained on earlier labels of this run; train it again with: {again}")


def predict_reviews(job: PredictJob) -> Prediction:
    """Label every review that the output does not have yet, in constant memory.

    Parameters
    ----------
    job : PredictJob

    Returns
    -------
    Prediction

    Raises
    ------
    ModelError, InputError, RunError, ConfigError
        See `load_end_model`, `open_stream` and `open_sink`. Chunks written before an error are kept: running again
        goes on with the rest, except on standard output.
    """
    refuse_in_place(job.source, job.output)
    model = load_end_model(job.model)
    if job.id_column in (added := added_columns(model.labels)):
        raise ConfigError(
            f"The id column is named '{job.id_column}', like a column that holds predictions ({', '.join(added)}).",
            hint="Rename it in the input.",
        )
    started = time.perf_counter()
    with ExitStack() as stack:
        reviews = stack.enter_context(
            open_stream(
                job.source,
                text_column=job.text_column,
                likely_text=job.likely_text,
                id_column=job.id_column,
                options=job.options,
            )
        )
        voters = None if job.voters is None else job.voters(next(reviews.head(_SAMPLE)).frame)
        columns = [job.text_column, job.likely_text, job.id_column]
        sink = stack.enter_context(
            open_sink(
                job.output,
                key=stage_key(model=model.digest, columns=columns, voters=voters and voters.digest),
                table=job.table,
                id_column=reviews.id_column or "id",
                text=reviews.text,
                force=job.force,
            )
        )
        tables, silent = zip(*_predicted(reviews, sink, model, voters), strict=True)
        rejected = reviews.located(pl.concat(tables))
        for note in reviews.notes:
            status(note)
        written = sink.finish()
    if len(rejected):
        write_jsonl(job.rejected, rejected)
        status(f"{len(rejected):,} rows could not be used: {job.rejected}")
    else:
        discard(job.rejected)
    return Prediction(written, sum(silent), len(rejected), time.perf_counter() - started)


def _predicted(
    reviews: TableStream, sink: Sink, model: EndModel, voters: Blended | None
) -> Iterator[tuple[pl.DataFrame, int]]:
    """Store the predictions of each chunk, then yield its rejected rows and how many of the new ones say nothing."""
    done, started = 0, time.perf_counter()
    for chunk in reviews:
        ids = _ids_there(chunk, reviews.id_column, sink)
        new = ~sink.known(ids)
        found = chunk.frame.filter(new)
        probs = _class_probabilities(model, found, voters)
        if len(found):
            rows = chunk.original.with_columns(ids.alias(reviews.id_column or "id"))
            sink.write(with_predictions(rows.filter(new), probs, model.labels))
            done += len(found)
            status(f"{done:,} reviews done, {done / (time.perf_counter() - started):,.0f}/s")
        yield chunk.rejected, int(np.isnan(probs[:, 0]).sum())


def predict_texts(model: EndModel, texts: Iterable[str | None], voters: Blended | None = None) -> pl.DataFrame:
    """Label n texts as `predict_reviews` does the rows of a file.

    Returns
    -------
    DataFrame
        n rows: ``text``, ``label``, ``confidence``, ``p_<class>``..., and ``reason``: why there is no label, else null.

    Raises
    ------
    InputError
        If one is something else than a string, None or NaN.
    """
    frame = text_series(texts).fill_null("").str.replace_all("\0", " ", literal=True).to_frame("text")
    blank = is_blank(frame["text"])
    rows = frame.with_columns(frame["text"].set(blank, "")).with_row_index("id").cast({"id": pl.String})
    probs = _class_probabilities(model, rows, voters)
    silent = pl.Series(np.isnan(probs[:, 0]))
    reason = pl.when(blank).then(pl.lit("empty text")).when(silent).then(pl.lit("no content"))
    return with_predictions(frame, probs, model.labels).with_columns(reason.alias("reason"))


def _class_probabilities(model: EndModel, rows: pl.DataFrame, voters: Blended | None) -> npt.NDArray[np.float32]:
    """Return the probabilities of n rows, shape (n, k); NaN of those without content."""
    content = has_content(rows["text"])
    probs = np.full((len(rows), model.labels.k), np.nan, np.float32)
    if content.any():
        found = rows.filter(content)
        probs[content] = model.predict_proba(found["text"].to_list()) if voters is None else voters.of(model, found)
    return probs


def _ids_there(chunk: Chunk, id_column: str | None, sink: Sink) -> pl.Series:
    """Return the ids under which rows are stored, or will be: an id that is stored with another text is another row's.

    So two reviews of one product are both predicted, also if they come on different days.
    """
    ids, texts = chunk.frame["id"], chunk.frame["text"]
    if id_column is None:  # made from the texts
        return ids
    given = normal_ids(chunk.original[id_column]).fill_null(ids)
    ids = given.zip_with(sink.holds(given, texts)[0], ids)
    _, taken = sink.holds(ids, texts)
    return ids_with_texts(ids, texts).zip_with(taken, ids) if taken.any() else ids


def added_columns(labels: LabelSpace) -> list[str]:
    """Name the columns that `with_predictions` adds."""
    return ["label", "confidence", *(f"p_{name}" for name in labels.names)]


def with_predictions(frame: pl.DataFrame, probs: npt.NDArray[np.float32], labels: LabelSpace) -> pl.DataFrame:
    """Add ``label``, ``confidence`` and ``p_<class>`` to rows.

    Parameters
    ----------
    frame : DataFrame
        n rows. Columns of these names are kept as ``<name>_input``.
    probs : ndarray of float32, shape (n, k)
        A row of NaN is a review without a label: the added columns are empty.
    labels : LabelSpace
    """
    names = pl.Series("label", labels.names, dtype=pl.String)
    added = added_columns(labels)
    scores = [pl.Series(values).fill_nan(None) for values in (probs.max(axis=1), *probs.T)]
    best = pl.Series(probs.argmax(axis=1)).set(scores[0].is_null(), None)
    columns = [names.gather(best), *scores]
    taken = {*frame.columns, *added}
    renamed = {name: free_name(name, taken) for name in added if name in frame.columns}
    return frame.rename(renamed).hstack([column.alias(name) for column, name in zip(columns, added, strict=True)])
