"""Labelling a run: with the hand labels of its samples, remembering what was told."""

from __future__ import annotations

from dataclasses import replace

from ..data.gold.hand_labels import hand_labels
from ..data.runs.directory import RunDirectory
from ..data.runs.label_options import LabelOptions, record_label_options
from .label import LabelJob, label_reviews
from .outputs import LabelSummary


def label_run(job: LabelJob, told: LabelOptions, run: RunDirectory) -> LabelSummary:
    """Vote, combine the votes, and write the labels; labels in the run's samples are gold rows too.

    Parameters
    ----------
    job : LabelJob
        With the gold rows given with ``--gold``, if any.
    told : LabelOptions
        What the job was made from.
    run : RunDirectory
        Held by the caller (`open_run`).

    Raises
    ------
    LabelerError
        See `hand_labels` and `label_reviews`.
    """
    gold = hand_labels(run, job.labels, job.gold)
    summary = label_reviews(replace(job, gold=gold, hand_labels=gold is not job.gold), run)
    record_label_options(run, replace(told, gold=told.gold or (job.gold.source if job.gold else None)))
    return summary
