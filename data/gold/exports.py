"""Hand labels as annotation tools export them, as a table with one review a row and a column ``label``.

=============== ==================================================================================================
Label Studio    JSON (``data``, ``annotations``), JSON-MIN and CSV (a row for each annotation, ``annotation_id``)
doccano         JSONL (``label`` holds a list; the text may be called ``data``)
Argilla 2       JSON of records (``fields``, ``responses``), nested or flat (``label.responses``)
=============== ==================================================================================================
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from ..reading.columns import LABEL_NAMES, TEXT_NAMES, guess_column
from ..types.label_space import ABSTAIN, LabelSpace
from ..types.raw_table import RawTable

_OF_AN_ANNOTATION = ("annotation_id", "annotator", "lead_time", "created_at", "updated_at", "agreement")
_FLAT = ".responses"  # Argilla's columns of answers


@dataclass(frozen=True)
class Review:
    """One review of an export: its columns, the line it is on, and what the annotators answered."""

    columns: Mapping[str, Any]
    line: int
    answers: tuple[str, ...]


def unpack_export(raw: RawTable, labels: LabelSpace) -> tuple[RawTable, tuple[str, ...]]:
    """Turn the export of an annotation tool into a plain table; any other table stays as it is.

    Reviews to which annotators (or one of them) give several classes get none, which is noted; annotations that were
    cancelled do not count, and ground truth in Label Studio overrules other annotations.

    Returns
    -------
    RawTable
        Where its rows are in the file is kept.
    tuple of str
        Notes to the user.
    """
    found = _unpacker(raw.frame)
    if found is None or not len(raw.frame):
        return raw, ()
    tool, read = found
    rows = [{name: _parsed(value) for name, value in row.items()} for row in raw.frame.iter_rows(named=True)]
    reviews = [_of_this_task(review, labels) for review in read(rows, raw.lines.to_list(), labels)]
    disputed = sum(len(set(review.answers)) > 1 for review in reviews)
    one = [review.answers[0] if len(set(review.answers)) == 1 else None for review in reviews]
    names = dict.fromkeys(name for review in reviews for name in review.columns if name != "label")
    columns = [pl.Series(name, [_text(r.columns.get(name)) for r in reviews], pl.String) for name in names]
    frame = pl.DataFrame([*columns, pl.Series("label", one, pl.String)])
    notes = [f"The hand labels were read as an export of {tool}."] if tool else []
    if disputed:
        notes.append(f"{disputed:,} reviews with several different hand labels were left out: settle them first.")
    lines = pl.Series("line", [review.line for review in reviews], pl.Int64)
    return RawTable(frame, lines, raw.rejected), tuple(notes)


_Reader = Callable[[Sequence[dict[str, Any]], Sequence[int], LabelSpace], Iterable[Review]]


def _unpacker(frame: pl.DataFrame) -> tuple[str, _Reader] | None:
    """Return the tool that made a table and what reads it, None for a plain table."""
    names = set(frame.columns)
    if {"data", "annotations"} <= names:
        return "Label Studio", _label_studio
    if {"annotation_id", "lead_time"} <= names:
        return "Label Studio", _label_studio_rows
    if {"fields", "responses"} <= names or any(name.endswith(_FLAT) for name in names):
        return "Argilla", _argilla
    label = guess_column(frame, LABEL_NAMES)
    if len(label) == 1 and frame[label[0]].dtype == pl.String and frame[label[0]].str.contains(r"^\s*\[").any():
        return ("doccano" if "Comments" in names else ""), _listed
    return None


def _label_studio(rows: Sequence[dict[str, Any]], lines: Sequence[int], labels: LabelSpace) -> Iterable[Review]:
    for row, line in zip(rows, lines, strict=True):
        made = [each for each in _dicts(row["annotations"]) if not each.get("was_cancelled")]
        true = [each for each in made if each.get("ground_truth")]
        results = [result for each in true or made for result in _dicts(each.get("result"))]
        answers = [_strings(result.get("value", {}).get("choices")) for result in results]
        data = row["data"] if isinstance(row["data"], dict) else {"text": row["data"]}
        yield Review(data, line, tuple(answer for found in answers for answer in found))


def _label_studio_rows(rows: Sequence[dict[str, Any]], lines: Sequence[int], labels: LabelSpace) -> Iterable[Review]:
    """Join the annotations of each task; its ``id`` is Label Studio's own, not that of the review."""
    label = _label_column(rows, labels)
    tasks: dict[Any, Review] = {}
    for row, line in zip(rows, lines, strict=True):
        task = row.get("id", line)
        columns = {name: value for name, value in row.items() if name not in (label, "id", *_OF_AN_ANNOTATION)}
        known = tasks.get(task, Review(columns, line, ()))
        tasks[task] = Review(known.columns, known.line, (*known.answers, *_strings(row.get(label))))
    return tasks.values()


def _argilla(rows: Sequence[dict[str, Any]], lines: Sequence[int], labels: LabelSpace) -> Iterable[Review]:
    for row, line in zip(rows, lines, strict=True):
        nested = _dict(row.get("responses"))
        given = [answer.get("value") for answers in nested.values() for answer in _dicts(answers)]
        flat = [value for name, values in row.items() if name.endswith(_FLAT) for value in _strings(values)]
        own = {name: value for name, value in row.items() if not isinstance(value, dict | list) and "." not in name}
        columns = own | _dict(row.get("metadata")) | _dict(row.get("fields"))
        yield Review(columns, line, (*(value for value in given if isinstance(value, str)), *flat))


def _listed(rows: Sequence[dict[str, Any]], lines: Sequence[int], labels: LabelSpace) -> Iterable[Review]:
    plain = [name for name in rows[0] if not any(isinstance(row[name], list | dict) for row in rows)]
    label = guess_column(pl.DataFrame(schema=list(rows[0])), LABEL_NAMES)[0]
    unnamed = not guess_column(pl.DataFrame(schema=plain), TEXT_NAMES)
    for row, line in zip(rows, lines, strict=True):
        columns = {name: row[name] for name in plain if name != label}
        if unnamed and "data" in columns:
            columns["text"] = columns.pop("data")
        yield Review(columns, line, _strings(row[label]))


def _label_column(rows: Sequence[dict[str, Any]], labels: LabelSpace) -> str:
    """Return the column that holds most classes of the task; the usual name, if there are none."""
    counts = {
        name: sum(labels.find(answer) != ABSTAIN for row in rows for answer in _strings(row.get(name)))
        for name in rows[0]
    }
    best = max(counts, key=lambda name: counts[name])
    return best if counts[best] else next(iter(guess_column(pl.DataFrame(schema=list(rows[0])), LABEL_NAMES)), best)


def _of_this_task(review: Review, labels: LabelSpace) -> Review:
    """Leave out answers to other questions, unless nothing else was answered, so that a misspelt class is seen."""
    known = tuple(labels.names[labels.find(answer)] for answer in review.answers if labels.find(answer) != ABSTAIN)
    return Review(review.columns, review.line, known or review.answers[:1])


def _parsed(value: Any) -> Any:
    """Read a list or object that was written as JSON text."""
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value.to_list() if isinstance(value, pl.Series) else value


def _strings(value: Any) -> tuple[str, ...]:
    """Return the answers in a value: a string, a list of them, or Label Studio's ``{"choices": [...]}``."""
    if isinstance(value, dict):
        value = value.get("choices")
    values = value if isinstance(value, list) else [value]
    return tuple(item.strip() for item in values if isinstance(item, str) and item.strip())


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)
